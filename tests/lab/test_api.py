"""The lab's API: what it does, and what it refuses with a clear word."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from tests.support.labs import HOST, client

ONE = "/api/phones/phone-1"


@pytest.fixture
def lab():  # type: ignore[no-untyped-def]
    with client() as made:
        passing(made)
        yield made


def passing(lab: TestClient, seconds: int = 2) -> dict[str, object]:
    """Let the phone do what it does in two seconds: its clock moves only when told."""
    told: dict[str, object] = lab.post(f"{ONE}/clock", json={"skip_s": seconds}).json()
    return told


def tap(lab: TestClient, name: str) -> dict[str, object]:
    answer = lab.post(f"{ONE}/input", json={"tap": {"id": name}})
    assert answer.status_code == 200, answer.text
    return passing(lab)


def test_a_person_sets_the_phone_up_in_cuba_and_meets_the_lock(lab: TestClient) -> None:
    assert lab.get(ONE).json()["page"] == "language"
    assert tap(lab, "continue")["page"] == "locked"
    screen = lab.get(f"{ONE}/screen").json()
    assert screen["title"] == "This device is locked"
    assert b"locked" in lab.get(f"{ONE}/screen.xml").content
    assert lab.get(f"{ONE}/screen.png").content.startswith(b"\x89PNG")
    assert lab.get(f"{ONE}/screen.svg").text.startswith("<svg")


def test_a_ticket_typed_on_the_phone_opens_the_lock(lab: TestClient) -> None:
    tap(lab, "continue")
    tap(lab, "ticket.open")
    ticket = lab.post(f"{ONE}/ticket").json()["ticket"]
    assert lab.post(f"{ONE}/input", json={"type": ticket}).status_code == 200
    told = lab.post(f"{ONE}/input", json={"key": "Enter"}).json()
    assert told["page"] == "home", told
    assert told["lock"] == "ACTIVE"
    # The server knows of the ticket: it does not lock the phone again when it is asked anew.
    lab.post(f"{ONE}/modem", json={"name": "serving", "value": "25032"})
    told = lab.post(f"{ONE}/clock", json={"skip_s": 8 * 86_400}).json()
    assert (told["page"], told["lock"]) == ("home", "ACTIVE")


def test_a_lock_arrives_days_after_the_phone_was_carried_away(lab: TestClient) -> None:
    lab.post(f"{ONE}/modem", json={"name": "serving", "value": "26201"})
    assert tap(lab, "continue")["page"] == "home"
    lab.post(f"{ONE}/modem", json={"name": "serving", "value": "25032"})
    told = lab.post(f"{ONE}/clock", json={"skip_s": 8 * 86_400}).json()
    assert told["page"] == "locked"


def test_power_is_0_or_1_in_the_manner_of_a_rest_power_switch(lab: TestClient) -> None:
    assert lab.get(f"{ONE}/power").text == "1"
    assert lab.put(f"{ONE}/power", content="0").text == "0"
    assert lab.get(ONE).json()["page"] == "off"
    assert lab.put(f"{ONE}/power", content="1").text == "1"
    assert lab.put(f"{ONE}/power", content="on").status_code == 400


def test_power_cut_and_back_leaves_a_locked_phone_locked(lab: TestClient) -> None:
    tap(lab, "continue")
    lab.put(f"{ONE}/power", content="0")
    lab.put(f"{ONE}/power", content="1")
    assert passing(lab)["lock"] == "LOCKED_TERRITORY"


def test_a_tampered_answer_is_refused_and_the_timeline_says_so(lab: TestClient) -> None:
    lab.post(f"{ONE}/modem", json={"name": "serving", "value": "36801"})
    assert lab.put(f"{ONE}/tamper", json={"attack": "SIG-001"}).json()["tamper"] == "SIG-001"
    told = tap(lab, "continue")
    assert told["lock"] != "ACTIVE"
    timeline = lab.get(f"{ONE}/timeline").json()
    kinds = {event["kind"] for event in timeline}
    assert {"attack", "refusal"} <= kinds
    assert any("E_SIG_BAD" in event["text"] for event in timeline)


def test_an_attack_that_needs_the_bench_is_refused_by_name(lab: TestClient) -> None:
    answer = lab.put(f"{ONE}/tamper", json={"attack": "STO-001"})
    assert answer.status_code == 400
    assert "STO-001" in answer.json()["error"]


def test_each_message_is_decoded_with_its_signer_and_the_verdict(lab: TestClient) -> None:
    tap(lab, "continue")
    messages = [
        event["message"] for event in lab.get(f"{ONE}/timeline").json() if "message" in event
    ]
    (response,) = [message for message in messages if message["type"] == "RESPONSE"]
    assert [(one["owner"], one["verdict"]) for one in response["signatures"]] == [
        ("ACT key", "good")
    ]
    covered = sum(len(field["hex"]) // 2 for field in response["fields"])
    last = response["fields"][-1]
    assert covered == last["offset"] + len(last["hex"]) // 2


def test_the_server_lets_go_of_the_lock(lab: TestClient) -> None:
    assert tap(lab, "continue")["page"] == "locked"
    lab.post(f"{ONE}/release")
    assert passing(lab)["page"] == "home"


def test_a_policy_with_a_typo_is_refused_with_line_and_key(lab: TestClient) -> None:
    text = '[policy]\nname = "x"\nversion = 2\ntypo = 1\n'
    answer = lab.put(f"{ONE}/policy", json={"text": text})
    assert answer.status_code == 400
    assert "typo" in answer.json()["error"]
    assert "4" in answer.json()["error"]


def test_the_trace_is_a_capture_file(lab: TestClient) -> None:
    tap(lab, "continue")
    assert lab.get(f"{ONE}/trace.pcapng").content[:4] == b"\x0a\x0d\x0d\x0a"


def test_a_factory_reset_asks_for_setup_again(lab: TestClient) -> None:
    tap(lab, "continue")
    told = lab.post(f"{ONE}/factory-reset").json()
    assert told["lock"] != "ACTIVE"
    assert told["page"] in ("language", "locked")


def test_phones_come_and_go(lab: TestClient) -> None:
    made = lab.post("/api/phones", json={"id": "other", "serving": "26201"})
    assert made.status_code == 201
    assert [one["id"] for one in lab.get("/api/phones").json()] == ["phone-1", "other"]
    assert lab.post("/api/phones", json={"id": "other"}).status_code == 409
    assert lab.delete("/api/phones/other").status_code == 204
    assert lab.get("/api/phones/other").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/input", {"tap": {"x": 1}}),
        ("POST", "/input", {"tap": {"x": 1, "y": 1, "z": 1}}),
        ("POST", "/input", {}),
        ("POST", "/input", []),
        ("PUT", "/look", {"device": "watch"}),
        ("PUT", "/look", {"text_scale": 40}),
        ("POST", "/clock", {"skip_s": -1}),
        ("POST", "/modem", {"name": "no-such", "value": "1"}),
        ("POST", "/modem", {"name": "serving", "value": "36"}),
        ("PUT", "/locale", {"tag": "xx"}),
        ("PUT", "/policy", {"pack": "none"}),
        ("PUT", "/firmware", {"kind": "official", "more": 1}),
    ],
)
def test_a_body_that_is_not_as_described_is_a_clear_400(
    lab: TestClient, method: str, path: str, body: object
) -> None:
    answer = lab.request(method, ONE + path, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


def test_garbage_instead_of_json_is_a_400(lab: TestClient) -> None:
    for content in (b"", b"{", b"\xff\xfe", b"NaN", b"[" * 100_000):
        assert lab.post(f"{ONE}/input", content=content).status_code == 400, content[:9]
    assert lab.post(f"{ONE}/input", content=b" " * 400_000).status_code == 413


def test_foreign_origins_and_hosts_are_refused(lab: TestClient) -> None:
    for headers in (
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"host": "elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
    ):
        answer = lab.post(f"{ONE}/release", headers=headers)
        assert answer.status_code == 403, headers
    assert lab.post(f"{ONE}/release", headers={"origin": f"http://{HOST}"}).status_code == 200


def test_no_cookie_and_no_cors_header_is_ever_sent(lab: TestClient) -> None:
    for path in ("/", ONE, "/openapi.json"):
        headers = lab.get(path).headers
        assert "set-cookie" not in headers
        assert not any(name.startswith("access-control") for name in headers)


def test_a_token_is_asked_of_everybody_where_there_is_one() -> None:
    with client(token="secret") as lab:
        assert lab.get(ONE).status_code == 403
        assert lab.get("/").status_code == 403
        assert lab.get(ONE, headers={"authorization": "Bearer wrong"}).status_code == 403
        assert lab.get(ONE, headers={"authorization": "Bearer secret"}).status_code == 200
        assert lab.get(f"{ONE}?token=secret").status_code == 200


def test_every_operation_stands_in_the_openapi_document(lab: TestClient) -> None:
    from firmware_sim.lab.operations import OPERATIONS

    paths = lab.get("/openapi.json").json()["paths"]
    told = {(method.upper(), path) for path, rows in paths.items() for method in rows}
    assert told == {(row.method, row.path) for row in OPERATIONS}
    assert "$PACKS" not in json.dumps(paths)
