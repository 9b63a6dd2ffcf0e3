"""Pseudo-terminals: open an existing terminal raw, or make one with a name of our choice."""

from __future__ import annotations

import os
from pathlib import Path

from firmware_sim.links.link import LinkError
from firmware_sim.links.queued import DescriptorLink, cause


class PtyLink(DescriptorLink):
    """One side of a pseudo-terminal (or any terminal), raw."""

    def __init__(self, name: str, part: str, descriptor: int, keeper: int | None = None) -> None:
        super().__init__(name, part, descriptor)
        self._keeper = keeper

    def _release(self) -> None:
        super()._release()
        if self._keeper is not None:
            os.close(self._keeper)


class PtyListener:
    """A pseudo-terminal with a symbolic link to it.

    A terminal has no callers: programs open it and close it, and nobody is told. So there is
    one link, ready at once, and it outlives the programs that use it, as a real port does.
    Our own side holds the terminal open: otherwise the kernel would forget that it is raw, and
    echo a modem's answers back to the modem.
    """

    def __init__(self, path: str, part: str) -> None:
        self._path = Path(path)
        self._part = part
        master, slave = os.openpty()
        _make_raw(slave)
        os.set_blocking(master, False)
        self._target = os.ttyname(slave)
        self._link: PtyLink | None = PtyLink(f"pty:{path}", part, master, keeper=slave)
        self._closed = False
        try:
            self._place()
        except (OSError, LinkError) as failure:
            self._link.close()
            why = failure.text if isinstance(failure, LinkError) else cause(failure)
            raise LinkError(part, f"cannot make a pty at {path}: {why}") from None

    @property
    def address(self) -> str:
        """`pty:PATH`; programs open PATH."""
        return f"pty:{self._path}"

    @property
    def device(self) -> str:
        """The terminal itself, such as /dev/pts/7."""
        return self._target

    def ready(self) -> bool:
        """True until the one link was taken."""
        return self._link is not None

    def accept(self) -> PtyLink | None:
        """The link, once; then None."""
        link, self._link = self._link, None
        return link

    def fileno(self) -> int | None:
        """None: nothing ever arrives here."""
        return None

    def close(self) -> None:
        """Take the symbolic link away, if it is still ours."""
        if self._closed:
            return
        self._closed = True
        if self._link is not None:
            self._link.close()
            self._link = None
        try:
            if os.readlink(self._path) == self._target:
                self._path.unlink()
        except OSError:
            return  # somebody else's now, or gone: nothing of ours to take away

    def _place(self) -> None:
        if self._path.is_symlink():
            if not os.readlink(self._path).startswith("/dev/pts/"):
                raise LinkError(self._part, "a link to something else stands there")
        elif self._path.exists():
            raise LinkError(self._part, "a file stands there")
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._target)
        fresh.replace(self._path)


def open_terminal(path: str, name: str, part: str) -> PtyLink:
    """Open a terminal raw and for us alone, without discarding what waits in it.

    Raises: LinkError (no such device, not a terminal, in use, no permission).
    """
    import fcntl
    import termios

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failure:
        raise LinkError(part, f"cannot open {name}: {cause(failure)}") from None
    try:
        # The lock that pyserial's `exclusive=True` takes: two readers steal each other's bytes.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _make_raw(descriptor)
    except BlockingIOError:
        os.close(descriptor)
        raise LinkError(part, f"cannot open {name}: another program is using it") from None
    except termios.error as failure:
        os.close(descriptor)
        raise LinkError(
            part, f"cannot open {name}: not a terminal ({str(failure.args[-1]).lower()})"
        ) from None
    except OSError as failure:
        os.close(descriptor)
        raise LinkError(part, f"cannot open {name}: {cause(failure)}") from None
    return PtyLink(name, part, descriptor)


def _make_raw(descriptor: int) -> None:
    import termios
    import tty

    tty.setraw(descriptor, termios.TCSANOW)  # TCSAFLUSH, the default, would discard input
