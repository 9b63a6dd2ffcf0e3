"""firmware-sim unlock: tickets for phones that a person has decided to open."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_sim.errors import UsageError

if TYPE_CHECKING:
    from firmware_sim_protocol.numbers import TicketScope


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `unlock`."""
    words = parser.add_subparsers(dest="unlock_command", metavar="WORD", required=True)
    issue = words.add_parser(
        "issue",
        help="answer a phone's challenge with a ticket",
        description="Print the ticket for a challenge, to be typed into the phone that shows it.",
    )
    issue.add_argument("challenge", metavar="CHALLENGE", help="as the phone shows it; - for stdin")
    issue.add_argument("--keys", type=Path, metavar="DIR", required=True)
    issue.add_argument(
        "--scope",
        action="append",
        choices=("territory", "finance", "pending"),
        help="locks that it opens (default: the one that the phone reports)",
    )
    issue.add_argument("--policy", metavar="FILE", help="the one in force (default: of --db)")
    issue.add_argument(
        "--db", type=Path, metavar="FILE", help="tell the server: it will not lock it again"
    )
    issue.add_argument("--hours", type=int, default=24, metavar="N", help="validity (default 24)")
    issue.add_argument("--json", action="store_true")
    issue.set_defaults(run_unlock=_issue)
    show = words.add_parser("show", help="read a challenge or a ticket")
    show.add_argument("text", metavar="TEXT", help="- for stdin")
    show.add_argument("--trust", type=Path, metavar="FILE", help="KEYSET to check a ticket with")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run_unlock=_show)


def run(options: argparse.Namespace) -> int:
    """Run the word after `unlock`."""
    status: int = options.run_unlock(options)
    return status


def _issue(options: argparse.Namespace) -> int:
    import hashlib

    from firmware_sim.links.clock import unix_seconds
    from firmware_sim.links.entropy import SystemEntropy
    from firmware_sim.server import policyfile, tickets
    from firmware_sim.server.keys import load_keys
    from firmware_sim_protocol.typed import to_text

    if not 1 <= options.hours <= 8760:
        raise UsageError("unlock", "--hours must be from 1 to 8760")
    exchange_id, challenge = tickets.read_challenge(_typed(options.challenge))
    keys = load_keys(options.keys)
    scope = _scope(options.scope) if options.scope else tickets.scope_for(challenge)
    store, version, floor = None, None, 0
    if options.db is not None:
        from firmware_sim.server.database import SqliteStore

        store = SqliteStore(options.db, existing=True)
        version = store.latest_policy(keys.keyset.policy_epoch)
        device = store.find(challenge.device_key_id)
        floor = device.issued_floor if device is not None else 0
    if options.policy is not None or version is None:
        version = policyfile.find(options.policy or policyfile.DEFAULT).version
    ticket = tickets.issue(
        exchange_id,
        challenge,
        keys=keys,
        scope=scope,
        policy_version=version,
        now_s=max(unix_seconds(), floor),
        entropy=SystemEntropy(),
        valid_s=3600 * options.hours,
    )
    if store is not None:
        digest = hashlib.sha256(ticket).digest()
        store.register_ticket(digest, challenge.device_key_id, int(scope))
    text = to_text(ticket)
    if options.json:
        print(json.dumps({"imei": challenge.imei, "scope": _names(scope), "ticket": text}))
    else:
        print(text)
    return 0


def _show(options: argparse.Namespace) -> int:
    from firmware_sim.server.tickets import TicketTrouble
    from firmware_sim_protocol.codec import parse_message
    from firmware_sim_protocol.envelope import open_envelope
    from firmware_sim_protocol.errors import ProtocolError
    from firmware_sim_protocol.numbers import LockState, TicketScope
    from firmware_sim_protocol.typed import from_text
    from firmware_sim_protocol.values import UnlockChallenge, UnlockTicket

    try:
        envelope = open_envelope(from_text(_typed(options.text)))
        message = parse_message(envelope)
    except ProtocolError as error:
        raise TicketTrouble(str(error)) from error
    row: dict[str, Any] = {"type": envelope.header.type.name}
    if isinstance(message, UnlockChallenge):
        row["lock_state"] = LockState(message.lock_state).name
    elif isinstance(message, UnlockTicket):
        row["scope"] = _names(TicketScope(message.scope))
        row["ticket_id"] = message.ticket_id.hex()
        row["issued_at"], row["not_after"] = message.issued_at, message.not_after
        row["policy"] = f"epoch {message.policy_epoch} version {message.policy_version}"
        row["keyset_version"] = message.keyset_version
        if options.trust is not None:
            row["signature"] = _judged(envelope, message.issued_at, options.trust)
    else:
        raise TicketTrouble(f"a {envelope.header.type.name} is neither challenge nor ticket")
    row["imei"] = message.imei
    row["device_key_id"] = message.device_key_id.hex()
    row["challenge"] = message.challenge.hex()
    if options.json:
        print(json.dumps(row))
    else:
        for key, value in row.items():
            print(f"{key:15} {' '.join(value) if isinstance(value, list) else value}")
    return 1 if str(row.get("signature", "good")) != "good" else 0


def _judged(envelope: Any, instant: int, trust: Path) -> str:
    from firmware_sim.server.keyfiles import read_keyset_file
    from firmware_sim.server.keys import read_keyset
    from firmware_sim_protocol.errors import Refusal
    from firmware_sim_protocol.keyset import KeyRing

    try:
        KeyRing(read_keyset(read_keyset_file(trust))).verify(envelope, instant)
    except Refusal as refusal:
        return str(refusal)
    return "good"


def _typed(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _scope(words: list[str]) -> TicketScope:
    from firmware_sim_protocol.numbers import TicketScope

    scope = TicketScope(0)
    for word in words:
        scope |= TicketScope[word.upper()]
    return scope


def _names(scope: TicketScope) -> list[str]:
    return [one.name.lower() for one in scope if one.name]
