"""A locked phone and the person at the service desk: the challenge shown, the ticket typed."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, firmware_sim, line_with


def in_cuba(phone: Path) -> tuple[str, ...]:
    return ("activate", "--serving", "36801", "--state", str(phone), "--json")


def desk(phone: Path, *words: str) -> str:
    """The command that answers a challenge with the keys of the phone's own server."""
    server = phone / "server"
    issue = (PROGRAM, "unlock", "issue", "-", "--keys", str(server / "keys"))
    return shlex.join((*issue, "--db", str(server / "server.db"), *words))


def test_a_ticket_opens_a_phone_and_the_server_does_not_close_it_again(tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    assert firmware_sim(*in_cuba(phone)).json["outcome"] == "locked"
    opened = firmware_sim(*in_cuba(phone), "--unlock", desk(phone))
    assert (opened.status, opened.json["outcome"]) == (0, "activated"), opened
    # Elsewhere it asks again, and a server that knew of no ticket would lock it there.
    crimea = firmware_sim(
        "activate", "--serving", "25032", "--state", phone, "--for", "8d", "--json"
    )
    assert crimea.json["outcome"] == "activated"


def test_a_person_reads_the_challenge_and_types_the_ticket(tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    process = subprocess.Popen(
        [PROGRAM, *in_cuba(phone), "--unlock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
    )
    challenge = line_with(process.stderr, "challenge: ").removeprefix("challenge: ")
    shown = firmware_sim("unlock", "show", challenge, "--json").json
    assert (shown["type"], shown["lock_state"]) == ("UNLOCK_CHALLENGE", "LOCKED_TERRITORY")
    keys = phone / "server" / "keys"
    ticket = firmware_sim("unlock", "issue", challenge, "--keys", keys).stdout
    trust = keys / "trust.keyset"
    read = firmware_sim("unlock", "show", ticket.strip(), "--trust", trust, "--json").json
    assert (read["scope"], read["signature"]) == (["territory"], "good")
    out, _ = process.communicate(ticket, timeout=60)
    assert process.returncode == 0
    assert '"outcome": "activated"' in out


def test_nothing_typed_leaves_the_phone_locked(tmp_path: Path) -> None:
    done = firmware_sim(*in_cuba(tmp_path / "phone"), "--unlock")
    assert (done.status, done.json["outcome"]) == (0, "locked")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cat", "E_TYPE"),
        ("echo 7", "1 characters: the code is not complete"),
        ("false", "false: exit status 1"),
        ("true", "true: printed no ticket"),
        ("./no-such-desk", "./no-such-desk: No such file or directory"),
    ],
)
def test_a_desk_that_gives_no_ticket_is_one_line(tmp_path: Path, command: str, words: str) -> None:
    done = firmware_sim(*in_cuba(tmp_path / "phone"), "--unlock", command)
    assert done.status == 3
    assert done.one_line().startswith("firmware-sim: unlock: ")
    assert words in done.one_line()
    assert firmware_sim(*in_cuba(tmp_path / "phone")).json["outcome"] == "locked"


def test_a_ticket_of_another_scope_is_refused_in_words(tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    done = firmware_sim(*in_cuba(phone), "--unlock", desk(phone, "--scope", "finance"))
    assert done.status == 3
    assert "E_TICKET_SCOPE" in done.one_line()
    assert "FINANCE does not open LOCKED_TERRITORY" in done.one_line()


def test_words_that_are_no_command_are_a_usage_error(tmp_path: Path) -> None:
    done = firmware_sim(*in_cuba(tmp_path / "phone"), "--unlock", 'desk "')
    assert done.status == 2
    assert "No closing quotation" in done.one_line()
