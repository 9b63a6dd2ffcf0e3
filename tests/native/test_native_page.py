"""The page on taking the core over: its examples build, run and print what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "native" / "README.md").read_text("utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_in_c_builds_from_two_files_and_prints_what_the_page_says(
    tmp_path: Path,
) -> None:
    for name in ("fsim_core.c", "fsim_plmn_table.c", "fsim_core.h"):
        shutil.copy(ROOT / "native" / "c" / name, tmp_path)
    (tmp_path / "main.c").write_text(block("c"))
    build = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "main.c", "fsim_core.c"]
    subprocess.run([*build, "fsim_plmn_table.c", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert done.stdout == block("text")


def test_the_example_in_python_runs() -> None:
    exec(compile(block("python"), "README.md", "exec"), {})


@pytest.mark.parametrize("path", re.findall(r"`((?:tests|tools)/[\w/.]+)", PAGE))
def test_every_file_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()
