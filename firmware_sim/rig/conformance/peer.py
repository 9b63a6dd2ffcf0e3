"""A program that answers vectors: started once, one line in, one line out."""

from __future__ import annotations

import contextlib
import json
import selectors
import shlex
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from firmware_sim.rig.conformance.suite import VectorTrouble

LONGEST_LINE = 1 << 20


class Peer:
    """Talks to one implementation; a context manager that ends the program."""

    def __init__(self, command: str, timeout_s: float = 20.0) -> None:
        """`command` is split as a shell would, and run without one.

        Raises:
            VectorTrouble: it does not start.
        """
        self._timeout_s = timeout_s
        try:
            words = shlex.split(command)
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except (OSError, ValueError, IndexError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise VectorTrouble(f"cannot start {command!r}: {why}") from error
        self._name = words[0]
        self._rest = b""

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to one request.

        Raises:
            VectorTrouble: no reply in time, no JSON object, another id, or the program ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise VectorTrouble(f"{self._name} has gone: {error.strerror}") from error
        line = self._line()
        try:
            reply = json.loads(line)
        except ValueError as error:
            raise VectorTrouble(f"{self._name} answered no JSON: {line[:80]!r}") from error
        if not isinstance(reply, dict) or reply.get("id") != request["id"]:
            raise VectorTrouble(f"{self._name} answered something else: {line[:80]!r}")
        return reply

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(self._timeout_s):
                    raise VectorTrouble(f"{self._name} gave no answer in {self._timeout_s:g} s")
                octets = self._process.stdout.read1(65536)  # type: ignore[attr-defined]
                if not octets:
                    raise VectorTrouble(f"{self._name} ended without an answer")
                self._rest += octets
                if len(self._rest) > LONGEST_LINE:
                    raise VectorTrouble(f"{self._name} answered more than a line")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """End the program: close its input, and insist if that is not enough."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it may have gone already
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
