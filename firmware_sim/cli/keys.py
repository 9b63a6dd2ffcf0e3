"""firmware-sim keys: the ceremony of keys, from the first set to a revoked one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_sim.errors import UsageError

if TYPE_CHECKING:
    from firmware_sim_protocol.numbers import Algorithm
    from firmware_sim_protocol.values import KeySet

DAY_S = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `keys`."""
    words = parser.add_subparsers(dest="keys_command", metavar="WORD", required=True)
    new = words.add_parser(
        "new",
        help="make a server's keys, and the roots behind them",
        description="Make a folder of keys for a server (mode 0700) and, in a folder of its own, "
        "the roots: take that one offline, the server never needs it.",
    )
    new.add_argument("folder", type=Path, metavar="DIR")
    new.add_argument("--roots", type=Path, metavar="DIR", help="default: DIR-roots")
    new.add_argument("--algorithm", choices=("esp256", "ed25519"), default="esp256")
    new.add_argument("--count", type=int, default=3, metavar="N", help="roots (default 3)")
    new.add_argument("--threshold", type=int, default=2, metavar="N", help="default 2")
    new.add_argument("--realm", metavar="HEX", help="16 octets; default: drawn")
    new.add_argument("--days", type=int, default=7300, metavar="N", help="validity (default 7300)")
    new.add_argument("--json", action="store_true")
    new.set_defaults(run_keys=_new)

    inspect = words.add_parser("inspect", help="show a folder, a KEYSET file or a proposal")
    inspect.add_argument("path", type=Path, metavar="PATH")
    inspect.add_argument("--json", action="store_true")
    inspect.set_defaults(run_keys=_inspect)

    rotate = words.add_parser(
        "rotate",
        help="propose the next keyset, with fresh keys",
        description="Propose the next keyset. With --roots it is signed and put in force at once; "
        "without, carry the proposal to the roots (`keys sign`) and bring it back (`keys publish`)",
    )
    rotate.add_argument("folder", type=Path, metavar="DIR")
    rotate.add_argument("--replace", action="append", choices=("act", "unlock"), metavar="ROLE")
    rotate.add_argument("--replace-root", metavar="ID", help="a fresh root for this one (--roots)")
    rotate.add_argument("--keep-old", action="store_true", help="the old keys stay valid as well")
    rotate.add_argument("--raise-epoch", action="store_true", help="all earlier policies are void")
    rotate.add_argument("--threshold", type=int, metavar="N")
    rotate.add_argument("--roots", type=Path, metavar="DIR")
    rotate.set_defaults(run_keys=_rotate)

    revoke = words.add_parser("revoke", help="propose the next keyset, without a key")
    revoke.add_argument("folder", type=Path, metavar="DIR")
    revoke.add_argument("key", metavar="ID", help="first hex digits of the key id")
    revoke.add_argument("--roots", type=Path, metavar="DIR")
    revoke.set_defaults(run_keys=_revoke)

    sign = words.add_parser("sign", help="sign a proposal with the roots of a folder")
    sign.add_argument("proposal", type=Path, metavar="FILE")
    sign.add_argument("--roots", type=Path, metavar="DIR", required=True)
    sign.set_defaults(run_keys=_sign)

    publish = words.add_parser("publish", help="put a signed proposal in force")
    publish.add_argument("folder", type=Path, metavar="DIR")
    publish.add_argument("proposal", type=Path, metavar="FILE", nargs="?")
    publish.set_defaults(run_keys=_publish)


def run(options: argparse.Namespace) -> int:
    """Run the word after `keys`."""
    status: int = options.run_keys(options)
    return status


