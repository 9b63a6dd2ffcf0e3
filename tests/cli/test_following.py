"""`activate --for`: a lock that arrives later, on the phone's own clock."""

from tests.support.program import firmware_sim


def test_a_warning_comes_first_and_the_lock_when_the_grace_is_over() -> None:
    grace = ("activate", "--serving", "33402", "--policy", "grace-2023", "--json")
    warned = firmware_sim(*grace, "--for", "13d")
    assert warned.json["screen"]["id"] == "warning", warned.stderr
    assert warned.json["outcome"] == "activated"
    locked = firmware_sim(*grace, "--for", "20d", "--until", "locked", "--expect", "locked")
    assert locked.status == 0, locked.stderr
    assert locked.json["country"] == "MX"
    days = locked.json["elapsed_ms"] / 86_400_000
    assert 13.9 < days < 15.1


def test_a_duration_without_a_unit_is_a_usage_error() -> None:
    done = firmware_sim("activate", "--for", "12")
    assert done.status == 2
    assert "'12' is no duration" in done.one_line()


def test_the_timeline_tells_of_a_message_once_also_when_its_channel_opens_later() -> None:
    done = firmware_sim("activate", "--for", "8d")
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    asked = [line for line in lines if line.endswith("handset  -> CHALLENGE_REQ")]
    answered = [line for line in lines if line.endswith("handset  <- CHALLENGE")]
    assert len(asked) == len(answered) == 2
