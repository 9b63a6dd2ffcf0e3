"""Boot images. Only the official one has an activation module."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim_protocol.numbers import FirmwareKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One boot image. `security_version` is its anti-rollback version."""

    kind: FirmwareKind
    version: str
    security_version: int
    has_activation: bool


OFFICIAL = Firmware(
    kind=FirmwareKind.OFFICIAL, version="1.0", security_version=1, has_activation=True
)
UNOFFICIAL = Firmware(
    kind=FirmwareKind.UNOFFICIAL, version="community", security_version=0, has_activation=False
)
