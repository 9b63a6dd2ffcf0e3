"""Keys: files for their owner alone, a chain that devices follow, a ceremony without roots."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from firmware_sim.cli.main import main
from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.server import ceremony, keyfiles
from firmware_sim.server.keys import (
    KeyTrouble,
    ServerKeys,
    check_chain,
    load_keys,
    make_keys,
    make_roots,
    read_keyset,
    save_keys,
)
from firmware_sim_protocol.keyset import KeyRing
from firmware_sim_protocol.numbers import Algorithm, Role
from tests.support.devices import TestDevice, issuer_with, keys_for


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(words) == status
    out, err = capsys.readouterr()
    return (err if status else out).strip()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_was_saved_is_loaded_and_nobody_else_can_read_it(algorithm: Algorithm) -> None:
    old = os.umask(0)
    try:
        keys = keys_for(algorithm)
        save_keys(keys, Path("keys"))
    finally:
        os.umask(old)
    loaded = load_keys(Path("keys"))
    assert (loaded.act, loaded.unlock, loaded.keysets) == (keys.act, keys.unlock, keys.keysets)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path("keys").iterdir()}
    assert modes == {"act.key": 0o600, "unlock.key": 0o600, "keysets": 0o700, "trust.keyset": 0o644}
    assert stat.S_IMODE(Path("keys").stat().st_mode) == 0o700
    assert "PRIVATE KEY" in Path("keys/act.key").read_text()
    assert keys.act.secret.hex() not in repr(keys)


def test_equal_entropy_makes_equal_keys_and_other_entropy_others() -> None:
    assert make_keys(SeededEntropy(3)).trust == make_keys(SeededEntropy(3)).trust
    assert make_keys(SeededEntropy(3)).trust != make_keys(SeededEntropy(4)).trust


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "act.key").chmod(0o640), "open to others"),
        (lambda f: (f / "act.key").unlink(), "No such file"),
        (lambda f: (f / "act.key").write_text("junk"), "not an unencrypted private key"),
        (lambda f: (f / "act.key").write_bytes((f / "unlock.key").read_bytes()), "no role ACT"),
        (lambda f: (f / "keysets" / "00000001.keyset").write_bytes(b"ODAP"), "00000001.keyset"),
        (lambda f: (f / "keysets" / "00000001.keyset").unlink(), "no folder of keys"),
        (lambda f: _flip(f / "keysets" / "00000001.keyset"), "does not follow"),
    ],
)
def test_each_damage_to_a_folder_is_one_clear_line(damage: object, words: str) -> None:
    save_keys(keys_for(), Path("keys"))
    assert callable(damage)
    damage(Path("keys"))
    with pytest.raises(KeyTrouble, match=words) as caught:
        load_keys(Path("keys"))
    assert "\n" not in str(caught.value)


def _flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)


def test_keys_are_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "keys", "new", "k")
    before = Path("k/act.key").read_bytes()
    assert "never overwritten" in said(capsys, "keys", "new", "k", status=3)
    assert "never overwritten" in said(
        capsys, "keys", "new", "other", "--roots", "k-roots", status=3
    )
    assert Path("k/act.key").read_bytes() == before
    assert not Path("other").exists()


def test_the_whole_ceremony_with_roots_offline_and_a_device_that_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "keys", "new", "k", "--roots", "vault", "--algorithm", "ed25519")
    first = load_keys(Path("k"))
    device = TestDevice(keys=first)
    device.activate(issuer_with(keys=first))

    # A fresh ACT key: proposed beside the server, signed in the vault by two custodians.
    said(capsys, "keys", "rotate", "k")
    proposal = Path("k/next.keyset")
    assert "not ready" in said(capsys, "keys", "publish", "k", status=3)
    for number in (1, 3):
        folder = Path(f"custodian-{number}")
        folder.mkdir(mode=0o700)
        (folder / "root-1.key").write_bytes(Path(f"vault/root-{number}.key").read_bytes())
        (folder / "root-1.key").chmod(0o600)
        said(capsys, "keys", "sign", str(proposal), "--roots", str(folder))
    assert "keyset 2 is in force" in said(capsys, "keys", "publish", "k")

    # A root is replaced, the epoch raised, and the old ACT key is gone for good.
    root = keyfiles.read_key(Path("vault/root-2.key")).public.key_id.hex()
    said(
        capsys, "keys", "rotate", "k", "--replace-root", root[:16], "--raise-epoch",
        "--roots", "vault",
    )  # fmt: skip
    latest = load_keys(Path("k"))
    assert (latest.keyset.version, latest.keyset.policy_epoch) == (3, 2)
    ids = {ceremony.key_id(row).hex() for row in latest.keyset.entries}
    assert first.act.public.key_id.hex() not in ids
    assert root not in ids
    response = device.activate(issuer_with(keys=latest), 1_900_000_000)
    assert (response.keyset_version, response.policy_epoch, device.keyset_version) == (3, 2, 3)

    # Revocation of a key that the server does not use; the one it uses must be rotated.
    assert "keys rotate" in said(
        capsys, "keys", "revoke", "k", latest.act.public.key_id.hex()[:16], status=2
    )
    said(capsys, "keys", "rotate", "k", "--keep-old", "--roots", "vault")
    spare = latest.act.public.key_id.hex()
    said(capsys, "keys", "revoke", "k", spare[:12], "--roots", "vault")
    assert load_keys(Path("k")).keyset.version == 5
    assert spare not in said(capsys, "keys", "inspect", "k/trust.keyset", "--json")
    shown = said(capsys, "keys", "inspect", "k")
    assert "keyset 5" in shown
    assert "act.key" in shown


def test_strangers_signatures_do_not_spoil_a_proposal_and_do_not_count() -> None:
    roots = make_roots(SeededEntropy(9))
    keys = make_keys(SeededEntropy(1), roots=roots)
    proposal = ceremony.propose(keys.keyset, ceremony.Change(raise_epoch=True))
    strangers = make_roots(SeededEntropy(10))
    message = ceremony.countersign(proposal, (*strangers[:2], roots[0]))
    with pytest.raises(KeyTrouble):
        ceremony.follows(keys.keyset, message)
    trimmed = ceremony.trimmed(keys.keyset, message)
    with pytest.raises(KeyTrouble, match="threshold"):
        ceremony.follows(keys.keyset, trimmed)
    assert ceremony.follows(keys.keyset, ceremony.countersign(trimmed, roots[1:2])).version == 2


def test_a_chain_with_a_gap_or_out_of_order_is_refused() -> None:
    roots = make_roots(SeededEntropy(9))
    keys = make_keys(SeededEntropy(1), roots=roots)
    second = ceremony.countersign(ceremony.propose(keys.keyset, ceremony.Change()), roots)
    third = ceremony.countersign(ceremony.propose(read_keyset(second), ceremony.Change()), roots)
    check_chain((keys.trust, second, third))
    for broken in ((keys.trust, third), (second, keys.trust), ()):
        with pytest.raises(KeyTrouble):
            check_chain(broken)
    assert ServerKeys(keys.act, keys.unlock, (keys.trust, second)).keyset.version == 2


def test_a_threshold_that_no_roots_can_reach_is_refused() -> None:
    keys = keys_for()
    with pytest.raises(KeyTrouble, match="cannot reach"):
        ceremony.propose(keys.keyset, ceremony.Change(threshold=4))
    with pytest.raises(KeyTrouble, match="begins with"):
        ceremony.key_by_prefix(keys.keyset, "")
    assert Role.ROOT in KeyRing(keys.keyset).keyset.entries[0].roles


def test_an_interrupted_publication_is_completed_by_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "keys", "new", "k", "--roots", "vault")
    said(capsys, "keys", "rotate", "k")
    said(capsys, "keys", "sign", "k/next.keyset", "--roots", "vault")
    message = Path("k/next.keyset").read_bytes()
    keyfiles.write_keyset(Path("k"), message)  # and then the machine stopped
    with pytest.raises(KeyTrouble, match="not in keyset 2"):
        load_keys(Path("k"))
    said(capsys, "keys", "publish", "k")
    assert load_keys(Path("k")).keyset.version == 2


def test_a_fresh_key_of_another_proposal_is_not_put_in_force(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "keys", "new", "k", "--roots", "vault")
    act = Path("k/act.key").read_bytes()
    said(capsys, "keys", "rotate", "k")  # and nobody carries this proposal to the roots
    said(capsys, "keys", "rotate", "k", "--replace", "unlock", "--roots", "vault")
    assert load_keys(Path("k")).keyset.version == 2
    assert Path("k/act.key").read_bytes() == act
    assert not list(Path("k").glob("*.next*"))


def test_a_keyset_whose_private_keys_are_gone_is_not_put_in_force(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "keys", "new", "k", "--roots", "vault")
    said(capsys, "keys", "rotate", "k")
    earlier = Path("k/next.keyset").rename("earlier.keyset")
    said(capsys, "keys", "sign", str(earlier), "--roots", "vault")
    said(capsys, "keys", "rotate", "k")  # its fresh key takes the place of the first one's
    assert "no fresh key" in said(capsys, "keys", "publish", "k", str(earlier), status=3)
    assert load_keys(Path("k")).keyset.version == 1


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "new", "k", "--count", "0"),
        ("keys", "new", "k", "--count", "2", "--threshold", "3"),
        ("keys", "new", "k", "--realm", "00" * 16),
        ("keys", "new", "k", "--realm", "abc"),
        ("keys", "new", "k", "--days", "0"),
    ],
)
def test_wrong_wishes_are_usage_errors(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, *words, status=2).startswith("firmware-sim: keys: ")
    assert not Path("k").exists()
