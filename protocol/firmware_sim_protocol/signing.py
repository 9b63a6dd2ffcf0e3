"""Keys and signatures: ESP256 and Ed25519, stricter than the library that does the arithmetic.

Signed octets: 64 spaces, `ODAP/1 <context>`, one zero octet, header, body. The algorithm
belongs to the key; a key id is always computed. Verification raises; it returns nothing.

Source: SPEC.md, "Signatures"; RFC 8446, 4.4.3 (form of the signed octets); RFC 8032, 5.1.7;
FIPS 186-5, 6.4.2; RFC 6979 (deterministic ECDSA).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from firmware_sim_protocol.errors import KeyFormatError, Refusal
from firmware_sim_protocol.numbers import HEADER_SIZE, SIGNING_CONTEXT, Algorithm
from firmware_sim_protocol.rules import SOUND, Guard, Rule

KEY_ID_LABEL = b"ODAP/1 key\x00"
CONTEXT_PREFIX = b"\x20" * 64 + b"ODAP/1 "
SIGNATURE_SIZE = 64
KEY_SIZES = {Algorithm.ESP256: 33, Algorithm.ED25519: 32}

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED25519_PRIME = 2**255 - 19
_ED25519_D = -121665 * pow(121666, -1, ED25519_PRIME) % ED25519_PRIME

# y of the points of order 8. The tests derive it from the curve equation.
_ORDER_8_Y = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _ORDER_8_Y,
        ED25519_PRIME - _ORDER_8_Y,
        ED25519_PRIME - 1,
        ED25519_PRIME,  # 0, not canonical
        ED25519_PRIME + 1,  # 1, not canonical
    }
)
"""With either sign bit: the 14 encodings of points whose order divides 8."""

_SIGN_BIT = 1 << 255
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDSA_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


def signed_octets(context: bytes, header_and_body: bytes) -> bytes:
    """What a signature of a message with this context covers."""
    return b"%b%b\x00%b" % (CONTEXT_PREFIX, context, header_and_body)


def accepted_octets(
    context: bytes, header_and_body: bytes, guard: Guard = SOUND
) -> tuple[bytes, ...]:
    """What a signature may cover: one string of octets. Twins that are lax take others too."""
    if not guard.waived:
        return (signed_octets(context, header_and_body),)
    accepted = [signed_octets(context, header_and_body)]
    if not guard.enforces(Rule.SIG_HEADER):
        accepted.append(signed_octets(context, header_and_body[HEADER_SIZE:]))
    if not guard.enforces(Rule.SIG_CONTEXT):
        accepted += [signed_octets(other, header_and_body) for other in SIGNING_CONTEXT.values()]
    return tuple(accepted)


@dataclass(frozen=True)
class PublicKey:
    """A public key in its canonical octets: 33 (ESP256, compressed) or 32 (Ed25519)."""

    algorithm: Algorithm
    octets: bytes

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256 of label, algorithm and canonical key: computed, never read."""
        return hashlib.sha256(KEY_ID_LABEL + bytes((self.algorithm,)) + self.octets).digest()

    @classmethod
    def load(
        cls,
        algorithm: Algorithm,
        octets: bytes,
        guard: Guard = SOUND,
        rule: Rule = Rule.KEY_STRONG,
    ) -> PublicKey:
        """A key that is safe to verify with.

        Raises:
            Refusal: `rule`, when the octets are no canonical point of full order.
        """
        key, why = _judged(algorithm, octets)
        if why:
            guard.require(rule, False, why)
        return key

    @classmethod
    def known(cls, algorithm: Algorithm, octets: bytes) -> PublicKey:
        """A key that was loaded before, such as one of a keyset in force."""
        return _judged(algorithm, octets)[0]

    def verify_any(
        self, accepted: tuple[bytes, ...], signature: bytes, guard: Guard = SOUND
    ) -> None:
        """Return if `signature` is good over one of `accepted` (see `accepted_octets`).

        Raises:
            Refusal: as `verify`, about the last of them.
        """
        for octets in accepted[:-1]:
            try:
                return self.verify(octets, signature, guard)
            except Refusal:
                continue
        return self.verify(accepted[-1], signature, guard)

    def verify(self, octets: bytes, signature: bytes, guard: Guard = SOUND) -> None:
        """Return if `signature` (64 octets) over `octets` is good.

        Raises:
            Refusal: SIG_RANGE, SIG_LOW_S, SIG_CANONICAL_R, KEY_STRONG or SIG_VERIFIES.
        """
        if len(signature) != SIGNATURE_SIZE:
            # Cannot happen on the wire, where the layout fixes 64 octets; no waiver helps.
            raise Refusal(Rule.SIG_RANGE, f"{len(signature)} octets")
        if not guard.enforces(Rule.SIG_ALGORITHM) and self._confused(octets, signature, guard):
            return
        if self.algorithm is Algorithm.ESP256:
            self._verify_p256(octets, signature, guard)
        else:
            self._verify_ed25519(octets, signature, guard)

    def _confused(self, octets: bytes, signature: bytes, guard: Guard) -> bool:
        """What a twin does that lets the signature choose the algorithm: try the other one."""
        if self.algorithm is Algorithm.ESP256:
            others = [PublicKey(Algorithm.ED25519, self.octets[1:])]
        else:
            others = [PublicKey(Algorithm.ESP256, bytes((sign,)) + self.octets) for sign in (2, 3)]
        strict = Guard(guard.waived - {Rule.SIG_ALGORITHM})
        for other in others:
            try:
                other.verify(octets, signature, strict)
            except Refusal:
                continue
            return True
        return False

    def _verify_p256(self, octets: bytes, signature: bytes, guard: Guard) -> None:
        r = int.from_bytes(signature[:32])
        s = int.from_bytes(signature[32:])
        if not (1 <= r < P256_ORDER and 1 <= s < P256_ORDER):
            guard.require(Rule.SIG_RANGE, False, "r and s must be 1 to n-1")
            # A verifier without the range check computes with s^-1 = 0: the point at infinity,
            # whose x it takes for 0, so r = s = 0 passes.
            if r % P256_ORDER == 0 and s % P256_ORDER == 0:
                return
            r, s = r % P256_ORDER, s % P256_ORDER
        guard.require(Rule.SIG_LOW_S, s <= P256_ORDER // 2, "high s")
        try:
            self._p256.verify(encode_dss_signature(r, s), octets, _ECDSA)
        except (InvalidSignature, ValueError):
            guard.require(Rule.SIG_VERIFIES, False, "ESP256")

    def _verify_ed25519(self, octets: bytes, signature: bytes, guard: Guard) -> None:
        guard.require(Rule.KEY_STRONG, *_sound_y(self.octets))
        null = not any(signature)
        guard.require(Rule.SIG_NULL, not null, "64 zero octets")
        if null:
            return  # a device that compares with a result which nobody has filled in
        r_y = int.from_bytes(signature[:32], "little") & (_SIGN_BIT - 1)
        s = int.from_bytes(signature[32:], "little")
        guard.require(Rule.SIG_CANONICAL_R, r_y < ED25519_PRIME, "R is not canonical")
        if r_y >= ED25519_PRIME:
            # A device that decodes R instead of comparing its octets.
            signature = (r_y - ED25519_PRIME).to_bytes(32, "little") + signature[32:]
        guard.require(Rule.SIG_CANONICAL_R, r_y not in SMALL_ORDER_Y, "R has a small order")
        guard.require(Rule.SIG_RANGE, s < ED25519_ORDER, "S must be below L")
        if s >= ED25519_ORDER:
            signature = signature[:32] + (s % ED25519_ORDER).to_bytes(32, "little")
        try:
            self._ed25519.verify(signature, octets)
        except InvalidSignature:
            guard.require(Rule.SIG_VERIFIES, False, "Ed25519")

    @cached_property
    def _p256(self) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.octets)

    @cached_property
    def _ed25519(self) -> ed25519.Ed25519PublicKey:
        return ed25519.Ed25519PublicKey.from_public_bytes(self.octets)


