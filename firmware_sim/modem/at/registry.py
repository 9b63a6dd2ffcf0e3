"""The commands we know: what each is, its clause, and whether it changes the modem for good.

One table serves both ends. The dialogue may send only what is here and changes nothing for
good unless a person named it; the virtual modem says for each command how it answers.
Source: 3GPP TS 27.007 (clause numbers from memory of release 17), ITU-T V.250, TS 27.005.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim.modem.at.command import Command, Form


class Lasting(enum.Enum):
    """When a command leaves a mark that a power cycle does not take away."""

    NEVER = "never"
    SET = "whenever it is set or executed"
    UNLESS_QUERY = "whenever it is set, but for the query (mode 2)"
    PARAMETERS = "for some values of its parameters"


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: name, what it is, the clause that defines it, its mark, its time to answer.

    `within_ms` is how long a modem may take before it counts as silent.
    """

    name: str
    what: str
    clause: str
    lasting: Lasting = Lasting.NEVER
    within_ms: int = 5_000


_ROWS: tuple[Entry, ...] = (
    # ITU-T V.250
    Entry("E", "echo", "V.250, 6.2.4"),
    Entry("Q", "result codes on or off", "V.250, 6.2.5"),
    Entry("V", "result codes as text or numbers", "V.250, 6.2.6"),
    Entry("X", "result codes of a call", "V.250, 6.2.7"),
    Entry("Z", "reset to the stored profile", "V.250, 6.1.1"),
    Entry("&F", "back to the factory's settings", "V.250, 6.1.2"),
    Entry("&C", "circuit 109", "V.250, 6.2.8"),
    Entry("&D", "circuit 108/2", "V.250, 6.2.9"),
    Entry("&K", "flow control", "maker's habit"),
    Entry("&S", "circuit 107", "maker's habit"),
    Entry("&V", "show the settings", "maker's habit"),
    Entry("&W", "store the settings", "maker's habit", Lasting.SET),
    Entry("I", "identification", "V.250, 6.1.3"),
    Entry("D", "dial", "V.250, 6.3.1"),
    Entry("A", "answer", "V.250, 6.3.5"),
    Entry("H", "hang up", "V.250, 6.3.6"),
    Entry("O", "back to the data", "V.250, 6.3.7"),
    Entry("S0", "rings before an automatic answer", "V.250, 6.3.8"),
    Entry("S3", "character that ends a line", "V.250, 6.2.1"),
    Entry("S4", "character that formats an answer", "V.250, 6.2.2"),
    Entry("S5", "character that deletes", "V.250, 6.2.3"),
    Entry("S6", "pause before blind dialling", "V.250, 6.3.9"),
    Entry("S7", "wait for the connection", "V.250, 6.3.10"),
    Entry("S8", "length of a comma", "V.250, 6.3.11"),
    Entry("S10", "delay before a disconnect", "V.250, 6.3.12"),
    Entry("+GCAP", "capabilities", "V.250, 6.1.9"),
    Entry("+GMI", "maker", "V.250, 6.1.4"),
    Entry("+GMM", "model", "V.250, 6.1.5"),
    Entry("+GMR", "revision", "V.250, 6.1.6"),
    Entry("+GSN", "serial number", "V.250, 6.1.7"),
    Entry("+IPR", "rate of the port", "V.250, 6.2.10"),
    Entry("+IFC", "flow control of the port", "V.250, 6.2.12"),
    # 3GPP TS 27.007: identity
    Entry("+CGMI", "maker", "TS 27.007, 5.1"),
    Entry("+CGMM", "model", "TS 27.007, 5.2"),
    Entry("+CGMR", "revision", "TS 27.007, 5.3"),
    Entry("+CGSN", "IMEI", "TS 27.007, 5.4"),
    Entry("+CSCS", "character set", "TS 27.007, 5.5"),
    Entry("+CIMI", "IMSI", "TS 27.007, 5.6"),
    Entry("+CLAC", "all commands", "TS 27.007, 8.37"),
    Entry("+CMEE", "how errors are told", "TS 27.007, 9.1"),
    Entry("+WS46", "kind of network asked for", "TS 27.007, 5.9"),
    # SIM
    Entry("+CPIN", "which secret is asked for", "TS 27.007, 8.3", Lasting.SET, 10_000),
    Entry("+CPINR", "tries that are left", "TS 27.007, 8.65"),
    Entry("+CCID", "ICCID", "maker's habit; TS 27.007, 8.105 is +CCID in release 17"),
    Entry("+ICCID", "ICCID", "maker's habit"),
    Entry("+CRSM", "restricted SIM access", "TS 27.007, 8.18", Lasting.PARAMETERS, 10_000),
    Entry("+CSIM", "generic SIM access", "TS 27.007, 8.17", Lasting.PARAMETERS, 10_000),
    Entry("+CLCK", "facility lock", "TS 27.007, 7.4", Lasting.UNLESS_QUERY, 10_000),
    Entry("+CPWD", "change a password", "TS 27.007, 7.5", Lasting.SET, 10_000),
    Entry("+CNUM", "own number", "TS 27.007, 7.1"),
    Entry("+CSUS", "card slot", "TS 27.007, 8.116 (number not checked)"),
    # network
    Entry("+CREG", "circuit-switched registration", "TS 27.007, 7.2"),
    Entry("+CGREG", "packet registration", "TS 27.007, 10.1.20"),
    Entry("+CEREG", "EPS registration", "TS 27.007, 10.1.22"),
    Entry("+C5GREG", "5GS registration", "TS 27.007, 10.1.47"),
    Entry("+COPS", "operator", "TS 27.007, 7.3", Lasting.PARAMETERS, 180_000),
    Entry("+CPOL", "preferred operators", "TS 27.007, 7.19", Lasting.SET, 10_000),
    Entry("+COPN", "operator names", "TS 27.007, 7.21"),
    Entry("+CGATT", "packet attach", "TS 27.007, 10.1.9", within_ms=30_000),
    Entry("+CGDCONT", "packet contexts", "TS 27.007, 10.1.1", Lasting.SET),
    Entry("+CGACT", "packet context on or off", "TS 27.007, 10.1.10", within_ms=30_000),
    Entry("+CGEREP", "reports of packet events", "TS 27.007, 10.1.19"),
    Entry("+CSQ", "signal", "TS 27.007, 8.5"),
    Entry("+CESQ", "signal, all systems", "TS 27.007, 8.69"),
    Entry("+CIND", "indicators", "TS 27.007, 8.9"),
    Entry("+CMER", "reports of events", "TS 27.007, 8.10"),
    # phone
    Entry("+CFUN", "functionality", "TS 27.007, 8.2", Lasting.PARAMETERS, 20_000),
    Entry("+CPAS", "activity", "TS 27.007, 8.1"),
    Entry("+CCLK", "clock", "TS 27.007, 8.15", Lasting.SET),
    Entry("+CTZU", "time zone from the network", "TS 27.007, 8.40", Lasting.SET),
    Entry("+CTZR", "reports of the time zone", "TS 27.007, 8.41"),
    Entry("+CBC", "battery", "TS 27.007, 8.4"),
    Entry("+CLIP", "caller's number", "TS 27.007, 7.6"),
    Entry("+CCWA", "call waiting", "TS 27.007, 7.12"),
    Entry("+CRC", "how a call is announced", "TS 27.007, 6.11"),
    Entry("+CSSN", "notices of supplementary services", "TS 27.007, 7.17"),
    Entry("+CSVM", "number of the voice mail", "TS 27.007, 8.33 (number not checked)", Lasting.SET),
    Entry("+CUSD", "unstructured supplementary service", "TS 27.007, 7.15"),
    Entry("+CLCC", "calls", "TS 27.007, 7.18"),
    Entry("+CHUP", "hang up", "TS 27.007, 6.5"),
    # TS 27.005, messages: known, so that what programs ask is not taken for a typing error
    Entry("+CSMS", "message service", "TS 27.005, 3.2.1"),
    Entry("+CPMS", "message storage", "TS 27.005, 3.2.2"),
    Entry("+CMGF", "message format", "TS 27.005, 3.2.3"),
    Entry("+CSCA", "service centre", "TS 27.005, 3.3.1", Lasting.SET),
    Entry("+CNMI", "new messages", "TS 27.005, 3.4.1"),
    Entry("+CSDH", "header of a message in text mode", "TS 27.005, 3.3.3"),
    Entry("+CGSMS", "service that carries a message", "TS 27.007, 10.1.21"),
    Entry("+CMGL", "list messages", "TS 27.005, 3.4.2"),
)

