"""Which device keys the server talks to.

By default any device key is taken when it first proves itself; a second one under the same IMEI
(a clone, or a board that was replaced) is taken too, and reported. `one_key` refuses it instead,
and a list of enrolled devices limits the server to the keys of the factory.

Source: SPEC.md, "Server".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from firmware_sim.errors import SimError
from firmware_sim_native import imei as imei_rules
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.rules import Rule

_LINE = re.compile(r"([0-9]{15})[\s,]+([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """`listed`: IMEI -> device key id, or None where keys are taken on first use."""

    listed: Mapping[str, bytes] | None = None
    one_key: bool = False
    """Whether the first key of an IMEI is its only one."""

    def require_key(self, key_id: bytes) -> None:
        """At a CHALLENGE_REQ, which names no IMEI and proves nothing.

        Raises:
            Refusal: BIND_DEVICE, where a list exists and lacks the key.
        """
        if self.listed is not None and key_id not in self.listed.values():
            raise Refusal(Rule.BIND_DEVICE, f"device key {key_id.hex()[:16]} is not enrolled")

    def require(self, key_id: bytes, imei: str, first: bytes | None) -> None:
        """At a REQUEST whose signature is good; `first`: the first key that had this IMEI.

        Raises:
            Refusal: BIND_DEVICE.
        """
        if self.listed is not None:
            if self.listed.get(imei) != key_id:
                raise Refusal(Rule.BIND_DEVICE, f"{imei} is not enrolled with this key")
        elif self.one_key and first not in (None, key_id):
            raise Refusal(Rule.BIND_DEVICE, f"{imei} belongs to another key")


FIRST_USE = Enrolment()
ONE_KEY = Enrolment(one_key=True)


def parse(text: str, name: str) -> Enrolment:
    """Read a list of enrolled devices: a line each, IMEI and device key id in hex.

    Raises:
        SimError: part "server"; the text names the line.
    """
    listed: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        row = line.split("#", 1)[0].strip()
        if not row:
            continue
        found = _LINE.fullmatch(row)
        if found is None:
            raise SimError("server", f"{name}:{number}: expected IMEI (15) and key id (64 hex)")
        imei, key_id = found.group(1), bytes.fromhex(found.group(2))
        if not imei_rules.is_valid(imei):
            raise SimError("server", f"{name}:{number}: {imei} has a wrong check digit")
        if imei in listed:
            raise SimError("server", f"{name}:{number}: {imei} stands twice")
        listed[imei] = key_id
    return Enrolment(MappingProxyType(listed))
