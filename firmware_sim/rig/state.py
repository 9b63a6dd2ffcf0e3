"""What of a phone survives on the user's disk: who it is, its flash, and its embedded server.

    DIR/board.json     identity burnt in at manufacture: IMEI, keys, trusted keyset (mode 0600)
    DIR/flash/         the handset's two slots and counter
    DIR/server/        keys and database of the embedded server, where that was used

The board file is written once, whole or not at all, and never changed afterwards.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim_native import imei as imei_check
from firmware_sim_protocol.errors import KeyFormatError
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.signing import PrivateKey

BOARD_VERSION = 1


@dataclass(frozen=True, slots=True)
class BoardFile:
    """The contents of board.json."""

    imei: str
    imei2: str | None
    device_key: PrivateKey
    storage_key: bytes
    trust: bytes
    """The signed KEYSET message that the phone trusts from the factory."""


class StateDirectory:
    """A directory that holds one phone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.flash = path / "flash"
        self.server = path / "server"
        self._board = path / "board.json"

    def prepare(self) -> None:
        """Make the directory if it is missing.

        Raises:
            SimError: it cannot be made, is no directory, or cannot be written in.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise SimError("state", f"{self.path} is not a directory") from None
        except OSError as error:
            raise SimError("state", f"cannot make {self.path}: {error.strerror}") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise SimError("state", f"{self.path} is read-only")

    def load_board(self) -> BoardFile | None:
        """The phone that lives here; None when none does yet.

        Raises:
            SimError: the file cannot be read, or is not ours.
        """
        try:
            text = self._board.read_text("utf-8")
        except FileNotFoundError:
            if self.flash.exists() and any(self.flash.iterdir()):
                raise SimError("state", f"{self._board} is missing beside a flash") from None
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SimError("state", f"cannot read {self._board}: {error}") from error
        try:
            fields = json.loads(text)
            if fields["version"] != BOARD_VERSION:
                raise ValueError(f"version {fields['version']}")
            board = BoardFile(
                imei=fields["imei"],
                imei2=fields["imei2"],
                device_key=PrivateKey(
                    Algorithm[fields["algorithm"]], bytes.fromhex(fields["device_key"])
                ),
                storage_key=bytes.fromhex(fields["storage_key"]),
                trust=bytes.fromhex(fields["trust"]),
            )
            numbers = [board.imei] + ([board.imei2] if board.imei2 is not None else [])
            if not all(imei_check.is_valid(number) for number in numbers):
                raise ValueError("IMEI")
        except (ValueError, KeyError, TypeError, KeyFormatError) as error:
            raise SimError("state", f"{self._board} is damaged ({error})") from error
        return board

    def save_board(self, board: BoardFile) -> None:
        """Write board.json: whole and on the disk, or not at all.

        Raises:
            SimError: the disk says no.
        """
        fields = {
            "version": BOARD_VERSION,
            "imei": board.imei,
            "imei2": board.imei2,
            "algorithm": board.device_key.algorithm.name,
            "device_key": board.device_key.secret.hex(),
            "storage_key": board.storage_key.hex(),
            "trust": board.trust.hex(),
        }
        fresh = self._board.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(fields, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._board)
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SimError("state", f"cannot write {self._board}: {error.strerror}") from error
