"""Make the vector files, or with --check say which of them differ."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from firmware_sim_protocol.rules import Code, Rule
from vector_files import exchanges, judged, signed, wire
from vector_files.form import Disagreement, written

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "vectors"
LARGEST = 1_500_000
"""Octets of all files together."""

WITHOUT_VECTOR = {
    Code.UNAUTH_ERROR: "no message is refused by it: a device that keeps it ignores an ERROR",
}


def contents() -> dict[str, str]:
    """File name -> text."""
    return {
        "build.json": written("Messages from their fields", wire.FLAGS, wire.build_groups()),
        "exchange.json": written(
            "Whole exchanges, the device's side", exchanges.FLAGS, exchanges.device_groups()
        ),
        "framing.json": written("Framing", wire.FLAGS, wire.framing_groups()),
        "keys.json": written("Public keys and key ids", signed.FLAGS, signed.key_groups()),
        "keysets.json": written("Keysets", signed.FLAGS, signed.keyset_groups()),
        "parse.json": written("Messages to their fields", wire.FLAGS, wire.parse_groups()),
        "responses.json": written(
            "A RESPONSE reaches a device", judged.FLAGS, judged.response_groups()
        ),
        "server.json": written(
            "Whole exchanges, the server's side", exchanges.FLAGS, exchanges.server_groups()
        ),
        "signatures.json": written("Signatures", signed.FLAGS, signed.signature_groups()),
        "tickets.json": written("A ticket reaches a device", judged.FLAGS, judged.ticket_groups()),
        "typed.json": written("The typed form", wire.FLAGS, wire.typed_groups()),
    }


def uncovered(files: dict[str, str]) -> set[Code]:
    """Refusal codes that no vector has, and that have no excuse."""
    text = "".join(files.values())
    return {
        code
        for code in Code
        if json.dumps(code.value) not in text
        and code not in WITHOUT_VECTOR
        and any(rule.code is code for rule in Rule)
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/vectors", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if anything differs")
    options = parser.parse_args()
    try:
        files = contents()
    except Disagreement as disagreement:
        print(f"tools/vectors: our implementation disagrees: {disagreement}", file=sys.stderr)
        return 1
    missing = uncovered(files)
    if missing:
        names = ", ".join(sorted(code.value for code in missing))
        print(f"tools/vectors: no vector is refused with {names}", file=sys.stderr)
        return 1
    size = sum(len(text.encode()) for text in files.values())
    if size > LARGEST:
        print(f"tools/vectors: {size} octets, at most {LARGEST}", file=sys.stderr)
        return 1
    strays = {path.name for path in FOLDER.glob("*.json")} - set(files)
    differing = [
        name
        for name, text in files.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    for name in differing:
        if options.check:
            print(f"tools/vectors: {name} differs: run tools/vectors")
        else:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / name).write_text(files[name], encoding="utf-8")
            print(f"tools/vectors: wrote {name}")
    for name in strays:
        print(f"tools/vectors: {name} is not made by this tool")
    return 1 if strays or (options.check and differing) else 0


if __name__ == "__main__":
    sys.exit(main())