def _new(options: argparse.Namespace) -> int:
    from firmware_sim.links.clock import unix_seconds
    from firmware_sim.links.entropy import SystemEntropy
    from firmware_sim.server import keyfiles
    from firmware_sim.server.keys import ServerKeys, found, make_roots
    from firmware_sim_protocol.signing import PrivateKey

    # The signatures of both thresholds must fit into one message when roots are replaced.
    if not 1 <= options.count <= 8 or not 1 <= options.threshold <= min(4, options.count):
        raise UsageError("keys", "1 to 8 roots, and a threshold from 1 to 4, not above their count")
    if options.days < 1 or options.days > 36_600:
        raise UsageError("keys", "--days must be from 1 to 36600")
    entropy, algorithm = SystemEntropy(), _algorithm(options.algorithm)
    folder: Path = options.folder
    roots_folder: Path = options.roots or folder.with_name(f"{folder.name}-roots")
    roots = make_roots(entropy, algorithm, options.count)
    act, unlock = (PrivateKey.derive(algorithm, entropy(32)) for _ in range(2))
    first = found(
        roots,
        act,
        unlock,
        realm=_realm(options.realm) if options.realm else entropy(16),
        threshold=options.threshold,
        not_before=unix_seconds(),
        validity_s=options.days * DAY_S,
    )
    keys = ServerKeys(act, unlock, (first,))
    # Both folders are looked at before either is written.
    for place in (folder, roots_folder):
        keyfiles.check_new(place)
    keyfiles.save(keys, folder)
    keyfiles.save_roots(roots, roots_folder)
    trust = folder / keyfiles.TRUST
    if options.json:
        print(json.dumps({"keys": str(folder), "roots": str(roots_folder), "trust": str(trust)}))
    else:
        print(f"server keys   {folder}")
        print(f"roots         {roots_folder}  (take them offline)")
        print(f"for phones    {trust}")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from firmware_sim.server import ceremony, keyfiles
    from firmware_sim.server.keys import check_chain, read_keyset

    path: Path = options.path
    private: dict[bytes, str] = {}
    if path.is_dir():
        if not (path / keyfiles.KEYSETS).exists() and any(path.glob("root-*.key")):
            roots = keyfiles.load_roots(path)
            rows = {file.name: root.public.key_id.hex() for file, root in roots.items()}
            print(json.dumps({"roots": rows}) if options.json else _lines(rows))
            return 0
        keysets = keyfiles.read_keysets(path)
        check_chain(keysets)
        for name in (keyfiles.ACT, keyfiles.UNLOCK):
            if (path / name).exists():
                private[keyfiles.read_key(path / name).public.key_id] = name
        shown = [(read_keyset(message), len(message)) for message in keysets]
    else:
        message = keyfiles.read_proposal_file(path)
        envelope, keyset = ceremony.read_proposal(message)
        shown = [(keyset, len(message))]
        if not options.json:
            print(f"{len(envelope.signatures)} signatures:")
            for entry in envelope.signatures:
                print(f"  {entry.key_id.hex()[:16]}")
    described = [_described(keyset, private) for keyset, _ in shown]
    if options.json:
        print(json.dumps({"keysets": described}))
        return 0
    for row in described:
        _print_keyset(row)
    return 0


def _described(keyset: KeySet, private: dict[bytes, str]) -> dict[str, Any]:
    from firmware_sim.server.ceremony import key_id

    rows = []
    for entry in keyset.entries:
        name = key_id(entry)
        rows.append(
            {
                "id": name.hex(),
                "algorithm": entry.algorithm.name.lower(),
                "roles": [role.name for role in entry.roles],
                "not_before": entry.not_before,
                "not_after": entry.not_after,
                "private": private.get(name),
            }
        )
    return {
        "version": keyset.version,
        "realm": keyset.realm.hex(),
        "epoch": keyset.policy_epoch,
        "root_threshold": keyset.root_threshold,
        "not_before": keyset.not_before,
        "not_after": keyset.not_after,
        "keys": rows,
    }


def _print_keyset(row: dict[str, Any]) -> None:
    print(
        f"keyset {row['version']}  realm {row['realm']}  epoch {row['epoch']}"
        f"  {row['root_threshold']} roots sign the next  to {_date(row['not_after'])}"
    )
    for key in row["keys"]:
        here = f"  {key['private']}" if key["private"] else ""
        roles = " ".join(key["roles"])
        print(
            f"  {key['id'][:16]}  {key['algorithm']:8} {roles:7} to {_date(key['not_after'])}{here}"
        )


