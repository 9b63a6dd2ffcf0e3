"""What a phone did, as the page shows it: events with their messages taken apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from firmware_sim.attacks.reports.explain import parts_of, title_of
from firmware_sim.events import Event
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import SIGNING_CONTEXT
from firmware_sim_protocol.signing import PublicKey, signed_octets

KEPT = 2_000
"""Events that a phone remembers; older ones fall off."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key it is, and the key."""

    owner: str
    key: PublicKey


@dataclass(slots=True)
class Timeline:
    """The latest events of one phone, numbered from 1 without a gap.

    `signers`: key id -> the key and its owner, for the verdict beside each signature.
    """

    signers: Mapping[bytes, Signer] = field(default_factory=dict)
    events: deque[tuple[int, Event]] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: int = 0

    def add(self, event: Event) -> None:
        """Append one event."""
        self.last += 1
        self.events.append((self.last, event))

    def after(self, number: int) -> list[dict[str, object]]:
        """The events after this number, as the API tells them."""
        fresh: list[dict[str, object]] = []
        for at, event in reversed(self.events):
            if at <= number:
                break
            fresh.append(self._told(at, event))
        return fresh[::-1]

    def _told(self, number: int, event: Event) -> dict[str, object]:
        told: dict[str, object] = {
            "number": number,
            "at_ms": event.at,
            "part": event.part,
            "kind": event.kind,
            "text": event.text,
            "sent": event.sent,
        }
        if event.kind == "message" and event.raw:
            told["message"] = self._message(event.raw)
        elif event.raw:
            told["hex"] = event.raw.hex()
        return told

    def _message(self, raw: bytes) -> dict[str, object]:
        fields = [
            {
                "offset": part.offset,
                "hex": part.octets.hex(),
                "name": part.name,
                "value": part.value,
            }
            for part in parts_of(raw)
        ]
        return {"type": title_of(raw), "fields": fields, "signatures": self._signatures(raw)}

    def _signatures(self, raw: bytes) -> list[dict[str, str]]:
        try:
            envelope = open_envelope(raw)
        except Refusal:
            return []
        told = []
        for entry in envelope.signatures:
            signer = self.signers.get(entry.key_id)
            verdict = "unknown key"
            if signer is not None:
                context = SIGNING_CONTEXT[envelope.header.type]
                octets = signed_octets(context, envelope.header_and_body)
                try:
                    signer.key.verify(octets, entry.signature)
                    verdict = "good"
                except Refusal as refusal:
                    verdict = f"bad: {refusal.code.value}"
            told.append(
                {
                    "key_id": entry.key_id.hex(),
                    "owner": signer.owner if signer is not None else "nobody known here",
                    "verdict": verdict,
                }
            )
        return told
