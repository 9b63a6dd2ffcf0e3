"""Where the Wycheproof vectors lie: in `shared/vectors` beside or above the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> dict[str, Any]:
    """One file of vectors; the test is skipped, aloud, where it does not exist."""
    for parent in ROOT.parents:
        path = parent / "shared" / "vectors" / name
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            return found
    pytest.skip(
        f"NOT CHECKED AGAINST WYCHEPROOF: {name} lies in no shared/vectors above {ROOT.name}; "
        "fetch it from github.com/C2SP/wycheproof, testvectors_v1/"
    )
