"""SPEC.md and the code say the same, and the document misses nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim_protocol import layout, rules

ROOT = Path(__file__).resolve().parents[2]
SPEC = (ROOT / "protocol" / "SPEC.md").read_text(encoding="utf-8")
BY_HAND = re.sub(r"<!-- made: .*?<!-- /made -->", "", SPEC, flags=re.DOTALL)
QUOTED = set(re.findall(r"`([a-z]+(?:-[a-z0-9]+)+)`", BY_HAND))
RULES = {rule.id for rule in rules.Rule}


def test_every_rule_is_explained_by_hand() -> None:
    assert set() == RULES - QUOTED, "rows of rules.Rule that SPEC.md does not explain"


def test_the_text_names_no_rule_that_does_not_exist() -> None:
    assert set() == QUOTED - RULES


def test_every_field_stands_in_the_document() -> None:
    tables = (*layout.BODIES.values(), layout.HEADER, layout.KEYSET_ENTRY, layout.SIGNATURE_ENTRY)
    for fields in tables:
        for field in fields:
            assert f"`{field.name}`" in SPEC


def test_every_section_of_the_table_of_contents_exists() -> None:
    named = re.findall(r"\b(\d+) [A-Z]", SPEC.split("Contents:")[1].split("\n\n")[0])
    assert named == re.findall(r"^## (\d+)\. ", SPEC, flags=re.MULTILINE)


@pytest.mark.parametrize("place", ["offset", "E_FRAME_LEN"])
def test_the_check_sees_a_made_section_that_was_changed(tmp_path: Path, place: str) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'tools');"
        "from specification import __main__ as spec;"
        "spec.SPEC = Path(sys.argv[1]); spec.ROOT = spec.SPEC.parent;"
        "sys.argv = ['tools/spec', '--check']; sys.exit(spec.main())"
    )
    copy = tmp_path / "SPEC.md"
    made = SPEC.index("<!-- made:")
    for text, status in ((SPEC, 0), (SPEC[:made] + SPEC[made:].replace(place, "x", 1), 1)):
        copy.write_text(text, encoding="utf-8")
        found = subprocess.run(
            [sys.executable, "-c", code, str(copy)], cwd=ROOT, capture_output=True, text=True
        )
        assert found.returncode == status, found.stdout + found.stderr
