"""Any splits, delays, noise and unsolicited codes: the right identity or a clear error.

The law: never a wrong identity, never a hang past the deadline. What the fuzz may do to the
line is what lines do: cut, delay, insert noise and codes between lines, corrupt bytes, lose or
double answers. What it may not do is forge a well-formed answer with other digits.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_sim.modem.dialogue import DialogueOptions, ModemDialogue, Phase
from firmware_sim.modem.virtual import VirtualModem, default_state
from tests.support.bad_line import Line, rates
from tests.support.modem_talk import Talk
from tests.support.scripted_modem import ScriptedModem

IMEI = "490154203237518"
OPTIONS = DialogueOptions(within_ms=60_000)


def check(talk: Talk, imsi: str) -> None:
    dialogue = talk.dialogue
    talk.run(until=lambda: dialogue.phase in (Phase.WATCHING, Phase.FAILED), limit_ms=400_000)
    assert dialogue.failure is not None or dialogue.reading is not None, "it hangs"
    assert talk.now <= OPTIONS.within_ms, "it went past its deadline"
    if dialogue.failure is not None:
        assert dialogue.failure.strip()
        assert "\n" not in dialogue.failure
    right(talk, imsi)
    talk.run_for(20_000)  # what is still on the line, a poll, and codes that make it ask again
    right(talk, imsi)


def right(talk: Talk, imsi: str) -> None:
    reading = talk.dialogue.reading
    if reading is not None:
        assert reading.imei == IMEI
        assert reading.imsi in ("", imsi)
        assert reading.serving in (None, "36801")
        assert reading.home_plmn in (None, imsi[:5])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), rates=rates, echo=st.booleans())
def test_a_bad_line_to_a_scripted_modem(seed: int, rates: dict[str, float], echo: bool) -> None:
    line = Line(seed, rates)
    check(Talk(ModemDialogue(OPTIONS), ScriptedModem(echo=echo), line).start(), "262011234567890")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), rates=rates)
def test_a_bad_line_to_a_virtual_modem(seed: int, rates: dict[str, float]) -> None:
    state = default_state(imei=IMEI, serving="36801", sim="26201")
    assert state.sims[0] is not None
    line = Line(seed, rates)
    check(Talk(ModemDialogue(OPTIONS), VirtualModem(state), line).start(), state.sims[0].imsi)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400), cut=st.integers(1, 40))
def test_bytes_that_are_no_modem_are_a_clear_error(data: bytes, cut: int) -> None:
    dialogue = ModemDialogue(OPTIONS)
    dialogue.start(0)
    for at in range(0, len(data), cut):
        dialogue.receive(data[at : at + cut], at)
    now = 400
    while dialogue.failure is None and dialogue.reading is None:
        wake = dialogue.wake_at()
        assert wake is not None
        now = max(now, wake)
        dialogue.tick(now)
        assert now <= OPTIONS.within_ms + 1
    assert dialogue.reading is None


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_how_the_stream_is_cut_does_not_matter(cuts: list[int]) -> None:
    def cut(data: bytes, now: int) -> list[tuple[int, bytes]]:
        pieces, turn = [], 0
        while data:
            size = cuts[turn % len(cuts)]
            pieces.append((now, data[:size]))
            data, turn = data[size:], turn + 1
        return pieces

    whole = Talk(ModemDialogue(OPTIONS), ScriptedModem()).start().run()
    torn = Talk(ModemDialogue(OPTIONS), ScriptedModem(), cut).start().run()
    assert torn.dialogue.reading == whole.dialogue.reading
    assert torn.sent == whole.sent
