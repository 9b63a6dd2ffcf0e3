"""The little arithmetic that forging needs and no library offers: plain integers, test keys only.

Source: RFC 8032, 5.1.5 and 5.1.7; SEC 1, 4.1.6 (recovering a public key from a signature).
"""

from __future__ import annotations

import hashlib

from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.signing import ED25519_ORDER, P256_ORDER, PublicKey

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def ed25519_scalar(seed: bytes) -> int:
    """The secret scalar of a seed."""
    half = bytearray(hashlib.sha512(seed).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    return int.from_bytes(half, "little")


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """k of an Ed25519 verification, modulo L."""
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ED25519_ORDER


def is_sound_ed25519(octets: bytes) -> bool:
    """Whether the octets are a canonical point of full order."""
    try:
        PublicKey.load(Algorithm.ED25519, octets)
    except Refusal:
        return False
    return True


def key_for_signature(signature: bytes, message: bytes) -> bytes:
    """The compressed P-256 key under which a signature is good for this message."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    z = int.from_bytes(hashlib.sha256(message).digest())
    y = pow((r * r * r + A * r + B) % P, (P + 1) // 4, P)
    inverse = pow(r, -1, P256_ORDER)
    point = _add(_times(s * inverse % P256_ORDER, (r, y)), _times(-z * inverse % P256_ORDER, G))
    assert point is not None
    return bytes((2 + point[1] % 2,)) + point[0].to_bytes(32)


def _add(left: Point, right: Point) -> Point:
    if left is None:
        return right
    if right is None:
        return left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def _times(scalar: int, point: Point) -> Point:
    result: Point = None
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result
