"""The server and a whole phone, month by month: what the policy does to somebody's device."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.server import ceremony, policyfile, tickets
from firmware_sim.server.database import SqliteStore
from firmware_sim.server.devices import Device, DeviceState
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import ServerKeys, entry, found, make_roots
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import DeviceStore, MemoryStore
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.numbers import Algorithm, LockState, Role
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.typed import to_text
from firmware_sim_protocol.values import Gnss
from tests.support.deployment import GERMANY, NOW_S, REALM, Bench, Server

DAY_MS = 86_400_000
ROOTS = make_roots(SeededEntropy(9))
CUBA = replace(GERMANY, serving="36801")


def real_keys(algorithm: Algorithm = Algorithm.ESP256) -> ServerKeys:
    draw = SeededEntropy(1)
    act, unlock = (PrivateKey.derive(algorithm, draw(32)) for _ in range(2))
    first = found(ROOTS, act, unlock, realm=REALM, not_before=NOW_S - 86_400)
    return ServerKeys(act, unlock, (first,))


class RealServer(Server):
    """The issuer in the place of the test server."""

    def __init__(self, policy: Policy, keys: ServerKeys, store: DeviceStore | None = None) -> None:
        super().__init__()
        self.store = store if store is not None else MemoryStore()
        self.issuer = Issuer(keys=keys, policy=policy, store=self.store, entropy=SeededEntropy(2))
        self.lose = 0
        """Answers that get lost on the way, from now on."""

    def handle(self, raw: bytes) -> list[bytes]:
        replies = self.issuer.answer(raw, self.now_s)
        if self.lose:
            self.lose -= 1
            return []
        return replies


def bench(
    policy: str | Policy,
    evidence: object = GERMANY,
    store: DeviceStore | None = None,
    algorithm: Algorithm = Algorithm.ESP256,
) -> Bench:
    keys = real_keys(algorithm)
    chosen = policyfile.pack(policy) if isinstance(policy, str) else policy
    made = Bench(
        server=RealServer(chosen, keys, store),
        trust=keys.keyset,
        evidence=evidence,  # type: ignore[arg-type]
    )
    made.boot()
    made.settle()
    return made


def issuer_of(made: Bench) -> Issuer:
    assert isinstance(made.server, RealServer)
    return made.server.issuer


def device_of(made: Bench) -> Device:
    assert isinstance(made.server, RealServer)
    found_device = made.server.store.find(made.board.device_key.public.key_id)
    assert found_device is not None
    return found_device


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_germany_comes_home_and_cuba_does_not(algorithm: Algorithm) -> None:
    home = bench("territory-2021", algorithm=algorithm)
    assert home.phone.view.page is Page.HOME
    assert device_of(home).state is DeviceState.CONFIRMED
    locked = bench("territory-2021", CUBA, algorithm=algorithm)
    assert (locked.phone.view.page, locked.phone.view.country) == (Page.LOCKED, "CU")


def test_a_position_fix_in_crimea_locks_a_phone_on_a_network_that_says_neither_way() -> None:
    fix = Gnss(latitude_e7=449_500_000, longitude_e7=341_000_000, accuracy_m=10, age_s=1)
    locked = bench("territory-2021", replace(GERMANY, serving="25001", gnss=fix))
    assert (locked.phone.view.page, locked.phone.view.subdivision) == (Page.LOCKED, "UA-43")
    assert bench("territory-2021", replace(GERMANY, serving="25001")).phone.view.page is Page.HOME


def test_a_lock_arrives_days_after_activation() -> None:
    made = bench("delayed-2021", CUBA)
    assert made.phone.view.page is Page.HOME
    made.run(2 * DAY_MS)
    assert made.phone.view.page is Page.HOME
    made.run(2 * DAY_MS)
    assert (made.phone.view.page, made.phone.lock_state) == (
        Page.LOCKED,
        LockState.LOCKED_TERRITORY,
    )


def test_a_warning_comes_first_and_the_phone_locks_on_the_day() -> None:
    made = bench("grace-2023", replace(GERMANY, serving="334020"))
    assert made.phone.lock_state is LockState.ACTIVE
    assert made.phone.view.page is Page.WARNING
    assert "will lock" in made.phone.view.message
    made.run(13 * DAY_MS)
    assert made.phone.lock_state is LockState.ACTIVE
    made.run(2 * DAY_MS)
    assert made.phone.lock_state is LockState.LOCKED_TERRITORY


def test_a_phone_that_leaves_in_time_is_not_locked() -> None:
    made = bench("grace-2023", replace(GERMANY, serving="334020"))
    made.see(serving="26201")
    made.run(20 * DAY_MS)
    assert made.phone.lock_state is LockState.ACTIVE


def test_a_later_policy_releases_a_locked_phone_and_locks_an_active_one() -> None:
    locked = bench("territory-2021", CUBA)
    text = '[policy]\nname = "free"\nversion = 2\n'
    issuer_of(locked).set_policy(Policy.load(text, "free.toml"))
    locked.run(2 * 3_600_000)
    assert locked.phone.view.page is Page.HOME
    home = bench("territory-2021")
    text += '[[territory]]\ncountry = "DE"\nsource = "a test"\n'
    issuer_of(home).set_policy(Policy.load(text, "shut.toml"))
    home.run(8 * DAY_MS)
    assert home.phone.view.page is Page.LOCKED


def test_a_place_unknown_waits_and_is_asked_again_until_it_is_known() -> None:
    made = bench("territory-2021", replace(GERMANY, serving="00101"))
    assert made.phone.view.page is Page.WAITING
    made.evidence = replace(made.evidence, serving="26201")
    made.phone.sees(made.evidence, made.now)
    made.run(120_000)
    assert made.phone.view.page is Page.HOME


@pytest.mark.parametrize("lost", range(1, 7))
def test_answers_that_are_lost_are_asked_for_again_and_decided_once_each(lost: int) -> None:
    keys = real_keys()
    server = RealServer(policyfile.pack(), keys)
    server.lose = lost
    made = Bench(server=server, trust=keys.keyset)
    made.boot()
    made.run(3_600_000)
    assert made.phone.view.page is Page.HOME
    assert made.phone.exchange_state is ExchangeState.IDLE
    answers = [row.request_hash for row in device_of(made).answers]
    assert len(set(answers)) == len(answers)


def test_keys_are_rotated_under_a_phone_that_is_in_use() -> None:
    made = bench("territory-2021")
    keys = issuer_of(made).keys
    for number in range(2):
        fresh = PrivateKey.derive(Algorithm.ESP256, SeededEntropy(60 + number)(32))
        change = ceremony.Change(
            without=frozenset({keys.act.public.key_id}),
            added=(entry(fresh, Role.ACT, NOW_S - 86_400, keys.keyset.not_after),),
            raise_epoch=number == 1,
        )
        message = ceremony.countersign(ceremony.propose(keys.keyset, change), ROOTS)
        keys = ServerKeys(fresh, keys.unlock, (*keys.keysets, message))
    issuer_of(made).set_keys(keys)
    made.run(8 * DAY_MS)
    assert made.phone.keyset.version == 3
    assert made.phone.record.policy_epoch == 2
    assert made.phone.view.page is Page.HOME
    made.restart()
    made.settle()
    assert (made.phone.keyset.version, made.phone.view.page) == (3, Page.HOME)


def test_a_ticket_from_the_service_desk_opens_the_phone_and_the_server_keeps_to_it() -> None:
    made = bench("territory-2021", CUBA)
    made.online = False
    made.phone.acts(UserAction("ticket.open"), made.now)
    made.settle()
    exchange_id, challenge = tickets.read_challenge(made.phone.view.challenge)
    ticket = tickets.issue(
        exchange_id,
        challenge,
        keys=issuer_of(made).keys,
        scope=tickets.scope_for(challenge),
        policy_version=1,
        now_s=made.server.now_s,
        entropy=SeededEntropy(70),
    )
    assert isinstance(made.server, RealServer)
    digest = hashlib.sha256(ticket).digest()
    scope = int(tickets.scope_for(challenge))
    made.server.store.register_ticket(digest, challenge.device_key_id, scope)
    made.phone.acts(UserAction("ticket", to_text(ticket)), made.now)
    made.settle()
    assert made.phone.view.page is Page.HOME
    made.online = True
    made.run(30 * DAY_MS)
    assert made.phone.view.page is Page.HOME


def test_a_blocklisted_phone_is_locked_at_its_next_check_in() -> None:
    made = bench("territory-2021")
    text = '[policy]\nname = "b"\nversion = 2\n[[list]]\nkind = "block"\nimeis = ["{}"]\n'
    issuer_of(made).set_policy(Policy.load(text.format(GERMANY.imei), "b.toml"))
    made.run(8 * DAY_MS)
    assert made.phone.lock_state is LockState.LOCKED_BLOCKLIST


def test_a_withdrawn_phone_is_deactivated() -> None:
    made = bench("territory-2021")
    text = '[policy]\nname = "w"\nversion = 2\n[[list]]\nkind = "withdraw"\nimeis = ["{}"]\n'
    issuer_of(made).set_policy(Policy.load(text.format(GERMANY.imei), "w.toml"))
    made.run(8 * DAY_MS)
    assert made.phone.lock_state is LockState.SETUP_LOCKED


class Dying(SqliteStore):
    """A store whose process ends at the n-th write, before or after it is on the disk."""

    def __init__(self, path: Path, writes: int, *, after: bool) -> None:
        super().__init__(path)
        self.left, self.after = writes, after

    def put(self, device: Device) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise KeyboardInterrupt
        super().put(device)
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_server_that_dies_at_any_write_answers_each_request_once(
    writes: int, after: bool, tmp_path: Path
) -> None:
    path = tmp_path / "devices.db"
    keys = real_keys()
    dying = Dying(path, writes, after=after)
    server = RealServer(policyfile.pack(), keys, dying)
    made = Bench(server=server, trust=keys.keyset)
    sent: dict[bytes, bytes] = {}
    died = 0

    def handle(raw: bytes) -> list[bytes]:
        nonlocal died
        try:
            replies = server.issuer.answer(raw, server.now_s)
        except KeyboardInterrupt:
            died += 1
            dying.close()
            server.issuer = Issuer(
                keys=keys,
                policy=policyfile.pack(),
                store=SqliteStore(path),
                entropy=SeededEntropy(200),
            )
            return []
        for reply in replies:
            assert sent.setdefault(raw, reply) == reply or raw[5] != 3
        return replies

    server.handle = handle  # type: ignore[method-assign]
    made.boot()
    made.run(3_600_000)
    assert died == 1
    assert made.phone.view.page is Page.HOME
    assert made.phone.exchange_state is ExchangeState.IDLE
