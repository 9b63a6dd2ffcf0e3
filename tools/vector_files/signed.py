"""Vectors of keys, signatures and keysets."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    TEN_YEARS_S,
    Algorithm,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.signing import (
    ED25519_ORDER,
    ED25519_PRIME,
    P256_ORDER,
    SMALL_ORDER_Y,
    PrivateKey,
    PublicKey,
    signed_octets,
)
from vector_files.cast import (
    FAR,
    NOW,
    entries,
    entry,
    key,
    keyset,
    roots,
    sealed,
    signers,
    trust,
)
from vector_files.form import Group

ESP256, ED25519 = Algorithm.ESP256, Algorithm.ED25519
FLAGS = {
    "SmallOrder": "a point whose order divides 8",
    "NotCanonical": "one of several encodings of a value, and not the one that is allowed",
    "NotOnCurve": "no point of the curve",
    "Malleable": "a good signature in its other form",
    "Range": "r, s or S outside its range",
    "Forged": "made without the private key",
    "Context": "made for another type",
    "Header": "the header was changed after signing",
    "Role": "a key signs what its role does not cover",
    "Validity": "the time floor and the validity of a key or keyset",
    "Threshold": "how many roots must agree",
    "Rotation": "new roots take over",
    "Revoked": "a key that the keyset no longer has",
    "Confused": "a signature of the other algorithm, by a key that is a key of both",
}


def key_groups() -> list[Group]:
    group = Group("load-key")
    for algorithm in Algorithm:
        for name in ("device", "act", "root 1"):
            public = key(name, algorithm).public
            given = {"algorithm": int(algorithm), "public_key": public.octets.hex()}
            output = {"key_id": public.key_id.hex()}
            group.valid(f"{algorithm.name}: the key of {name}", given, output)
    point = key("act", ESP256).public.octets
    for text, octets, flag in (
        ("32 octets", point[1:], "NotCanonical"),
        ("34 octets", point + b"\0", "NotCanonical"),
        ("a hybrid form", b"\x06" + point[1:], "NotCanonical"),
        ("the point at infinity", bytes(33), "NotCanonical"),
        ("x beyond the prime", b"\x02" + b"\xff" * 32, "NotOnCurve"),
        ("x of no point", _no_point(), "NotOnCurve"),
    ):
        given = {"algorithm": 1, "public_key": octets.hex()}
        group.invalid(f"ESP256: {text}", given, Rule.KEY_STRONG, flag)
    for y in sorted(SMALL_ORDER_Y):
        for sign in (0, 1):
            octets = (y | sign << 255).to_bytes(32, "little")
            given = {"algorithm": 2, "public_key": octets.hex()}
            group.invalid(
                f"Ed25519: small order, sign {sign}", given, Rule.KEY_STRONG, "SmallOrder"
            )
    for value in (ED25519_PRIME + 3, (1 << 255) - 1):
        given = {"algorithm": 2, "public_key": value.to_bytes(32, "little").hex()}
        group.invalid("Ed25519: y beyond the prime", given, Rule.KEY_STRONG, "NotCanonical")
    given = {"algorithm": 2, "public_key": (2).to_bytes(32, "little").hex()}
    group.invalid("Ed25519: y of no point", given, Rule.KEY_STRONG, "NotOnCurve")
    return [group]


def _no_point() -> bytes:
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 1
    while pow((x**3 - 3 * x + b) % prime, (prime - 1) // 2, prime) == 1:
        x += 1
    return b"\x02" + x.to_bytes(32)


def signature_groups() -> list[Group]:
    groups = []
    for algorithm in Algorithm:
        group = Group("verify", {"keyset": trust(algorithm).hex(), "floor": NOW})
        name = algorithm.name
        for kind in (MessageType.RESPONSE, MessageType.UNLOCK_TICKET):
            raw = sealed(kind, algorithm)
            signer = signers(kind, algorithm)[0].public.key_id.hex()
            group.valid(f"{name}: {kind.name}", {"message": raw.hex()}, {"signer": signer})
        _forgeries(group, algorithm)
        _floors(group, algorithm)
        groups += [group, _requests(algorithm), _confirms(algorithm)]
    groups.append(_confused())
    return groups


def _forgeries(group: Group, algorithm: Algorithm) -> None:
    name = algorithm.name
    raw = sealed(MessageType.RESPONSE, algorithm)
    block = len(raw) - 97
    act = key("act", algorithm)
    for place, text, flag in (
        (20, "a bit of the realm", "Forged"),
        (block - 1, "the last bit of the body", "Forged"),
        (11, "a bit of the exchange id", "Header"),
    ):
        bent = bytearray(raw)
        bent[place] ^= 1
        text = f"{name}: {text} is changed"
        group.invalid(text, {"message": bytes(bent).hex()}, Rule.SIG_VERIFIES, flag)
    as_other = bytearray(raw)
    as_other[5] = MessageType.UNLOCK_TICKET
    given = {"message": bytes(as_other).hex()}
    group.invalid(f"{name}: passed off as another type", given, Rule.KEY_ROLE, "Role")

    def signed_by(private: PrivateKey, context: bytes) -> dict[str, Any]:
        signature = private.sign(signed_octets(context, raw[:block]))
        return {"message": (raw[:block] + b"\1" + private.public.key_id + signature).hex()}

    for context in (b"", b"request", b"unlock-ticket", b"keyset"):
        text = f"{name}: the context is {context.decode() or 'empty'}"
        group.invalid(text, signed_by(act, context), Rule.SIG_VERIFIES, "Context")
    bare = raw[:block] + b"\1" + act.public.key_id + act.sign(raw[:block])
    text = f"{name}: header and body are signed without prefix"
    group.invalid(text, {"message": bare.hex()}, Rule.SIG_VERIFIES, "Context")
    body = act.sign(signed_octets(b"response", raw[16:block]))
    given = {"message": (raw[:block] + b"\1" + act.public.key_id + body).hex()}
    group.invalid(f"{name}: only the body is signed", given, Rule.SIG_VERIFIES, "Header")
    for who, rule, flag in (
        ("unlock", Rule.KEY_ROLE, "Role"),
        ("root 1", Rule.KEY_ROLE, "Role"),
        ("stranger", Rule.KEY_KNOWN, "Forged"),
    ):
        given = signed_by(key(who, algorithm), b"response")
        group.invalid(f"{name}: RESPONSE by {who}", given, rule, flag)
    ticket = sealed(MessageType.UNLOCK_TICKET, algorithm)
    end = len(ticket) - 97
    octets = act.sign(signed_octets(b"unlock-ticket", ticket[:end]))
    given = {"message": (ticket[:end] + b"\1" + act.public.key_id + octets).hex()}
    group.invalid(f"{name}: UNLOCK_TICKET by act", given, Rule.KEY_ROLE, "Role")
    wrong_id = raw[:block] + b"\1" + key("unlock", algorithm).public.key_id + raw[-64:]
    text = f"{name}: a good signature under another key's id"
    group.invalid(text, {"message": wrong_id.hex()}, Rule.KEY_ROLE, "Role")
    two = raw[:block] + b"\2" + raw[block + 1 :] * 2
    group.invalid(f"{name}: two signatures", {"message": two.hex()}, Rule.SIG_SINGLE)
    _numbers(group, algorithm, raw)


def _numbers(group: Group, algorithm: Algorithm, raw: bytes) -> None:
    half, rest = raw[-64:-32], raw[-32:]

    def bent(r: bytes, s: bytes) -> dict[str, str]:
        return {"message": (raw[:-64] + r + s).hex()}

    if algorithm is ESP256:
        s = int.from_bytes(rest)
        high = bent(half, (P256_ORDER - s).to_bytes(32))
        group.invalid("ESP256: the high s", high, Rule.SIG_LOW_S, "Malleable")
        for r_value, s_value in (
            (0, s),
            (int.from_bytes(half), 0),
            (P256_ORDER, s),
            (int.from_bytes(half), P256_ORDER),
            ((1 << 256) - 1, s),
        ):
            given = bent(r_value.to_bytes(32), s_value.to_bytes(32))
            group.invalid(f"ESP256: r {r_value:x}, s {s_value:x}", given, Rule.SIG_RANGE, "Range")
        group.invalid("ESP256: 64 zeros", bent(bytes(32), bytes(32)), Rule.SIG_RANGE, "Range")
        one = (1).to_bytes(32)
        group.invalid("ESP256: r 1, s 1", bent(one, one), Rule.SIG_VERIFIES, "Forged")
        return
    group.invalid("Ed25519: 64 zeros", bent(bytes(32), bytes(32)), Rule.SIG_NULL, "Range")
    s = int.from_bytes(rest, "little")
    lifted = bent(half, (s + ED25519_ORDER).to_bytes(32, "little"))
    group.invalid("Ed25519: S + L", lifted, Rule.SIG_RANGE, "Malleable", "Range")
    edge = bent(half, ED25519_ORDER.to_bytes(32, "little"))
    group.invalid("Ed25519: S = L", edge, Rule.SIG_RANGE, "Range")
    for y in (0, 1, ED25519_PRIME - 1, ED25519_PRIME + 1):
        given = bent(y.to_bytes(32, "little"), (1).to_bytes(32, "little"))
        text = f"Ed25519: R of small order, y {y:x}"
        group.invalid(text, given, Rule.SIG_CANONICAL_R, "SmallOrder")
    # By the signer itself, with the nonce 0: the equation holds, R is the neutral point.
    neutral = (1).to_bytes(32, "little")
    digest = hashlib.sha512(key("act", algorithm).secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = key("act", algorithm).public.octets
    octets = signed_octets(SIGNING_CONTEXT[MessageType.RESPONSE], raw[:-97])
    k = int.from_bytes(hashlib.sha512(neutral + public + octets).digest(), "little")
    whole = bent(neutral, (k * scalar % ED25519_ORDER).to_bytes(32, "little"))
    text = "Ed25519: R is the neutral point, and the equation holds"
    group.invalid(text, whole, Rule.SIG_CANONICAL_R, "SmallOrder")
    given = bent((ED25519_PRIME + 3).to_bytes(32, "little"), rest)
    text = "Ed25519: R beyond the prime"
    group.invalid(text, given, Rule.SIG_CANONICAL_R, "NotCanonical")


def _floors(group: Group, algorithm: Algorithm) -> None:
    name = algorithm.name
    raw = sealed(MessageType.RESPONSE, algorithm)
    earliest = NOW - 1000 - TEN_YEARS_S
    for floor in (FAR, earliest):
        text = f"{name}: floor {floor}, the last that the key is valid at"
        group.valid(text, {"message": raw.hex(), "floor": floor}, None, "Validity")
    for floor in (FAR + 1, earliest - 1):
        given = {"message": raw.hex(), "floor": floor}
        text = f"{name}: floor {floor}, the first that it is not"
        group.invalid(text, given, Rule.KEY_VALIDITY, "Validity")
    spans: dict[str, dict[str, Any]] = {
        "the key has expired": {"entries": _act_until(algorithm, NOW - 1)},
        "the keyset has expired": {"not_after": NOW - 1},
    }
    for text, changes in spans.items():
        fresh = sign_keyset(keyset(algorithm, **changes), roots(algorithm, 1, 2))
        given = {"keyset": fresh.hex(), "message": raw.hex()}
        group.invalid(f"{name}: {text}", given, Rule.KEY_VALIDITY, "Validity")


def _act_until(algorithm: Algorithm, not_after: int) -> tuple[Any, ...]:
    rows = entries(algorithm)
    return (*rows[:3], entry(key("act", algorithm), Role.ACT, not_after=not_after), rows[4])


def _requests(algorithm: Algorithm) -> Group:
    group = Group("verify-request")
    name = algorithm.name
    raw = sealed(MessageType.REQUEST, algorithm)
    device = key("device", algorithm)
    output = {"signer": device.public.key_id.hex()}
    group.valid(f"{name}: a REQUEST", {"message": raw.hex()}, output)
    end = len(raw) - 97
    bent = bytearray(raw)
    bent[end - 1] ^= 1
    given = {"message": bytes(bent).hex()}
    group.invalid(f"{name}: a bit of the body is changed", given, Rule.SIG_VERIFIES, "Forged")
    octets = signed_octets(SIGNING_CONTEXT[MessageType.REQUEST], raw[:end])
    other = key("stranger", algorithm)
    foreign = raw[:end] + b"\1" + other.public.key_id + other.sign(octets)
    group.invalid(f"{name}: by another key", {"message": foreign.hex()}, Rule.KEY_KNOWN, "Forged")
    claimed = sealed(MessageType.REQUEST, algorithm, device_key_id=other.public.key_id)
    text = f"{name}: device_key_id is not that of device_key"
    group.invalid(text, {"message": claimed.hex()}, Rule.BIND_DEVICE, "Forged")
    if algorithm is ED25519:
        weak = sealed(MessageType.REQUEST, algorithm, device_key=b"\1" + bytes(31))
        text = "ED25519: device_key has a small order"
        group.invalid(text, {"message": weak.hex()}, Rule.KEY_STRONG, "SmallOrder")
    return group


def _confirms(algorithm: Algorithm) -> Group:
    public = key("device", algorithm).public
    shared = {"algorithm": int(algorithm), "public_key": public.octets.hex()}
    group = Group("verify-by", shared)
    raw = sealed(MessageType.CONFIRM, algorithm)
    group.valid(
        f"{algorithm.name}: a CONFIRM", {"message": raw.hex()}, {"signer": public.key_id.hex()}
    )
    bent = bytearray(raw)
    bent[-98] ^= 1
    given = {"message": bytes(bent).hex()}
    text = f"{algorithm.name}: another lock state than was signed"
    group.invalid(text, given, Rule.SIG_VERIFIES, "Forged")
    return group


def _confused() -> Group:
    """Keys whose octets are a key of the other algorithm too."""
    group = Group("verify", {"floor": NOW})
    raw = sealed(MessageType.RESPONSE, ESP256)
    end = len(raw) - 97
    octets = signed_octets(b"response", raw[:end])
    private = next(
        candidate
        for candidate in (key(f"confused {number}", ESP256) for number in itertools.count())
        if _is_ed25519(candidate.public.octets[1:]) and _looks_fit(candidate.sign(octets))
    )
    row = entry(private, Role.ACT, algorithm=ED25519, public_key=private.public.octets[1:])
    fresh = keyset(ESP256, entries=(*entries(ESP256), row))
    key_id = PublicKey(ED25519, row.public_key).key_id
    message = raw[:end] + b"\1" + key_id + private.sign(octets)
    given = {
        "keyset": sign_keyset(fresh, roots(ESP256, 1, 2)).hex(),
        "message": message.hex(),
    }
    text = "an Ed25519 key of the keyset, an ECDSA signature"
    group.invalid(text, given, Rule.SIG_VERIFIES, "Confused")
    return group


def _is_ed25519(octets: bytes) -> bool:
    p = ED25519_PRIME
    y = int.from_bytes(octets, "little") & ((1 << 255) - 1)
    d = -121665 * pow(121666, -1, p) % p
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    return y < p and pow(square, (p - 1) // 2, p) == 1


def _looks_fit(signature: bytes) -> bool:
    """Whether an ECDSA signature passes for R and S of Ed25519 until the equation is computed."""
    r = int.from_bytes(signature[:32], "little") & ((1 << 255) - 1)
    return r < ED25519_PRIME and int.from_bytes(signature[32:], "little") < ED25519_ORDER


def keyset_groups() -> list[Group]:
    groups = []
    for algorithm in Algorithm:
        first = Group("first-keyset")
        given = {"message": trust(algorithm).hex()}
        first.valid(f"{algorithm.name}: two of three roots", given, {"version": 1})
        one = sign_keyset(keyset(algorithm), roots(algorithm, 1))
        text = f"{algorithm.name}: one of three roots"
        first.invalid(text, {"message": one.hex()}, Rule.THRESHOLD_NEW, "Threshold")
        response = sealed(MessageType.RESPONSE, algorithm)
        text = f"{algorithm.name}: a RESPONSE"
        first.invalid(text, {"message": response.hex()}, Rule.HEADER_TYPE)
        following = Group("next-keyset", {"keyset": trust(algorithm).hex(), "floor": NOW})
        _rotations(following, algorithm)
        groups += [first, following]
    return groups


def _rotations(group: Group, algorithm: Algorithm) -> None:
    name = algorithm.name
    rows = entries(algorithm)
    two = roots(algorithm, 1, 2)
    other = ED25519 if algorithm is ESP256 else ESP256
    new = tuple(key(f"new root {n}", other) for n in (1, 2))
    new_rows = (*(entry(private, Role.ROOT) for private in new), *rows[3:])
    act, unlock = key("act", algorithm), key("unlock", algorithm)

    def message(signing: tuple[PrivateKey, ...], **changes: Any) -> dict[str, Any]:
        changes.setdefault("version", 2)
        return {"message": sign_keyset(keyset(algorithm, **changes), signing).hex()}

    good: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("the same keys, version 2", message(two), "Rotation"),
        ("other two roots, other order", message(roots(algorithm, 3, 2)), "Rotation"),
        ("ACT key dropped", message(two, entries=(*rows[:3], rows[4])), "Revoked"),
        ("new roots of the other algorithm", message((*two, *new), entries=new_rows), "Rotation"),
        ("a higher epoch", message(two, policy_epoch=9), "Rotation"),
        ("a higher threshold", message(roots(algorithm, 1, 2, 3), root_threshold=3), "Threshold"),
        (
            "not valid before five years on",
            message(two, not_before=NOW + 5 * 31_536_000, not_after=FAR * 2),
            "Validity",
        ),
    )
    for text, given, flag in good:
        group.valid(f"{name}: {text}", given, None, flag)
    promoted = (*rows[:3], entry(act, Role.ROOT | Role.ACT), rows[4])
    bad: tuple[tuple[str, dict[str, Any], Rule, str], ...] = (
        ("one root", message(two[:1]), Rule.THRESHOLD_OLD, "Threshold"),
        ("one root twice", message((two[0], two[0])), Rule.SIG_DISTINCT, "Threshold"),
        ("ACT and UNLOCK keys", message((act, unlock)), Rule.KEY_ROLE, "Role"),
        ("a stranger besides", message((*two, new[0])), Rule.KEY_KNOWN, "Forged"),
        ("an ACT key besides", message((*two, act)), Rule.KEY_ROLE, "Role"),
        ("a key that becomes root", message((*two, act), entries=promoted), Rule.KEY_ROLE, "Role"),
        ("old roots alone", message(two, entries=new_rows), Rule.THRESHOLD_NEW, "Rotation"),
        ("new roots alone", message(new, entries=new_rows), Rule.THRESHOLD_OLD, "Rotation"),
        ("one new root", message((*two, new[0]), entries=new_rows), Rule.THRESHOLD_NEW, "Rotation"),
        (
            "threshold raised beyond the signers",
            message(two, root_threshold=3),
            Rule.THRESHOLD_NEW,
            "Threshold",
        ),
        ("the same version", message(two, version=1), Rule.KEYSET_NEXT, "Rotation"),
        ("version 3", message(two, version=3), Rule.KEYSET_NEXT, "Rotation"),
        ("a lower epoch", message(two, policy_epoch=0), Rule.KEYSET_EPOCH, "Rotation"),
        ("expired", message(two, not_after=NOW - 1), Rule.KEYSET_VALIDITY, "Validity"),
        (
            "not_before above not_after",
            message(two, not_before=NOW + 2, not_after=NOW + 1),
            Rule.KEYSET_VALIDITY,
            "Validity",
        ),
        ("another realm", message(two, realm=b"another realm 01"), Rule.BIND_REALM, "Forged"),
    )
    for text, given, rule, flag in bad:
        group.invalid(f"{name}: {text}", given, rule, flag)
    raw = bytearray.fromhex(message(two)["message"])
    raw[50] ^= 1
    bent = {"message": bytes(raw).hex()}
    group.invalid(f"{name}: a bit is changed", bent, Rule.SIG_VERIFIES, "Forged")
    bare = open_envelope(bytes.fromhex(message(two)["message"])).header_and_body
    given = {"message": bare.hex()}
    group.invalid(f"{name}: no signature block", given, Rule.SIG_PRESENT, "Forged")
    expired = (entry(two[0], Role.ROOT, not_after=NOW - 1), *rows[1:])
    old = sign_keyset(keyset(algorithm, entries=expired), two).hex()
    given = {"keyset": old, **message(two)}
    group.invalid(f"{name}: a root has expired", given, Rule.KEY_VALIDITY, "Validity")
