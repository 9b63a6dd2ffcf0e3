"""A handset's flash as files: two slots and a counter in one directory, durable when it says so.

    DIR/slot-0, DIR/slot-1   what was written, no more
    DIR/counter              the counter in decimal digits and a line feed
    DIR/lock                 held while a process uses the directory

A slot is written in place, like the flash that it stands for; `flush` returns when slots and
folder are on the disk. The counter is replaced by a file that is whole and on the disk
before its name changes, so it is the old or the new number.

Source: fsync(2), rename(2), flock(2); ISO/IEC 9945 (POSIX.1), rename: atomic replacement.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim.flash import ERASED, MAX_COUNTER, SLOT_SIZE, FlashError

_MODE = 0o600
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class FileFlash:
    """The `Flash` in a directory. Use `close` or a `with` block to give it back."""

    def __init__(self, directory: Path | str) -> None:
        """Open the directory; make it if it is missing.

        Raises:
            SimError: it is no directory, read-only, in use by another process, or damaged.
        """
        self._path = Path(directory)
        self._slots = (self._path / "slot-0", self._path / "slot-1")
        self._counter = self._path / "counter"
        self._dirty: set[Path] = set()
        with self._trouble("open"):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock = self._take_lock()
            try:
                self.read_counter()  # what is damaged is found now, not in mid-dialogue
            except BaseException:
                os.close(self._lock)
                raise
        except BaseException:
            os.close(self._folder)
            raise

    def __enter__(self) -> FileFlash:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the directory back. Harmless when done already."""
        for descriptor in (self._lock, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._lock = self._folder = -1

    # The port --------------------------------------------------------------------------

    def read_slot(self, index: int) -> bytes:
        with self._trouble("read"):
            try:
                descriptor = os.open(self._slots[index], os.O_RDONLY)
            except FileNotFoundError:
                return ERASED
            try:
                return os.read(descriptor, SLOT_SIZE)
            finally:
                os.close(descriptor)

    def erase_slot(self, index: int) -> None:
        self._store(index, ERASED)

    def write_slot(self, index: int, data: bytes) -> None:
        if len(data) > SLOT_SIZE:
            raise FlashError(f"{len(data)} octets do not fit into a slot of {SLOT_SIZE}")
        self._store(index, data)

    def flush(self) -> None:
        with self._trouble("flush"):
            for slot in sorted(self._dirty):
                descriptor = os.open(slot, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            os.fsync(self._folder)
        # Not before: after an error the next flush must try all of them again.
        self._dirty.clear()

    def read_counter(self) -> int:
        with self._trouble("read"):
            try:
                text = self._counter.read_bytes()
            except FileNotFoundError:
                return 0
        digits = text.removesuffix(b"\n")
        if not text.endswith(b"\n") or not digits.isdigit() or int(digits) > MAX_COUNTER:
            raise FlashError(f"{self._counter} is damaged")
        return int(digits)

    def bump_counter(self) -> None:
        value = self.read_counter() + 1
        fresh = self._path / "counter.new"
        with self._trouble("write"):
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            try:
                _write_all(descriptor, b"%d\n" % value)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(fresh, self._counter)
            os.fsync(self._folder)

    # Inside ----------------------------------------------------------------------------

    def _store(self, index: int, data: bytes) -> None:
        slot = self._slots[index]
        with self._trouble("write"):
            descriptor = os.open(slot, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            self._dirty.add(slot)
            try:
                _write_all(descriptor, data)
            finally:
                os.close(descriptor)

    def _take_lock(self) -> int:
        path = self._path / "lock"
        with self._trouble("lock"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise SimError("state", f"{self._path} is in use by another process") from None
        except OSError as error:
            os.close(descriptor)
            raise SimError("state", f"cannot lock {self._path}: {error.strerror}") from error
        return descriptor

    @contextmanager
    def _trouble(self, verb: str) -> Iterator[None]:
        try:
            yield
        except NotADirectoryError:
            raise FlashError(f"{self._path} is not a directory") from None
        except FileExistsError:
            raise FlashError(f"{self._path} is not a directory") from None
        except OSError as error:
            if error.errno in _READ_ONLY:
                raise FlashError(f"{self._path} is read-only") from error
            raise FlashError(f"cannot {verb} {self._path}: {error.strerror}") from error


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
