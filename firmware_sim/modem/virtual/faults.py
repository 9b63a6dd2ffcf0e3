"""What goes wrong on purpose: faults by name, as values with a seed.

A fault looks at the number of an answer and its seed, never at a clock or at chance, so a run
with faults is repeated by repeating their text: `late:ms=1500,command=+COPS,every=3,seed=7`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, replace

from firmware_sim.errors import UsageError

_MASK = (1 << 64) - 1


class FaultKind(enum.Enum):
    """The faults; the value is the name on the command line."""

    LATE = "late"
    """The answer comes `ms` later."""
    LOST = "lost"
    """Nothing but the echo comes."""
    NO_FINAL = "no-final"
    """The information comes, the result code never."""
    DOUBLED = "doubled"
    """The answer comes twice."""
    TORN = "torn"
    """The answer comes in two parts, `ms` apart, cut at a byte the seed chooses."""
    CR_ONLY = "cr-only"
    """Lines end with CR alone."""
    BARE = "bare"
    """Lines have no leading CRLF."""
    URC_INSIDE = "urc-inside"
    """The unsolicited line `text` comes between the information and the result."""
    SAY = "say"
    """The information is `text` (lines parted by |) instead; the result stays."""
    RESULT_FIRST = "result-first"
    """The result code comes before the information."""
    BANNER = "banner"
    """`text` (lines parted by |) comes at power-up, as from modems that greet."""
    NOISE = "noise"
    """Bytes that are no text come before the answer."""
    BUSY = "busy"
    """The card answers SIM busy (14): the first `times` times, or for `ms` from power-up."""
    HANG_UP = "hang-up"
    """The link closes in the middle of the answer."""
    RE_ENUMERATE = "re-enumerate"
    """The link closes before the answer and the modem comes back as another port."""
    PACE = "pace"
    """Bytes come at `baud` with ten bits each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and which answers it hits.

    It hits one answer in `every`, chosen by `seed`, to lines whose first command begins with
    `command` ("+CREG?" means its read form alone), leaves the first `after` alone and stops
    after `times` hits. `ms`: 0..600000. `baud`: 50..4000000.
    """

    kind: FaultKind
    seed: int = 0
    every: int = 1
    after: int = 0
    times: int | None = None
    ms: int = 0
    baud: int = 300
    command: str = ""
    text: str = ""


_TEXTS = {
    FaultKind.URC_INSIDE: "^RSSI: 12",
    FaultKind.BANNER: "RDY|+CFUN: 1|+CPIN: READY|Call Ready|PB DONE",
}
_MILLISECONDS = {FaultKind.LATE: 1000, FaultKind.TORN: 50}
_TIMES = {FaultKind.BUSY: 3, FaultKind.HANG_UP: 1, FaultKind.RE_ENUMERATE: 1}
_LIMITS = {"ms": (0, 600_000), "baud": (50, 4_000_000), "every": (1, 1_000_000)}


def fault(kind: FaultKind, **chosen: int | str | None) -> Fault:
    """A fault with the defaults of its kind."""
    base = Fault(
        kind=kind,
        text=_TEXTS.get(kind, ""),
        times=_TIMES.get(kind),
        ms=_MILLISECONDS.get(kind, 0),
    )
    if kind is FaultKind.BUSY and "ms" in chosen:
        base = replace(base, times=None)
    return replace(base, **chosen)  # type: ignore[arg-type]  # names and types: checked in parse


def parse(written: str) -> Fault:
    """A fault from `name[:key=value,...]`; `300-baud` is `pace:baud=300`.

    `text` comes last and may hold commas.

    Raises: UsageError: no such fault or key, or a value out of range.
    """
    name, _, rest = written.partition(":")
    if name.endswith("-baud") and name[:-5].isdigit():
        name, rest = "pace", f"baud={name[:-5]}" + (f",{rest}" if rest else "")
    kinds = {kind.value: kind for kind in FaultKind}
    if name not in kinds:
        raise UsageError("modem", f"no fault named {name!r}; there are: {', '.join(sorted(kinds))}")
    chosen: dict[str, int | str | None] = {}
    known = {row.name for row in fields(Fault)} - {"kind"}
    first, comma, text = f",{rest}".partition(",text=")
    if comma:
        chosen["text"] = text
    for part in filter(None, first.split(",")):
        key, equals, value = part.partition("=")
        if key not in known or not equals:
            raise UsageError("modem", f"fault {name}: {part!r}; keys: {', '.join(sorted(known))}")
        if key == "command":
            chosen[key] = value.upper()
            continue
        if not (value.isascii() and value.isdigit()):
            raise UsageError("modem", f"fault {name}: {key} is a number, not {value!r}")
        low, high = _LIMITS.get(key, (0, 1 << 63))
        if not low <= int(value) <= high:
            raise UsageError("modem", f"fault {name}: {key} is {low}..{high}, not {value}")
        chosen[key] = int(value)
    return fault(kinds[name], **chosen)


def mix(seed: int, step: int) -> int:
    """64 bits that depend on both numbers and on nothing else (the splitmix64 finaliser)."""
    value = (seed + (step + 1) * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


class Role(enum.Enum):
    """What a piece of output is."""

    INFORMATION = "information"
    FINAL = "final"
    UNASKED = "unasked"
    LEAVES = "leaves"


class Departure(enum.Enum):
    """How the modem left its link."""

    HUNG_UP = "hung up"
    RE_ENUMERATED = "re-enumerated"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to send `delay_ms` after the piece before."""

    role: Role
    data: bytes = b""
    delay_ms: int = 0
    departure: Departure | None = None


