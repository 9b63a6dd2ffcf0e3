"""Folders of keys: private keys that only their owner can read, keysets that everybody may.

    act.key unlock.key        PKCS #8 PEM, mode 0600
    keysets/00000001.keyset   each signed KEYSET message, by version
    trust.keyset              a copy of the latest
    root-1.key root-2.key ... in a folder of roots, likewise 0600

Source: RFC 5958 (PKCS #8), RFC 7468 (PEM).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from firmware_sim.server.keys import KeyTrouble, ServerKeys, read_keyset
from firmware_sim_protocol.errors import KeyFormatError
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.signing import PrivateKey, PublicKey

ACT, UNLOCK, TRUST, KEYSETS = "act.key", "unlock.key", "trust.keyset", "keysets"
MAX_FILE = 65_536


def save(keys: ServerKeys, folder: Path) -> None:
    """Write a new folder; see `keys.save_keys`."""
    make_folder(folder)
    write_key(folder / ACT, keys.act)
    if keys.unlock is not None:
        write_key(folder / UNLOCK, keys.unlock)
    _make(folder / KEYSETS)
    for message in keys.keysets:
        write_keyset(folder, message)


def load(folder: Path) -> ServerKeys:
    """Read a folder; see `keys.load_keys`."""
    keysets = read_keysets(folder)
    unlock = folder / UNLOCK
    return ServerKeys(
        act=read_key(folder / ACT),
        unlock=read_key(unlock) if unlock.exists() else None,
        keysets=keysets,
    )


def make_folder(folder: Path) -> None:
    """A new folder of mode 0700, or an empty one that exists.

    Raises:
        KeyTrouble: it holds something already, or cannot be made.
    """
    check_new(folder)
    _make(folder)


def check_new(folder: Path) -> None:
    """Look, and make nothing.

    Raises:
        KeyTrouble: the folder holds something already, or cannot be looked at.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise KeyTrouble(f"{folder} exists already: keys are never overwritten")
    except OSError as error:
        raise KeyTrouble(f"{folder}: {error.strerror}") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise KeyTrouble(f"{folder}: {error.strerror}") from error


def write_key(path: Path, key: PrivateKey) -> None:
    """A private key as a new file of mode 0600.

    Raises:
        KeyTrouble: it exists, or cannot be written.
    """
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if key.algorithm is Algorithm.ESP256:
        private = ec.derive_private_key(int.from_bytes(key.secret), ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.from_private_bytes(key.secret)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, pem, 0o600, os.O_EXCL)


def read_key(path: Path) -> PrivateKey:
    """A private key from its file.

    Raises:
        KeyTrouble: it is missing, open to others, or no key that we use.
    """
    octets = _read(path, private=True)
    try:
        loaded = serialization.load_pem_private_key(octets, None)
    except (ValueError, TypeError) as error:
        raise KeyTrouble(f"{path}: not an unencrypted private key in PEM") from error
    try:
        if isinstance(loaded, ed25519.Ed25519PrivateKey):
            return PrivateKey(Algorithm.ED25519, loaded.private_bytes_raw())
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name == "secp256r1":
            scalar = loaded.private_numbers().private_value
            return PrivateKey(Algorithm.ESP256, scalar.to_bytes(32))
    except KeyFormatError as error:
        raise KeyTrouble(f"{path}: {error}") from error
    raise KeyTrouble(f"{path}: neither a P-256 nor an Ed25519 key")


def write_keyset(folder: Path, message: bytes) -> None:
    """A signed KEYSET message as a file of its version, and as the latest.

    Raises:
        KeyTrouble: that version exists, or cannot be written.
    """
    version = read_keyset(message).version
    _write(folder / KEYSETS / f"{version:08}.keyset", message, 0o644, os.O_EXCL)
    # The latest is replaced as a whole: a reader sees the old one or the new one.
    fresh = folder / f".{TRUST}.new"
    _write(fresh, message, 0o644, os.O_TRUNC)
    try:
        fresh.replace(folder / TRUST)
    except OSError as error:
        raise KeyTrouble(f"{folder / TRUST}: {error.strerror}") from error


def read_keysets(folder: Path) -> tuple[bytes, ...]:
    """Every signed KEYSET message of a folder, version by version.

    Raises:
        KeyTrouble: there is none, or one cannot be read.
    """
    try:
        paths = sorted((folder / KEYSETS).glob("*.keyset"))
    except OSError as error:
        raise KeyTrouble(f"{folder}: {error.strerror}") from error
    if not paths:
        why = "is no folder of keys (firmware-sim keys new makes one)"
        if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
            why = "cannot be read"
        raise KeyTrouble(f"{folder} {why}")
    return tuple(read_keyset_file(path) for path in paths)


