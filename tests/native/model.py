"""The referee: the same answers in plain Python, written from the standards, slow and short."""

from __future__ import annotations


def luhn_holds(digits: str) -> bool:
    """Annex B of TS 23.003, in its own words: double every second digit from the right."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 else 1)
        total += sum(map(int, str(doubled)))
    return total % 10 == 0


def imei_refusal(text: str) -> str | None:
    """The name of the reason, as the core should find it."""
    if len(text) != 15:
        return "LENGTH"
    if not set(text) <= set("0123456789"):
        return "NON_DIGIT"
    if not luhn_holds(text):
        return "CHECK_DIGIT"
    return "NULL" if set(text) == {"0"} else None


def tbcd(digits: str) -> bytes:
    """Swap the digits of each pair, after filling up with F: TBCD by its picture."""
    filled = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(filled[i + 1] + filled[i] for i in range(0, len(filled), 2)))


def plmn_bcd(digits: str) -> bytes:
    """Figure 10.5.13 of TS 24.008, nibble by nibble."""
    mcc, mnc = digits[:3], digits[3:]
    third = mnc[2] if len(mnc) == 3 else "f"
    return bytes.fromhex(mcc[1] + mcc[0] + third + mcc[2] + mnc[1] + mnc[0])


def line_verdict(line: bytes) -> str:
    """The name of the verdict on one line of a list, line end removed."""
    if not line:
        return "BLANK"
    if len(line) not in (14, 15, 16):
        return "LENGTH"
    if not set(line) <= set(b"0123456789"):
        return "NON_DIGIT"
    text = line.decode()
    if len(text) == 15 and not luhn_holds(text):
        return "CHECK_DIGIT"
    if set(text[:14]) == {"0"}:
        return "NULL"
    return {14: "IMEI14", 15: "IMEI", 16: "IMEISV"}[len(text)]


def lines_of(text: bytes) -> list[bytes]:
    """The lines of a list: LF or CRLF ends one, the last may lack it."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def row_text(row: bytes) -> bytes:
    """What stands in a 16-byte row before its padding."""
    return row.rstrip(b"\0 \r\n")