REGISTRY: dict[str, Entry] = {entry.name: entry for entry in _ROWS}
"""Name -> entry."""

_CRSM_READS = frozenset({"176", "178", "192", "242"})
"""READ BINARY, READ RECORD, GET RESPONSE, STATUS. Source: 3GPP TS 27.007, 8.18."""
_CSIM_READS = frozenset({"A4", "B0", "B2", "C0", "F2"})
"""The same instructions and SELECT, as APDU. Source: ETSI TS 102 221, 10.1.2."""


def changes_for_good(command: Command) -> bool:
    """Whether carrying it out may leave a mark: tries of a secret, locks, stored settings.

    What is not in the registry is taken to leave one, unless it only reads or tests.
    """
    if command.form in (Form.READ, Form.TEST):
        return False
    entry = REGISTRY.get(command.name)
    if entry is None:
        return True
    if entry.lasting is Lasting.NEVER:
        return False
    if command.form is not Form.SET:
        return entry.lasting is Lasting.SET
    fields = [field.text for field in command.fields]
    match entry.lasting:
        case Lasting.UNLESS_QUERY:
            return len(fields) < 2 or fields[1] != "2"
        case Lasting.PARAMETERS:
            return _by_parameters(command.name, fields)
        case _:
            return True


def _by_parameters(name: str, fields: list[str]) -> bool:
    first = fields[0] if fields else ""
    match name:
        case "+CRSM":
            return first not in _CRSM_READS
        case "+CSIM":
            apdu = fields[1] if len(fields) > 1 else ""
            return apdu[2:4].upper() not in _CSIM_READS
        case "+COPS":
            return first != "3"  # 3 sets only the format; the others choose an operator
        case "+CFUN":
            return first != "1" or len(fields) > 1  # off, airplane mode and resets are told by name
        case _:
            return True
