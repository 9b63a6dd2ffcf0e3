"""Messages of ODAP/1 for tests: fixed keys, one plain example a type, Hypothesis strategies."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from hypothesis import strategies as st

from firmware_sim_protocol import codec, values
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    Algorithm,
    Cause,
    Decision,
    Evidence,
    FirmwareKind,
    LockState,
    MessageType,
    Reason,
    Role,
    TicketScope,
)
from firmware_sim_protocol.signing import KEY_SIZES, PrivateKey
from firmware_sim_protocol.values import Cell, Extensions, Gnss, KeyEntry, KeySet, Message

REALM = b"test realm 0001."
IMEI = "490154203237518"
IMEI2 = "356938035643809"
NOW = 1_800_000_000
ALGORITHMS = tuple(Algorithm)


@functools.cache
def key(name: str, algorithm: Algorithm = Algorithm.ESP256) -> PrivateKey:
    """The private key of this name: always the same one."""
    return PrivateKey.derive(algorithm, name.encode().ljust(32, b"\0")[:32])


def entry(private: PrivateKey, roles: Role, **changes: Any) -> KeyEntry:
    row = KeyEntry(
        algorithm=private.algorithm,
        roles=roles,
        not_before=NOW - 1000,
        not_after=NOW + 1_000_000,
        public_key=private.public.octets,
    )
    return dataclasses.replace(row, **changes)


def keyset(algorithm: Algorithm = Algorithm.ESP256, **changes: Any) -> KeySet:
    """Three roots (threshold 2), one ACT key, one UNLOCK key."""
    rows = [entry(key(f"root {n}", algorithm), Role.ROOT) for n in (1, 2, 3)]
    rows.append(entry(key("act", algorithm), Role.ACT))
    rows.append(entry(key("unlock", algorithm), Role.UNLOCK))
    plain = KeySet(
        realm=REALM,
        version=1,
        not_before=NOW - 1000,
        not_after=NOW + 1_000_000,
        policy_epoch=1,
        root_threshold=2,
        entries=tuple(rows),
    )
    return dataclasses.replace(plain, **changes)


def roots(*numbers: int, algorithm: Algorithm = Algorithm.ESP256) -> tuple[PrivateKey, ...]:
    return tuple(key(f"root {n}", algorithm) for n in numbers)


def signers(kind: MessageType, algorithm: Algorithm = Algorithm.ESP256) -> tuple[PrivateKey, ...]:
    """Who signs a message of this type in these tests."""
    names: dict[MessageType, tuple[str, ...]] = {
        MessageType.REQUEST: ("device",),
        MessageType.CONFIRM: ("device",),
        MessageType.RESPONSE: ("act",),
        MessageType.UNLOCK_TICKET: ("unlock",),
        MessageType.KEYSET: ("root 1", "root 2"),
    }
    return tuple(key(name, algorithm) for name in names.get(kind, ()))


def example(kind: MessageType, algorithm: Algorithm = Algorithm.ESP256) -> Message:
    """One plain message of this type, by and for the device key `device`."""
    device = key("device", algorithm)
    bound: dict[str, Any] = {"realm": REALM, "device_key_id": device.public.key_id}
    policy: dict[str, Any] = {"policy_epoch": 1, "policy_version": 7, "keyset_version": 1}
    match kind:
        case MessageType.CHALLENGE_REQ:
            return values.ChallengeReq(**bound, **policy)
        case MessageType.CHALLENGE:
            return values.Challenge(**bound, server_nonce=b"S" * 32, keyset_version=1)
        case MessageType.REQUEST:
            return values.Request(
                **bound,
                **policy,
                device_key_algorithm=algorithm,
                device_key=device.public.octets,
                imei=IMEI,
                imei2=None,
                device_nonce=b"N" * 32,
                server_nonce=b"S" * 32,
                serving_plmn="36801",
                sim_plmn="310410",
                evidence=Evidence.SERVING | Evidence.SIM,
                lock_state=LockState.SETUP_LOCKED,
                firmware_kind=FirmwareKind.OFFICIAL,
                security_version=3,
                boot_count=1,
            )
        case MessageType.RESPONSE:
            return values.Response(
                **bound,
                **policy,
                imei=IMEI,
                device_nonce=b"N" * 32,
                request_hash=b"H" * 32,
                decision=Decision.ACTIVATE,
                reason=Reason.PLACE_ALLOWED,
                country="DE",
                subdivision=None,
                issued_at=NOW,
                not_after=NOW + 600,
                max_age=300,
                retry_after=None,
                recheck_after=86_400,
            )
        case MessageType.CONFIRM:
            return values.Confirm(
                **bound,
                device_nonce=b"N" * 32,
                response_hash=b"R" * 32,
                record_sequence=2,
                lock_state=LockState.ACTIVE,
            )
        case MessageType.CONFIRM_ACK:
            return values.ConfirmAck(**bound, response_hash=b"R" * 32)
        case MessageType.UNLOCK_CHALLENGE:
            return values.UnlockChallenge(
                **bound, imei=IMEI, challenge=b"C" * 32, lock_state=LockState.LOCKED_TERRITORY
            )
        case MessageType.UNLOCK_TICKET:
            return values.UnlockTicket(
                **bound,
                **policy,
                imei=IMEI,
                challenge=b"C" * 32,
                ticket_id=b"T" * 16,
                scope=TicketScope.TERRITORY,
                issued_at=NOW,
                not_after=NOW + 3600,
            )
        case MessageType.KEYSET:
            return keyset(algorithm)
        case MessageType.ERROR:
            return values.Error(stage=3, retry_after=60)


def sealed(kind: MessageType, algorithm: Algorithm = Algorithm.ESP256, **changes: Any) -> bytes:
    """The example of this type, changed, built and signed."""
    message: Any = dataclasses.replace(example(kind, algorithm), **changes)
    exchange = 0 if kind is MessageType.KEYSET else 0x01020304
    return codec.build_message(message, exchange, signers(kind, algorithm))


# Strategies -------------------------------------------------------------------------------

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
present_u32 = st.integers(0, 0xFFFF_FFFE)


def octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def luhn(first14: str) -> str:
    total = 0
    for place, digit in enumerate(map(int, first14)):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return first14 + str(-total % 10)


imeis = st.integers(1, 10**14 - 1).map(lambda n: luhn(f"{n:014}"))
plmns = st.one_of(
    st.integers(0, 10**5 - 1).map(lambda n: f"{n:05}"),
    st.integers(0, 10**6 - 1).map(lambda n: f"{n:06}"),
)
countries = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2)
subdivisions = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=3)
cells = st.builds(Cell, access=u8, area=u32, cell=u64)
fixes = st.builds(
    Gnss,
    latitude_e7=st.integers(-900_000_000, 900_000_000),
    longitude_e7=st.integers(-1_800_000_000, 1_800_000_000),
    accuracy_m=u32,
    age_s=u32,
)
texts = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], whitelist_characters="\n"),
    min_size=1,
    max_size=60,
)
unknown_numbers = st.integers(1, 0x7FFF).filter(lambda n: n not in codec_known())


@functools.cache
def codec_known() -> frozenset[int]:
    from firmware_sim_protocol.numbers import ExtensionType

    return frozenset(int(kind) & 0x7FFF for kind in ExtensionType)


unknowns = st.dictionaries(unknown_numbers, st.binary(max_size=20), max_size=8).map(
    lambda found: tuple(sorted(found.items()))
)
extensions = st.builds(
    Extensions,
    cell=st.none() | cells,
    gnss=st.none() | fixes,
    wifi_country=st.none() | countries,
    locale=st.none() | st.sampled_from(["en", "fa", "zh-Hans-CN", "uk-UA"]),
    cause=st.none() | st.sampled_from(Cause),
    display_text=st.none() | texts,
    lock_notice=st.none() | u32,
    unknown=unknowns,
)


def messages(kind: MessageType) -> st.SearchStrategy[Any]:
    """Any message of this type that ODAP/1 can carry."""
    strategies = {
        MessageType.CHALLENGE_REQ: _challenge_reqs,
        MessageType.CHALLENGE: _challenges,
        MessageType.REQUEST: _requests,
        MessageType.RESPONSE: _responses,
        MessageType.CONFIRM: _confirms,
        MessageType.CONFIRM_ACK: _confirm_acks,
        MessageType.UNLOCK_CHALLENGE: _unlock_challenges,
        MessageType.UNLOCK_TICKET: _unlock_tickets,
        MessageType.KEYSET: _keysets,
        MessageType.ERROR: _errors,
    }
    return strategies[kind]()


def _bound() -> dict[str, Any]:
    return {"realm": octets(16), "device_key_id": octets(32), "extensions": extensions}


def _policy() -> dict[str, Any]:
    return {"policy_epoch": u32, "policy_version": u32, "keyset_version": u32}


def _challenge_reqs() -> st.SearchStrategy[Any]:
    return st.builds(values.ChallengeReq, **_bound(), **_policy())


def _challenges() -> st.SearchStrategy[Any]:
    return st.builds(values.Challenge, **_bound(), server_nonce=octets(32), keyset_version=u32)


@st.composite
def _requests(draw: st.DrawFn) -> Any:
    algorithm = draw(st.sampled_from(Algorithm))
    size = KEY_SIZES[algorithm]
    request = draw(
        st.builds(
            values.Request,
            **_bound(),
            **_policy(),
            device_key_algorithm=st.just(algorithm),
            device_key=octets(size),
            imei=imeis,
            imei2=st.none() | imeis,
            device_nonce=octets(32),
            server_nonce=octets(32),
            serving_plmn=st.none() | plmns,
            sim_plmn=st.none() | plmns,
            evidence=st.just(Evidence(0)),
            lock_state=st.sampled_from(LockState),
            firmware_kind=st.sampled_from(FirmwareKind),
            security_version=u32,
            boot_count=u32,
        )
    )
    return dataclasses.replace(request, evidence=codec.carried_evidence(request))


@st.composite
def _responses(draw: st.DrawFn) -> Any:
    country = draw(st.none() | countries)
    rest = draw(st.none() | subdivisions) if country else None
    return draw(
        st.builds(
            values.Response,
            **_bound(),
            **_policy(),
            imei=imeis,
            device_nonce=octets(32),
            request_hash=octets(32),
            decision=st.sampled_from(Decision),
            reason=st.sampled_from(Reason),
            country=st.just(country),
            subdivision=st.just(f"{country}-{rest}" if rest else None),
            issued_at=u64,
            not_after=u64,
            max_age=u32,
            retry_after=st.none() | present_u32,
            recheck_after=st.none() | present_u32,
        )
    )


def _confirms() -> st.SearchStrategy[Any]:
    return st.builds(
        values.Confirm,
        **_bound(),
        device_nonce=octets(32),
        response_hash=octets(32),
        record_sequence=u32,
        lock_state=st.sampled_from(LockState),
    )


def _confirm_acks() -> st.SearchStrategy[Any]:
    return st.builds(values.ConfirmAck, **_bound(), response_hash=octets(32))


def _unlock_challenges() -> st.SearchStrategy[Any]:
    return st.builds(
        values.UnlockChallenge,
        **_bound(),
        imei=imeis,
        challenge=octets(32),
        lock_state=st.sampled_from(LockState),
    )


def _unlock_tickets() -> st.SearchStrategy[Any]:
    return st.builds(
        values.UnlockTicket,
        **_bound(),
        **_policy(),
        imei=imeis,
        challenge=octets(32),
        ticket_id=octets(16),
        scope=st.integers(0, 7).map(TicketScope),
        issued_at=u64,
        not_after=u64,
    )


@st.composite
def _keysets(draw: st.DrawFn) -> Any:
    names = draw(st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True))
    rows = []
    for number in names:
        algorithm = draw(st.sampled_from(Algorithm))
        roles = Role(draw(st.integers(1, 31)))
        if not rows:
            roles |= Role.ROOT
        private = key(f"any {number}", algorithm)
        rows.append(entry(private, roles, not_before=draw(u64), not_after=draw(u64)))
    count = sum(1 for row in rows if row.roles & Role.ROOT)
    return KeySet(
        realm=draw(octets(16)),
        version=draw(u32),
        not_before=draw(u64),
        not_after=draw(u64),
        policy_epoch=draw(u32),
        root_threshold=draw(st.integers(1, count)),
        entries=tuple(rows),
        extensions=draw(extensions),
    )


def _errors() -> st.SearchStrategy[Any]:
    return st.builds(
        values.Error, stage=u8, retry_after=st.none() | present_u32, extensions=extensions
    )


SIGNED = tuple(SIGNING_CONTEXT)
UNSIGNED = tuple(kind for kind in MessageType if kind not in SIGNING_CONTEXT)