def _rotate(options: argparse.Namespace) -> int:
    from firmware_sim.links.entropy import SystemEntropy
    from firmware_sim.server import ceremony, keyfiles
    from firmware_sim.server.keys import entry, load_keys
    from firmware_sim_protocol.numbers import Role
    from firmware_sim_protocol.signing import PrivateKey

    keys = load_keys(options.folder)
    entropy, keyset = SystemEntropy(), keys.keyset
    replaced: list[str] = options.replace or []
    other = options.replace_root or options.raise_epoch or options.threshold is not None
    if not replaced and not other:
        replaced = ["act"]
    without, added = set(), []
    for word, role in (("act", Role.ACT), ("unlock", Role.UNLOCK)):
        if word not in replaced:
            continue
        old = keys.act if word == "act" else keys.unlock
        fresh = PrivateKey.derive((old or keys.act).algorithm, entropy(32))
        keyfiles.replace_key(options.folder, f"{word}.key", fresh)
        added.append(entry(fresh, role, keyset.not_before, keyset.not_after))
        if old is not None and not options.keep_old:
            without.add(old.public.key_id)
    if options.replace_root:
        if options.roots is None:
            raise UsageError("keys", "--replace-root makes a private root: say where with --roots")
        old_root = ceremony.key_by_prefix(keyset, options.replace_root)
        if not old_root.roles & Role.ROOT:
            raise UsageError("keys", f"{options.replace_root} is no root")
        root = PrivateKey.derive(old_root.algorithm, entropy(32))
        print(f"new root      {keyfiles.add_root(options.roots, root)}")
        added.append(entry(root, Role.ROOT, keyset.not_before, keyset.not_after))
        without.add(ceremony.key_id(old_root))
    change = ceremony.Change(
        without=frozenset(without),
        added=tuple(added),
        raise_epoch=options.raise_epoch,
        threshold=options.threshold,
    )
    return _proposed(options, keyset, change)


def _revoke(options: argparse.Namespace) -> int:
    from firmware_sim.server import ceremony
    from firmware_sim.server.keys import load_keys

    keys = load_keys(options.folder)
    row = ceremony.key_by_prefix(keys.keyset, options.key)
    mine = {keys.act.public.key_id: "act"}
    if keys.unlock is not None:
        mine[keys.unlock.public.key_id] = "unlock"
    word = mine.get(ceremony.key_id(row))
    if word is not None:
        raise UsageError(
            "keys", f"the server signs with it: `keys rotate --replace {word}` revokes"
        )
    change = ceremony.Change(without=frozenset((ceremony.key_id(row),)))
    return _proposed(options, keys.keyset, change)


def _proposed(options: argparse.Namespace, keyset: KeySet, change: Any) -> int:
    from firmware_sim.server import ceremony, keyfiles

    message = ceremony.propose(keyset, change)
    path = options.folder / keyfiles.PROPOSAL
    if options.roots is None:
        keyfiles.write_proposal(path, message)
        print(f"proposal      {path}")
        print(f"next          firmware-sim keys sign {path} --roots DIR, then keys publish")
        return 0
    message = _signed(message, keyset, options.roots)
    fresh = ceremony.follows(keyset, message)
    keyfiles.install(options.folder, message)
    print(f"keyset {fresh.version} is in force")
    return 0


def _signed(message: bytes, keyset: KeySet, folder: Path) -> bytes:
    """Countersigned by those roots of the folder that may sign this proposal."""
    from firmware_sim.server import ceremony, keyfiles

    signed = ceremony.countersign(message, tuple(keyfiles.load_roots(folder).values()))
    return ceremony.trimmed(keyset, signed)


def _sign(options: argparse.Namespace) -> int:
    from firmware_sim.server import ceremony, keyfiles

    message = keyfiles.read_proposal_file(options.proposal)
    signed = ceremony.countersign(message, tuple(keyfiles.load_roots(options.roots).values()))
    keyfiles.write_proposal(options.proposal, signed)
    envelope, keyset = ceremony.read_proposal(signed)
    print(f"keyset {keyset.version}: {len(envelope.signatures)} signatures")
    return 0


def _publish(options: argparse.Namespace) -> int:
    from firmware_sim.server import ceremony, keyfiles
    from firmware_sim.server.keys import read_keyset

    folder: Path = options.folder
    message = keyfiles.read_proposal_file(options.proposal or folder / keyfiles.PROPOSAL)
    latest = keyfiles.read_keysets(folder)[-1]
    if message != latest:  # the same again completes a publication that was cut off
        message = ceremony.trimmed(read_keyset(latest), message)
        ceremony.follows(read_keyset(latest), message)
    keyfiles.install(folder, message)
    print(f"keyset {read_keyset(message).version} is in force")
    return 0


def _algorithm(word: str) -> Algorithm:
    from firmware_sim_protocol.numbers import Algorithm

    return Algorithm[word.upper()]


def _realm(text: str) -> bytes:
    try:
        realm = bytes.fromhex(text)
    except ValueError:
        realm = b""
    if len(realm) != 16 or not any(realm):
        raise UsageError("keys", "--realm takes 32 hex digits that are not all zero")
    return realm


def _date(instant: int) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(instant, datetime.UTC).date().isoformat()


def _lines(rows: dict[str, str]) -> str:
    pairs: Iterable[tuple[str, str]] = rows.items()
    return "\n".join(f"{name:14} {value[:16]}" for name, value in pairs)
