"""The service desk of `activate --unlock`: who answers the challenge that a locked phone shows."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable

from firmware_sim.errors import SimError, UsageError

PART = "unlock"
DESK_S = 60
"""How long a command may take for its ticket."""


def ticket_source(command: str | None) -> Callable[[str], str] | None:
    """From challenge to ticket: None asks nobody, "" a person, anything else is a command.

    Raises:
        UsageError: the command cannot be taken apart into words.
    """
    if command is None:
        return None
    if not command:
        return _typed
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(PART, f"{command!r}: {error}") from error
    if not words:
        raise UsageError(PART, "an empty command answers no challenge")
    return lambda challenge: _answered(words, challenge)


def _typed(challenge: str) -> str:
    # Not on standard output, where --json has one object and nothing else.
    print(f"challenge: {challenge}\nticket: ", end="", file=sys.stderr, flush=True)
    text = sys.stdin.readline().strip()
    if not sys.stdin.isatty():
        print(file=sys.stderr)
    return text


def _answered(words: list[str], challenge: str) -> str:
    try:
        done = subprocess.run(
            words,
            input=challenge + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DESK_S,
            check=False,
        )
    except OSError as error:
        raise SimError(PART, f"{words[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise SimError(PART, f"{words[0]}: no ticket within {DESK_S} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        why = f": {lines[-1]}" if lines else ""
        raise SimError(PART, f"{words[0]}: exit status {done.returncode}{why}")
    ticket = done.stdout.strip()
    if not ticket:
        raise SimError(PART, f"{words[0]}: printed no ticket")
    return ticket
