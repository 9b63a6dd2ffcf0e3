"""What an unsolicited code says has changed: only that, so that we ask, and never believe it.

Makers send the same news in many spellings; each row names whose it is (from memory of the
makers' AT manuals, not checked). A code that is not here changes nothing.
"""

from __future__ import annotations

from firmware_sim.modem import answers
from firmware_sim.modem.at import Answer
from firmware_sim.modem.draft import Draft
from firmware_sim.modem.steps import REGISTRATION_NAMES, Group

_SIM = frozenset(
    (
        "+CPIN",  # TS 27.007, 8.3: in practice also sent unasked
        "+QSIMSTAT",  # Quectel
        "+QUSIM",  # Quectel
        "+CSIMSTAT",  # SIMCom
        "+SIMSTATE",  # phonesim
        "^SIMST",  # Huawei
        "^SIMSTATE",
        "#QSS",  # Telit
        "+UUSIMSTAT",  # u-blox
        "*SIMDET",
    )
)
_NETWORK = frozenset(
    (
        "^SRVST",  # Huawei: service state
        "^MODE",
        "^SYSINFO",
        "+CIEV",  # TS 27.007, 8.10
        "+CTZV",  # TS 27.007, 8.41: sent when a network told its zone
        "+CTZE",
        "+NITZ",
    )
)
_RESTARTED = frozenset(("RDY", "^SYSSTART", "APP RDY", "+STARTUP"))


def touched(answer: Answer, draft: Draft) -> tuple[Group, ...]:
    """The groups of questions to ask again; IDENTITY means that the modem has restarted."""
    text = answer.text.strip()
    name = text.partition(":")[0].strip().upper()
    if name in REGISTRATION_NAMES:
        told = answers.read_registration(text.partition(":")[2].strip())
        # The same news again (or a late answer of our own) needs no new question.
        return () if told is None or draft.stats.get(name) == told else (Group.REGISTRATION,)
    if name in _SIM:
        told_state = answers.read_cpin(text.partition(":")[2]) if name == "+CPIN" else None
        if told_state is not None and told_state is draft.sim:
            return ()
        return (Group.SIM, Group.REGISTRATION)
    if name in _NETWORK:
        return (Group.REGISTRATION,)
    if text.upper() in _RESTARTED:
        return (Group.IDENTITY,)
    return ()