@lru_cache(maxsize=512)
def _judged(algorithm: Algorithm, octets: bytes) -> tuple[PublicKey, str]:
    """The key, and why it is not sound.

    Kept, because a keyset's keys come again with every keyset, boot and answer, and because
    finding y for an x costs about as much as a tenth of a verification.
    """
    key = PublicKey(algorithm, octets)
    if len(octets) != KEY_SIZES[algorithm]:
        return key, "wrong length"
    if algorithm is Algorithm.ED25519:
        sound, why = _sound_ed25519(octets)
        return key, "" if sound else why
    if octets[0] not in (2, 3):
        return key, "not a compressed point"
    try:
        _ = key._p256
    except ValueError:
        return key, "not a point of P-256"
    return key, ""


def _sound_y(octets: bytes) -> tuple[bool, str]:
    y = int.from_bytes(octets, "little") & (_SIGN_BIT - 1)
    if y in SMALL_ORDER_Y:
        return False, "a point of small order"
    return y < ED25519_PRIME, "y is not canonical"


def _sound_ed25519(octets: bytes) -> tuple[bool, str]:
    sound, why = _sound_y(octets)
    if not sound:
        return sound, why
    y2 = pow(int.from_bytes(octets, "little") & (_SIGN_BIT - 1), 2, ED25519_PRIME)
    p = ED25519_PRIME
    x2 = (y2 - 1) * pow(_ED25519_D * y2 + 1, -1, p) % p
    return pow(x2, (p - 1) // 2, p) == 1, "not a point of Ed25519"


@dataclass(frozen=True)
class PrivateKey:
    """A private key with its algorithm: 32 octets, the P-256 scalar or the Ed25519 seed."""

    algorithm: Algorithm
    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != 32:
            raise KeyFormatError(f"a private key has 32 octets, not {len(self.secret)}")
        if self.algorithm is Algorithm.ESP256:
            scalar = int.from_bytes(self.secret)
            if not 1 <= scalar < P256_ORDER:
                raise KeyFormatError("a P-256 private key lies between 1 and n-1")

    def __repr__(self) -> str:
        # A secret never reaches a log through a traceback.
        return f"PrivateKey({self.algorithm.name}, id {self.public.key_id.hex()[:8]})"

    @classmethod
    def derive(cls, algorithm: Algorithm, entropy: bytes) -> PrivateKey:
        """The key that 32 octets of entropy stand for: equal octets, equal key."""
        if algorithm is Algorithm.ED25519:
            return cls(algorithm, entropy)
        # 32 octets modulo n-1 favour small scalars by 2^-32 at most: harmless for test keys.
        scalar = int.from_bytes(entropy) % (P256_ORDER - 1) + 1
        return cls(algorithm, scalar.to_bytes(32))

    @cached_property
    def public(self) -> PublicKey:
        if self.algorithm is Algorithm.ESP256:
            point = self._p256.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
            )
            return PublicKey(self.algorithm, point)
        return PublicKey(self.algorithm, self._ed25519.public_key().public_bytes_raw())

    def sign(self, octets: bytes) -> bytes:
        """64 octets, the same for the same input: r||s with low s, or R||S."""
        if self.algorithm is Algorithm.ED25519:
            return self._ed25519.sign(octets)
        r, s = decode_dss_signature(self._p256.sign(octets, _ECDSA_DETERMINISTIC))
        low = min(s, P256_ORDER - s)
        return r.to_bytes(32) + low.to_bytes(32)

    @cached_property
    def _p256(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.secret), ec.SECP256R1())

    @cached_property
    def _ed25519(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.secret)
