"""What the server remembers: a port, and the store that forgets when the process ends.

Everything is handed over as whole frozen records; a store neither decides nor expires.
`SqliteStore` (in `database`) is the store that survives.
"""

from __future__ import annotations

from typing import Any, Protocol

from firmware_sim.errors import SimError
from firmware_sim.server.devices import Device

MAX_UNKNOWN = 65_536
"""Devices that have asked for a challenge and proved nothing yet; the oldest give way."""


class StoreTrouble(SimError):
    """The store cannot be opened, read or written."""

    def __init__(self, text: str) -> None:
        super().__init__("server", text)


class DeviceStore(Protocol):
    """Records by device key id. A device without a public key has proved nothing yet."""

    def find(self, key_id: bytes) -> Device | None:
        """The record of this device key."""
        ...

    def put(self, device: Device) -> None:
        """Remember it, durably where the store is durable, before returning.

        Raises: StoreTrouble.
        """
        ...

    def first_key_of(self, imei: str) -> bytes | None:
        """Key id of the device that proved itself first among those that have this IMEI now."""
        ...

    def note_policy(self, epoch: int, version: int, digest: bytes) -> None:
        """Remember that this policy is in force.

        Raises: StoreTrouble: its version had other content, or is below one that was in force.
        """
        ...

    def register_ticket(self, ticket_hash: bytes, key_id: bytes, scope: int) -> None:
        """Remember a ticket that was issued: SHA-256 of the message, for which device."""
        ...

    def ticket_scope(self, ticket_hash: bytes, key_id: bytes) -> int | None:
        """The scope of a ticket that was registered for this device."""
        ...

    def claim_r(self, r: bytes, digest: bytes) -> bool:
        """Note the first half of a signature; False if another message had the same one."""
        ...


class MemoryStore:
    """A store in memory, for the embedded server and for tests."""

    def __init__(self) -> None:
        self._devices: dict[bytes, Device] = {}
        self._unknown: dict[bytes, Device] = {}
        self._by_imei: dict[str, dict[bytes, None]] = {}
        self._policies: dict[tuple[int, int], bytes] = {}
        self._tickets: dict[tuple[bytes, bytes], int] = {}
        self._halves: dict[bytes, bytes] = {}

    def find(self, key_id: bytes) -> Device | None:
        return self._devices.get(key_id) or self._unknown.get(key_id)

    def put(self, device: Device) -> None:
        if not device.public_key:
            self._unknown[device.key_id] = device
            if len(self._unknown) > MAX_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            return
        self._unknown.pop(device.key_id, None)
        before = self._devices.get(device.key_id)
        self._devices[device.key_id] = device
        if before is not None and before.imei != device.imei:
            del self._by_imei[before.imei][device.key_id]
        # A dictionary of nothing keeps the order of arrival and finds its first at once.
        self._by_imei.setdefault(device.imei, {})[device.key_id] = None

    def first_key_of(self, imei: str) -> bytes | None:
        return next(iter(self._by_imei.get(imei, {})), None)

    def note_policy(self, epoch: int, version: int, digest: bytes) -> None:
        check_policy(self._policies, epoch, version, digest)
        self._policies[epoch, version] = digest

    def register_ticket(self, ticket_hash: bytes, key_id: bytes, scope: int) -> None:
        self._tickets[ticket_hash, key_id] = scope

    def ticket_scope(self, ticket_hash: bytes, key_id: bytes) -> int | None:
        return self._tickets.get((ticket_hash, key_id))

    def claim_r(self, r: bytes, digest: bytes) -> bool:
        return self._halves.setdefault(r, digest) == digest


def __getattr__(name: str) -> Any:
    # The database is loaded when it is first asked for: most runs keep nothing.
    if name == "SqliteStore":
        from firmware_sim.server.database import SqliteStore

        return SqliteStore
    raise AttributeError(name)


def check_policy(
    known: dict[tuple[int, int], bytes], epoch: int, version: int, digest: bytes
) -> None:
    """The law of `note_policy`, for every store.

    Raises: StoreTrouble.
    """
    latest = max(known, default=(0, 0))
    if (epoch, version) < latest:
        raise StoreTrouble(
            f"policy version {version} (epoch {epoch}) is older than version {latest[1]} "
            f"(epoch {latest[0]}), which this store has answered from: raise its version"
        )
    if known.get((epoch, version), digest) != digest:
        raise StoreTrouble(
            f"policy version {version} was in force with other content: raise its version"
        )