@dataclass(slots=True)
class Counted:
    """A fault with its count of hits."""

    fault: Fault
    seen: int = 0
    hits: int = 0

    def strikes(self, command: str) -> bool:
        """Whether the next answer, to `command`, is hit; it counts."""
        rule = self.fault
        if rule.command and not command.startswith(rule.command):
            return False
        self.seen += 1
        if self.seen <= rule.after or (rule.times is not None and self.hits >= rule.times):
            return False
        if mix(rule.seed, self.seen) % rule.every:
            return False
        self.hits += 1
        return True


def spoil(counted: Counted, pieces: list[Piece]) -> list[Piece]:
    """An answer as the fault leaves it."""
    rule, step = counted.fault, counted.hits
    match rule.kind:
        case FaultKind.LATE:
            return [replace(pieces[0], delay_ms=pieces[0].delay_ms + rule.ms), *pieces[1:]]
        case FaultKind.LOST:
            return []
        case FaultKind.NO_FINAL:
            return [piece for piece in pieces if piece.role is not Role.FINAL]
        case FaultKind.DOUBLED:
            return pieces + pieces
        case FaultKind.TORN:
            return _torn(pieces, rule, step)
        case FaultKind.CR_ONLY:
            return [replace(piece, data=piece.data.replace(b"\r\n", b"\r")) for piece in pieces]
        case FaultKind.BARE:
            return [replace(piece, data=piece.data.removeprefix(b"\r\n")) for piece in pieces]
        case FaultKind.URC_INSIDE:
            inside = Piece(Role.UNASKED, b"\r\n" + rule.text.encode() + b"\r\n")
            return [*pieces[:-1], inside, pieces[-1]]
        case FaultKind.SAY:
            lines = "".join(f"{line}\r\n" for line in rule.text.split("|"))
            said = Piece(Role.INFORMATION, b"\r\n" + lines.encode("latin-1", "replace"))
            return [said, *(piece for piece in pieces if piece.role is not Role.INFORMATION)]
        case FaultKind.RESULT_FIRST:
            return [pieces[-1], *pieces[:-1]]
        case FaultKind.NOISE:
            return [Piece(Role.UNASKED, noise(rule.seed, step)), *pieces]
        case FaultKind.HANG_UP:
            whole = b"".join(piece.data for piece in pieces)
            half = whole[: mix(rule.seed, step) % len(whole)]
            gone = Piece(Role.LEAVES, departure=Departure.HUNG_UP)
            return [Piece(Role.INFORMATION, half, pieces[0].delay_ms), gone]
        case FaultKind.RE_ENUMERATE:
            return [Piece(Role.LEAVES, departure=Departure.RE_ENUMERATED)]
        case FaultKind.BUSY | FaultKind.BANNER | FaultKind.PACE:
            return pieces  # not about one answer: the machine asks for them where they belong


def _torn(pieces: list[Piece], rule: Fault, step: int) -> list[Piece]:
    whole = b"".join(piece.data for piece in pieces)
    if len(whole) < 2:
        return pieces
    cut = 1 + mix(rule.seed, step) % (len(whole) - 1)
    return [
        Piece(Role.INFORMATION, whole[:cut], pieces[0].delay_ms),
        Piece(Role.FINAL, whole[cut:], rule.ms),
    ]


def noise(seed: int, step: int) -> bytes:
    """1 to 16 bytes of NUL and 80..FF: nothing in it can look like text or end a line."""
    count = 1 + mix(seed, step) % 16
    drawn = (mix(seed ^ 0x5A5A, step * 16 + index) % 129 for index in range(count))
    return bytes(0 if value == 128 else 0x80 + value for value in drawn)
