"""The bridge's dialogue before every named fault and every family: right, or clear, in time."""

from __future__ import annotations

import pytest

from firmware_sim.modem.dialogue import DialogueOptions, ModemDialogue, Phase
from firmware_sim.modem.reading import Reading, SimState
from firmware_sim.modem.virtual import (
    GENERIC,
    Fault,
    FaultKind,
    Profile,
    VirtualModem,
    default_state,
    fault,
    load,
    names,
)
from tests.support.modem_talk import Talk

IMEI, IMSI, ICCID = "490154203237518", "262010012345678", "8926201000000000005"
LIMIT_MS = 180_000


def read(
    profile: Profile = GENERIC, faults: tuple[Fault, ...] = (), within_ms: int = 60_000
) -> Talk:
    state = default_state(IMEI, "36801", "26201")
    modem = VirtualModem(state, profile, faults)
    return (
        Talk(ModemDialogue(DialogueOptions(within_ms=within_ms)), modem)
        .start()
        .run(limit_ms=LIMIT_MS)
    )


def is_right(reading: Reading) -> bool:
    """Whether what it says of identity and network is so; what it leaves open is not wrong."""
    return (
        reading.imei in (IMEI, "")
        and reading.imsi in (IMSI, "")
        and reading.iccid in (ICCID, "")
        and reading.serving in ("36801", None)
        and reading.mnc_length in (2, None)
    )


# A modem that is gone, or never finishes what it says, cannot be read.
MAY_FAIL = {
    FaultKind.LOST,
    FaultKind.NO_FINAL,
    FaultKind.HANG_UP,
    FaultKind.RE_ENUMERATE,
    FaultKind.SAY,
}


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("every", [1, 3])
def test_a_fault_is_survived_or_told_and_never_believed(
    kind: FaultKind, seed: int, every: int
) -> None:
    talk = read(faults=(fault(kind, seed=seed, every=every),))
    dialogue = talk.dialogue
    if dialogue.reading is not None:
        assert is_right(dialogue.reading), dialogue.reading
        return
    assert kind in MAY_FAIL, dialogue.failure
    if dialogue.failure is None:
        # Only a modem that has left leaves a dialogue waiting: its link would tell.
        assert isinstance(talk.modem, VirtualModem)
        assert talk.modem.departure is not None
    else:
        assert "\n" not in dialogue.failure


@pytest.mark.parametrize("name", names())
def test_every_family_is_read_alike(name: str) -> None:
    reading = read(load(name)).dialogue.reading
    assert reading is not None
    assert (reading.imei, reading.imsi, reading.iccid) == (IMEI, IMSI, ICCID)
    assert (reading.serving, reading.sim) == ("36801", SimState.READY)
    assert reading.manufacturer == load(name).manufacturer


FAMILIES = [name for name in names() if name != "generic"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_read_through_several_faults_at_once(name: str) -> None:
    faults = (
        fault(FaultKind.NOISE, seed=1, every=2),
        fault(FaultKind.TORN, seed=2, every=3, ms=50),
        fault(FaultKind.BUSY),
        fault(FaultKind.LATE, seed=3, every=5, ms=900),
    )
    talk = read(load(name), faults)
    assert talk.dialogue.phase is Phase.WATCHING, talk.dialogue.failure
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.imei == IMEI
    assert talk.dialogue.reading.serving == "36801"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_read_at_300_baud_and_nothing_wrong_is_believed(name: str) -> None:
    # At 30 bytes a second the whole dialogue takes more than its usual minute, and a greeting
    # alone takes longer than the patience for one question.
    talk = read(load(name), (fault(FaultKind.PACE),), within_ms=150_000)
    assert talk.dialogue.phase is Phase.WATCHING, talk.dialogue.failure
    assert talk.dialogue.reading is not None
    assert is_right(talk.dialogue.reading)