def read_keyset_file(path: Path) -> bytes:
    """One signed KEYSET message from a file.

    Raises:
        KeyTrouble: it cannot be read, or is none.
    """
    message = _read(path, private=False)
    try:
        read_keyset(message)
    except KeyTrouble as trouble:
        raise KeyTrouble(f"{path}: {trouble.text}") from trouble
    return message


def _read(path: Path, *, private: bool) -> bytes:
    try:
        mode = path.stat().st_mode
        if private and stat.S_IMODE(mode) & 0o077:
            raise KeyTrouble(f"{path} is open to others (mode {stat.S_IMODE(mode):04o}): chmod 600")
        octets = path.read_bytes()
    except OSError as error:
        raise KeyTrouble(f"{path}: {error.strerror}") from error
    if len(octets) > MAX_FILE:
        raise KeyTrouble(f"{path}: too big for a key file")
    return octets


def _write(path: Path, octets: bytes, mode: int, flag: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyTrouble(f"{path}: {error.strerror}") from error


# Roots and the ceremony -------------------------------------------------------------------

PROPOSAL = "next.keyset"


def save_roots(roots: tuple[PrivateKey, ...], folder: Path) -> None:
    """Write a new folder of roots.

    Raises:
        KeyTrouble: it exists and is not empty, or cannot be written.
    """
    make_folder(folder)
    for root in roots:
        add_root(folder, root)


def add_root(folder: Path, root: PrivateKey) -> Path:
    """Write one more root beside the others; where it stands."""
    number = 1
    while (folder / f"root-{number}.key").exists():
        number += 1
    path = folder / f"root-{number}.key"
    write_key(path, root)
    return path


def load_roots(folder: Path) -> dict[Path, PrivateKey]:
    """Every root of a folder, by file.

    Raises:
        KeyTrouble: there is none, or one cannot be read.
    """
    paths = sorted(folder.glob("root-*.key"))
    if not paths:
        raise KeyTrouble(f"{folder} has no root-*.key")
    return {path: read_key(path) for path in paths}


def write_proposal(path: Path, message: bytes) -> None:
    """Write a proposal, over an earlier one."""
    _write(path, message, 0o644, os.O_TRUNC)


def read_proposal_file(path: Path) -> bytes:
    """The octets of a proposal.

    Raises:
        KeyTrouble: it cannot be read.
    """
    return _read(path, private=False)


def install(folder: Path, message: bytes) -> None:
    """Put a keyset in force in a folder, with the new private keys that wait for it.

    The keyset comes first: a fresh key without it would sign what no device believes. An
    interrupted installation is completed by the next one.

    Raises:
        KeyTrouble: it cannot be written, or would leave the server without a key to sign with.
    """
    keyset = read_keyset(message)
    listed = {PublicKey(row.algorithm, row.public_key).key_id for row in keyset.entries}
    waiting = [path for name in (ACT, UNLOCK) if (path := folder / f"{name}.next").exists()]
    # A fresh key may wait for another proposal, which this keyset has made void.
    fresh = [path for path in waiting if read_key(path).public.key_id in listed]
    for name in (ACT, UNLOCK):
        in_force = folder / f"{name}.next"
        in_force = in_force if in_force in fresh else folder / name
        if in_force.exists() and read_key(in_force).public.key_id not in listed:
            raise KeyTrouble(
                f"keyset {keyset.version} is without {in_force}, and no fresh key of it is here:"
                " it was proposed elsewhere, or before another `keys rotate`"
            )
    path = folder / KEYSETS / f"{keyset.version:08}.keyset"
    try:
        if not path.exists() or path.read_bytes() != message:
            write_keyset(folder, message)
        for path in waiting:
            if path in fresh:
                path.replace(path.with_suffix(""))
            else:
                path.unlink()
    except OSError as error:
        raise KeyTrouble(f"{path}: {error.strerror}") from error
    (folder / PROPOSAL).unlink(missing_ok=True)


def replace_key(folder: Path, name: str, key: PrivateKey) -> None:
    """Keep a fresh private key beside the one in use, until its keyset is in force."""
    waiting = folder / f"{name}.next"
    waiting.unlink(missing_ok=True)
    write_key(waiting, key)
