"""The store that survives: one SQLite file. Every record is on disk before it is answered from.

A server that is killed at any instant and started again knows every answer that left it,
because the answer was committed first.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.server.devices import Answer, Device, DeviceState
from firmware_sim.server.store import MAX_UNKNOWN, StoreTrouble, check_policy
from firmware_sim_protocol.numbers import Algorithm, Decision, TicketScope

APPLICATION_ID = 0x4F444150
"""The letters ODAP in SQLite's header: another program's file is not taken for ours."""
SCHEMA_VERSION = 1
BUSY_S = 5.0

_SCHEMA = """
CREATE TABLE devices (
    key_id BLOB PRIMARY KEY, algorithm INTEGER NOT NULL, public_key BLOB NOT NULL,
    imei TEXT NOT NULL, imei2 TEXT, state TEXT NOT NULL, server_nonce BLOB NOT NULL,
    challenged_at INTEGER NOT NULL, first_seen_s INTEGER NOT NULL, activated_s INTEGER,
    notice_since_s INTEGER, locked INTEGER NOT NULL, issued_floor INTEGER NOT NULL,
    floor_epoch INTEGER NOT NULL, floor_version INTEGER NOT NULL, released INTEGER NOT NULL,
    proven_order INTEGER
) WITHOUT ROWID;
CREATE INDEX devices_by_imei ON devices (imei, proven_order) WHERE proven_order IS NOT NULL;
CREATE INDEX strangers ON devices (challenged_at) WHERE proven_order IS NULL;
CREATE TABLE answers (
    key_id BLOB NOT NULL, number INTEGER NOT NULL, request_hash BLOB NOT NULL,
    device_nonce BLOB NOT NULL, response_hash BLOB NOT NULL, response BLOB NOT NULL,
    decision INTEGER NOT NULL, issued_at INTEGER NOT NULL, policy_version INTEGER NOT NULL,
    confirmed INTEGER NOT NULL, PRIMARY KEY (key_id, request_hash)
) WITHOUT ROWID;
CREATE TABLE policies (
    epoch INTEGER NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (epoch, version)
) WITHOUT ROWID;
CREATE TABLE tickets (
    ticket_hash BLOB NOT NULL, key_id BLOB NOT NULL, scope INTEGER NOT NULL,
    PRIMARY KEY (ticket_hash, key_id)
) WITHOUT ROWID;
CREATE TABLE signatures (r BLOB PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
"""
_DEVICE_COLUMNS = (
    "key_id, algorithm, public_key, imei, imei2, state, server_nonce, challenged_at,"
    " first_seen_s, activated_s, notice_since_s, locked, issued_floor, floor_epoch,"
    " floor_version, released"
)
_ANSWER_COLUMNS = (
    "request_hash, device_nonce, response_hash, response, decision, issued_at,"
    " policy_version, confirmed"
)


class SqliteStore:
    """Records in a file; made if it is not there, with mode 0600.

    Raises:
        StoreTrouble: it cannot be opened, is no database of ours, or is of another version.
    """

    def __init__(self, path: Path, *, existing: bool = False) -> None:
        """`existing`: it must be there already."""
        self._path = path
        with self._trouble():
            if existing:
                path.stat()
            if not path.exists():
                # The umask must not decide who reads which phones exist.
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._prepare()

    def _prepare(self) -> None:
        with self._transaction():
            version = self._number("PRAGMA user_version")
            owner = self._number("PRAGMA application_id")
            empty = self._number("SELECT count(*) FROM sqlite_schema") == 0
            if version == 0 and owner == 0 and empty:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif owner != APPLICATION_ID:
                raise StoreTrouble(f"{self._path} is a database of another program")
            elif version != SCHEMA_VERSION:
                raise StoreTrouble(f"{self._path} has schema {version}, not {SCHEMA_VERSION}")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def find(self, key_id: bytes) -> Device | None:
        with self._trouble():
            row = self._db.execute(
                f"SELECT {_DEVICE_COLUMNS} FROM devices WHERE key_id = ?",  # noqa: S608 - constants
                (key_id,),
            ).fetchone()
            if row is None:
                return None
            answers = self._db.execute(
                f"SELECT {_ANSWER_COLUMNS} FROM answers"  # noqa: S608 - constants
                " WHERE key_id = ? ORDER BY number",
                (key_id,),
            ).fetchall()
            return _device(row, answers)

    def put(self, device: Device) -> None:
        with self._trouble(), self._transaction(durable=self._is_news(device)):
            order = self._order(device)
            self._db.execute(
                f"INSERT OR REPLACE INTO devices ({_DEVICE_COLUMNS}, proven_order)"  # noqa: S608
                f" VALUES ({', '.join('?' * 17)})",
                (*_row(device), order),
            )
            if order is None:
                self._forget_strangers()
            self._put_answers(device)

    def _is_news(self, device: Device) -> bool:
        """Whether it holds an answer that is not kept yet: then power may not undo it."""
        if not device.answers:
            return False
        row = self._db.execute(
            "SELECT 1 FROM answers WHERE key_id = ? AND request_hash = ?",
            (device.key_id, device.answers[-1].request_hash),
        ).fetchone()
        return row is None

    def _order(self, device: Device) -> int | None:
        if not device.public_key:
            return None
        row = self._db.execute(
            "SELECT proven_order FROM devices WHERE key_id = ?", (device.key_id,)
        ).fetchone()
        if row is not None and row[0] is not None:
            return int(row[0])
        return self._number("SELECT coalesce(max(proven_order), 0) + 1 FROM devices")

    def _forget_strangers(self) -> None:
        count = self._number("SELECT count(*) FROM devices WHERE proven_order IS NULL")
        if count > MAX_UNKNOWN:
            self._db.execute(
                "DELETE FROM devices WHERE key_id IN (SELECT key_id FROM devices"
                " WHERE proven_order IS NULL ORDER BY challenged_at LIMIT ?)",
                (count - MAX_UNKNOWN + MAX_UNKNOWN // 16,),
            )

    def _put_answers(self, device: Device) -> None:
        known = {
            bytes(row[0]): (bool(row[1]), bool(row[2]), int(row[3]))
            for row in self._db.execute(
                "SELECT request_hash, response != x'', confirmed, number FROM answers"
                " WHERE key_id = ?",
                (device.key_id,),
            )
        }
        number = max((row[2] for row in known.values()), default=0)
        for answer in device.answers:
            before = known.pop(answer.request_hash, None)
            if before is not None and before[:2] == (answer.response != b"", answer.confirmed):
                continue
            if before is None:
                number += 1
            self._db.execute(
                f"INSERT OR REPLACE INTO answers (key_id, number, {_ANSWER_COLUMNS})"  # noqa: S608
                f" VALUES ({', '.join('?' * 10)})",
                (
                    device.key_id,
                    number if before is None else before[2],
                    answer.request_hash,
                    answer.device_nonce,
                    answer.response_hash,
                    answer.response,
                    int(answer.decision),
                    answer.issued_at,
                    answer.policy_version,
                    answer.confirmed,
                ),
            )
        for gone in known:
            self._db.execute(
                "DELETE FROM answers WHERE key_id = ? AND request_hash = ?", (device.key_id, gone)
            )

    def first_key_of(self, imei: str) -> bytes | None:
        with self._trouble():
            row = self._db.execute(
                "SELECT key_id FROM devices WHERE imei = ? AND proven_order IS NOT NULL"
                " ORDER BY proven_order LIMIT 1",
                (imei,),
            ).fetchone()
            return None if row is None else bytes(row[0])

    def note_policy(self, epoch: int, version: int, digest: bytes) -> None:
        with self._trouble(), self._transaction():
            rows = self._db.execute("SELECT epoch, version, digest FROM policies").fetchall()
            check_policy({(row[0], row[1]): bytes(row[2]) for row in rows}, epoch, version, digest)
            self._db.execute(
                "INSERT OR IGNORE INTO policies VALUES (?, ?, ?)", (epoch, version, digest)
            )

    def latest_policy(self, epoch: int) -> int | None:
        """The latest version that was in force in this epoch."""
        with self._trouble():
            row = self._db.execute(
                "SELECT max(version) FROM policies WHERE epoch = ?", (epoch,)
            ).fetchone()
            return None if row[0] is None else int(row[0])

    def register_ticket(self, ticket_hash: bytes, key_id: bytes, scope: int) -> None:
        with self._trouble():
            self._db.execute(
                "INSERT OR REPLACE INTO tickets VALUES (?, ?, ?)", (ticket_hash, key_id, scope)
            )

    def ticket_scope(self, ticket_hash: bytes, key_id: bytes) -> int | None:
        with self._trouble():
            row = self._db.execute(
                "SELECT scope FROM tickets WHERE ticket_hash = ? AND key_id = ?",
                (ticket_hash, key_id),
            ).fetchone()
            return None if row is None else int(row[0])

    def claim_r(self, r: bytes, digest: bytes) -> bool:
        # What follows it, the answer, takes it to the disk as well.
        with self._trouble(), self._transaction(durable=False):
            row = self._db.execute("SELECT digest FROM signatures WHERE r = ?", (r,)).fetchone()
            if row is not None:
                return bytes(row[0]) == digest
            self._db.execute("INSERT INTO signatures VALUES (?, ?)", (r, digest))
            return True

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[None]:
        """`durable`: it survives a power cut, not only a killed process; that costs an fsync."""
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreTrouble(f"database {self._path}: {error}") from error
        except OSError as error:
            raise StoreTrouble(f"database {self._path}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise StoreTrouble(f"database {self._path}: damaged record ({error})") from error


def _row(device: Device) -> tuple[object, ...]:
    return (
        device.key_id,
        int(device.algorithm),
        device.public_key,
        device.imei,
        device.imei2,
        device.state.value,
        device.server_nonce,
        device.challenged_at,
        device.first_seen_s,
        device.activated_s,
        device.notice_since_s,
        device.locked,
        device.issued_floor,
        *device.policy_floor,
        int(device.released),
    )


def _device(row: tuple[object, ...], answers: list[tuple[object, ...]]) -> Device:
    (key_id, algorithm, public_key, imei, imei2, state, nonce, challenged_at, first_seen_s) = row[
        :9
    ]
    (first_seen_s, activated_s, notice_since_s, locked) = row[8:12]
    (issued_floor, epoch, version, released) = row[12:]
    return Device(
        key_id=_octets(key_id),
        algorithm=Algorithm(_int(algorithm)),
        public_key=_octets(public_key),
        imei=str(imei),
        imei2=None if imei2 is None else str(imei2),
        state=DeviceState(state),
        server_nonce=_octets(nonce),
        challenged_at=_int(challenged_at),
        first_seen_s=_int(first_seen_s),
        activated_s=None if activated_s is None else _int(activated_s),
        notice_since_s=None if notice_since_s is None else _int(notice_since_s),
        locked=bool(locked),
        issued_floor=_int(issued_floor),
        policy_floor=(_int(epoch), _int(version)),
        released=TicketScope(_int(released)),
        answers=tuple(
            Answer(
                request_hash=_octets(one[0]),
                device_nonce=_octets(one[1]),
                response_hash=_octets(one[2]),
                response=_octets(one[3]),
                decision=Decision(_int(one[4])),
                issued_at=_int(one[5]),
                policy_version=_int(one[6]),
                confirmed=bool(one[7]),
            )
            for one in answers
        ),
    )


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no number")
    return value


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{value!r} are no octets")
    return value
