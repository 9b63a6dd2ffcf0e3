"""How lines are put on the wire. Source: ITU-T V.250, 5.7.1 and 6.2.6; 3GPP TS 27.007, 9.1."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_sim.modem.at.results import NUMERIC, CmeError, Result, cme_text
from firmware_sim.modem.virtual.session import Session


def information(lines: Sequence[str], session: Session) -> bytes:
    """The information of one command: a CRLF before it (V1) and one behind each line."""
    if not lines:
        return b""
    body = "".join(f"{line}\r\n" for line in lines).encode()
    return b"\r\n" + body if session.verbose else body


def unasked(line: str, session: Session) -> bytes:
    """An unsolicited result code; Q1 silences it as it does every result code."""
    return b"" if session.quiet else information([line], session)


def final(result: Result, session: Session) -> bytes:
    """The final result: `CRLF OK CRLF`, or `0 CR` after V0."""
    if session.quiet:
        return b""
    if session.verbose:
        return f"\r\n{result.value}\r\n".encode()
    return f"{NUMERIC[result]}\r".encode()


def refusal(error: CmeError, session: Session) -> bytes:
    """The final result of a refused command, as CMEE asks. V0 has no other form for it."""
    if session.errors == 0:
        return final(Result.ERROR, session)
    if session.quiet:
        return b""
    told = str(int(error)) if session.errors == 1 else cme_text(error)
    return f"\r\n+CME ERROR: {told}\r\n".encode()
