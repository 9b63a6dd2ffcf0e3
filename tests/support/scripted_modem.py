"""A modem that says exactly what a test wrote down, byte for byte, at the times it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


def info(*lines: str) -> bytes:
    """An answer as V.250 frames it."""
    return b"".join(b"\r\n" + line.encode("latin-1") + b"\r\n" for line in lines) + OK


@dataclass(frozen=True)
class Late:
    """Pieces of one answer with the milliseconds before each."""

    pieces: tuple[tuple[int, bytes], ...]


Said = bytes | Late | None
"""An answer; None is silence."""

HEALTHY: dict[str, Said | Sequence[Said]] = {
    "ATQ0V1E1": OK,
    "AT": OK,
    "AT+CMEE=1": OK,
    "AT+CGMI": info("Maker"),
    "AT+CGMM": info("M1"),
    "AT+CGMR": info("1.0"),
    "AT+CGSN": info("490154203237518"),
    "AT+CGSN=2": ERROR,
    "AT+CFUN?": info("+CFUN: 1"),
    "AT+CPIN?": info("+CPIN: READY"),
    "AT+CIMI": info("262011234567890"),
    "AT+CRSM=176,28589,0,0,4": info('+CRSM: 144,0,"00000002"'),
    "AT+CRSM=176,12258,0,0,10": info('+CRSM: 144,0,"98941000100101234567"'),
    'AT+CLCK="PN",2': info("+CLCK: 0"),
    'AT+CLCK="PU",2': info("+CLCK: 0"),
    'AT+CLCK="PP",2': info("+CLCK: 0"),
    'AT+CLCK="PC",2': info("+CLCK: 0"),
    "AT+CREG=2": OK,
    "AT+CGREG=2": OK,
    "AT+CEREG=2": OK,
    "AT+CREG?": info('+CREG: 2,5,"0502","0404736D",7'),
    "AT+CGREG?": info("+CGREG: 2,4"),
    "AT+CEREG?": info("+CEREG: 2,4"),
    "AT+COPS=3,0": OK,
    "AT+COPS=3,2": OK,
    "AT+COPS?": [info('+COPS: 0,0,"CUBACEL",7'), info('+COPS: 0,2,"36801",7')],
    "AT+CSQ": info("+CSQ: 20,99"),
    "AT+CCLK?": info('+CCLK: "26/11/26,14:00:00+04"'),
}


@dataclass
class ScriptedModem:
    """Answers from a table; a sequence is said one by one, its last for ever after."""

    changes: dict[str, Said | Sequence[Said]] = field(default_factory=dict)
    echo: bool = True
    cr_only: bool = False
    before_each: bytes = b""
    """Said before every answer (after the echo)."""
    unasked: list[tuple[int, bytes]] = field(default_factory=list)
    """Times and bytes that come by themselves."""
    silent_from: str | None = None
    """From this command on nothing is answered any more."""
    line: bytearray = field(default_factory=bytearray)
    out: list[tuple[int, bytes]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    now: int = 0
    _turns: dict[str, int] = field(default_factory=dict)

    def receive(self, data: bytes, now: int) -> None:
        self.now = now
        for byte in data:
            if byte == 0x0D:
                command = self.line.decode("ascii").replace("\x1b", "")
                self.line.clear()
                self._answer(command)
            else:
                self.line.append(byte)

    def tick(self, now: int) -> None:
        self.now = now

    def outgoing(self) -> bytes:
        self.out += self.unasked
        self.unasked = []
        due = [data for at, data in self.out if at <= self.now]
        self.out = [piece for piece in self.out if piece[0] > self.now]
        data = b"".join(due)
        return data.replace(b"\r\n", b"\r") if self.cr_only else data

    def wake_at(self) -> int | None:
        times = [at for at, _ in self.out + self.unasked]
        return min(times) if times else None

    def _answer(self, command: str) -> None:
        self.heard.append(command)
        if self.silent_from is not None and self.silent_from in self.heard:
            return
        if self.echo and command:
            self.out.append((self.now, command.encode() + b"\r"))
        said = {**HEALTHY, **self.changes}.get(command, ERROR)
        if isinstance(said, Sequence) and not isinstance(said, bytes):
            turn = self._turns.get(command, 0)
            self._turns[command] = turn + 1
            # Numeric and long operator are asked in turn, round after round.
            said = said[min(turn, len(said) - 1)] if command != "AT+COPS?" else self._cops(said)
        if isinstance(said, bytes):
            said = Late(((0, self.before_each + said),))
        at = self.now
        for wait, data in said.pieces if said is not None else ():
            at += wait
            self.out.append((at, data))

    def _cops(self, said: Sequence[Said]) -> Said:
        chosen = [heard for heard in self.heard if heard.startswith("AT+COPS=3,")]
        return said[1] if chosen and chosen[-1] == "AT+COPS=3,2" else said[0]
