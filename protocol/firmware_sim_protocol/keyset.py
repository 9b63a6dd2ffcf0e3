"""Whom a device believes: the keyset in force, and how the next one replaces it.

No certificates: one signed list. A key that the next list leaves out is revoked.

Source: SPEC.md, "Keysets"; The Update Framework specification 1.0, 5.3 (root rotation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import Envelope, SignatureEntry
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    TEN_YEARS_S,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import PrivateKey, PublicKey, accepted_octets
from firmware_sim_protocol.values import KeyEntry, KeySet

ROLE_OF = {
    MessageType.RESPONSE: Role.ACT,
    MessageType.UNLOCK_TICKET: Role.UNLOCK,
}
"""The role that may sign a type which a device receives; a KEYSET is judged by `next_keyset`."""


@dataclass(frozen=True)
class KeyRing:
    """A keyset indexed by key id, for a device that trusts it."""

    keyset: KeySet

    @cached_property
    def _keys(self) -> dict[bytes, tuple[PublicKey, KeyEntry]]:
        keys = {}
        for entry in self.keyset.entries:
            key = PublicKey.known(entry.algorithm, entry.public_key)
            keys[key.key_id] = (key, entry)
        return keys

    def find(self, key_id: bytes) -> tuple[PublicKey, KeyEntry] | None:
        """The key with this id and its entry, or None."""
        return self._keys.get(key_id)

    def verify(self, envelope: Envelope, floor: int, guard: Guard = SOUND) -> KeyEntry:
        """Check the one signature of a RESPONSE or UNLOCK_TICKET; return the signer's entry.

        `floor`: the device's time floor, seconds since 1970.

        Raises:
            Refusal: at stage SIGNATURE.
        """
        kind = envelope.header.type
        guard.require(Rule.SIG_PRESENT, bool(envelope.signatures), "no signature")
        if len(envelope.signatures) > 1:
            guard.require(Rule.SIG_SINGLE, False, f"{len(envelope.signatures)} signatures")
        if not envelope.signatures:
            # A twin that waives SIG_PRESENT believes whoever it asks first.
            return self.keyset.entries[0]
        octets = accepted_octets(SIGNING_CONTEXT[kind], envelope.header_and_body, guard)
        return self._verify_one(envelope.signatures[0], ROLE_OF[kind], octets, floor, guard)

    def _verify_one(
        self, entry: SignatureEntry, role: Role, octets: tuple[bytes, ...], floor: int, guard: Guard
    ) -> KeyEntry:
        found = self.find(entry.key_id)
        if found is None:
            guard.require(Rule.KEY_KNOWN, False, f"key id {entry.key_id.hex()[:16]}")
            return self.keyset.entries[0]
        key, row = found
        # As numbers: an operation on flags makes a flag, which takes longer than to ask it.
        if not int(row.roles) & int(role):
            guard.require(Rule.KEY_ROLE, False, f"has {row.roles!r}, needs {role!r}")
        guard.require(Rule.KEY_VALIDITY, *self._validity(row, floor))
        key.verify_any(octets, entry.signature, guard)
        return row

    def _validity(self, row: KeyEntry, floor: int) -> tuple[bool, str]:
        # A device without a clock cannot know that a key is not valid yet: not_before is held
        # against the latest instant that the device could believe it is.
        latest = floor + TEN_YEARS_S
        for name, span in (("key", row), ("keyset", self.keyset)):
            if not (span.not_before <= latest and floor <= span.not_after):
                return False, f"{name} valid to {span.not_after}, floor {floor}"
        return True, ""

    def next_keyset(self, envelope: Envelope, floor: int, guard: Guard = SOUND) -> KeySet:
        """The keyset that this KEYSET message puts in force after the present one.

        The old roots are asked first, about octets that nobody has parsed yet. The new roots
        stand in the message itself, so it is read before they can be asked; nothing of it is
        used until they agree.

        Raises:
            Refusal: at any stage from SIGNATURE to POLICY.
        """
        context = SIGNING_CONTEXT[MessageType.KEYSET]
        octets = accepted_octets(context, envelope.header_and_body, guard)
        guard.require(Rule.SIG_PRESENT, bool(envelope.signatures), "no signature")
        ids = [entry.key_id for entry in envelope.signatures]
        guard.require(Rule.SIG_DISTINCT, len(set(ids)) == len(ids), "a key signs twice")
        known = [entry for entry in envelope.signatures if self.find(entry.key_id)]
        for entry in known:
            self._verify_one(entry, Role.ROOT, octets, floor, guard)
        needed = self.keyset.root_threshold
        guard.require(Rule.THRESHOLD_OLD, len(known) >= needed, f"{len(known)} of {needed}")
        fresh = parse_message(envelope, guard)
        assert isinstance(fresh, KeySet)
        new_roots = KeyRing(fresh)._new_roots(envelope, known, octets, floor, guard)
        needed = fresh.root_threshold
        guard.require(Rule.THRESHOLD_NEW, new_roots >= needed, f"{new_roots} of {needed}")
        guard.require(Rule.BIND_REALM, fresh.realm == self.keyset.realm, "KEYSET")
        following = fresh.version == self.keyset.version + 1
        detail = f"version {fresh.version} after {self.keyset.version}"
        guard.require(Rule.KEYSET_NEXT, following, detail)
        ordered = fresh.not_before <= min(fresh.not_after, floor + TEN_YEARS_S)
        guard.require(
            Rule.KEYSET_VALIDITY,
            ordered and floor <= fresh.not_after,
            f"{fresh.not_before} to {fresh.not_after}, floor {floor}",
        )
        guard.require(
            Rule.KEYSET_EPOCH,
            fresh.policy_epoch >= self.keyset.policy_epoch,
            f"epoch {fresh.policy_epoch} after {self.keyset.policy_epoch}",
        )
        return fresh

    def _new_roots(
        self,
        envelope: Envelope,
        verified: list[SignatureEntry],
        octets: tuple[bytes, ...],
        floor: int,
        guard: Guard,
    ) -> int:
        """How many of the signers are roots here; those of `verified` are not verified again."""
        count = 0
        for entry in envelope.signatures:
            found = self.find(entry.key_id)
            if entry in verified:
                root = found is not None and bool(found[1].roles & Role.ROOT)
                count += root or (found is not None and not guard.enforces(Rule.KEY_ROLE))
            else:
                row = self._verify_one(entry, Role.ROOT, octets, floor, guard)
                count += found is not None and row is found[1]
        return count


def verify_signed_by(envelope: Envelope, key: PublicKey, guard: Guard = SOUND) -> None:
    """Check the one signature of a REQUEST or CONFIRM: it must be by this device key.

    Raises:
        Refusal: at stage SIGNATURE.
    """
    guard.require(Rule.SIG_PRESENT, bool(envelope.signatures), "no signature")
    single = len(envelope.signatures) <= 1
    guard.require(Rule.SIG_SINGLE, single, f"{len(envelope.signatures)} signatures")
    if not envelope.signatures:
        return
    entry = envelope.signatures[0]
    same = entry.key_id == key.key_id
    guard.require(Rule.KEY_KNOWN, same, f"key id {entry.key_id.hex()[:16]}")
    context = SIGNING_CONTEXT[envelope.header.type]
    octets = accepted_octets(context, envelope.header_and_body, guard)
    key.verify_any(octets, entry.signature, guard)


def sign_keyset(keyset: KeySet, roots: tuple[PrivateKey, ...]) -> bytes:
    """The KEYSET message signed by these roots; its exchange id is 0, it belongs to none."""
    return build_message(keyset, 0, roots)


def verify_first_keyset(envelope: Envelope, guard: Guard = SOUND) -> KeySet:
    """The keyset of a KEYSET message that follows none: its own roots reach its own threshold.

    For the keyset that a device is given at manufacture, and for the one it reads back from its
    own store. Nothing older vouches for it: it proves that nobody changed the message, not that
    it may be trusted. Signers that it does not name as roots (those of the keyset before it) are
    passed over, and time plays no part.

    Raises:
        Refusal: HEADER_TYPE, or at stage SIGNATURE or LAYOUT.
    """
    kind = envelope.header.type
    SOUND.require(Rule.HEADER_TYPE, kind is MessageType.KEYSET, f"{kind.name}, not KEYSET")
    guard.require(Rule.SIG_PRESENT, bool(envelope.signatures), "no signature")
    ids = [entry.key_id for entry in envelope.signatures]
    guard.require(Rule.SIG_DISTINCT, len(set(ids)) == len(ids), "a key signs twice")
    keyset = parse_message(envelope, guard)
    assert isinstance(keyset, KeySet)
    ring = KeyRing(keyset)
    octets = accepted_octets(SIGNING_CONTEXT[MessageType.KEYSET], envelope.header_and_body, guard)
    count = 0
    for entry in envelope.signatures:
        found = ring.find(entry.key_id)
        if found is not None and found[1].roles & Role.ROOT:
            found[0].verify_any(octets, entry.signature, guard)
            count += 1
    needed = keyset.root_threshold
    guard.require(Rule.THRESHOLD_NEW, count >= needed, f"{count} of {needed}")
    return keyset
