"""A handset's flash in a directory: what it keeps, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.flash import ERASED, MAX_COUNTER, SLOT_SIZE
from firmware_sim.links.flashfile import FileFlash


def test_a_new_directory_is_an_erased_flash(tmp_path: Path) -> None:
    with FileFlash(tmp_path / "deep" / "flash") as flash:
        assert (flash.read_slot(0), flash.read_slot(1)) == (ERASED, ERASED)
        assert flash.read_counter() == 0
    assert (tmp_path / "deep" / "flash").stat().st_mode & 0o777 == 0o700


def test_what_was_written_and_counted_is_there_for_the_next_process(tmp_path: Path) -> None:
    with FileFlash(tmp_path) as flash:
        flash.erase_slot(1)
        flash.write_slot(1, b"record")
        flash.flush()
        flash.bump_counter()
        flash.bump_counter()
    with FileFlash(tmp_path) as flash:
        assert flash.read_slot(1) == b"record"
        assert flash.read_slot(0) == ERASED
        assert flash.read_counter() == 2
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_two_processes_do_not_share_a_flash(tmp_path: Path) -> None:
    with FileFlash(tmp_path), pytest.raises(SimError, match="in use by another process"):
        FileFlash(tmp_path)
    FileFlash(tmp_path).close()


def test_a_slot_that_is_too_long_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with FileFlash(tmp_path) as flash:
        flash.write_slot(0, b"kept")
        with pytest.raises(SimError, match="do not fit"):
            flash.write_slot(0, bytes(SLOT_SIZE + 1))
        assert flash.read_slot(0) == b"kept"


@pytest.mark.parametrize("text", [b"", b"7", b"-1\n", b"7 \n", b"x\n", b"%d\n" % (MAX_COUNTER + 1)])
def test_a_damaged_counter_is_found_when_the_directory_is_opened(
    tmp_path: Path, text: bytes
) -> None:
    FileFlash(tmp_path).close()
    (tmp_path / "counter").write_bytes(text)
    with pytest.raises(SimError, match="counter is damaged"):
        FileFlash(tmp_path)
    # The failed attempt has not kept the lock.
    (tmp_path / "counter").write_bytes(b"7\n")
    with FileFlash(tmp_path) as flash:
        assert flash.read_counter() == 7


def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "flash").write_bytes(b"")
    with pytest.raises(SimError, match="is not a directory"):
        FileFlash(tmp_path / "flash")


PROBE = """
import os, sys
from firmware_sim.errors import SimError
from firmware_sim.links.flashfile import FileFlash
if os.geteuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
try:
    FileFlash(sys.argv[1])
except SimError as error:
    print(error)
"""


def test_a_read_only_directory_is_named_in_one_line() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        flash = Path(folder) / "flash"
        FileFlash(flash).close()
        flash.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(flash)], capture_output=True, text=True, timeout=60
        )
        flash.chmod(0o700)
    assert done.stderr == ""
    assert done.stdout.strip() == f"state: {flash} is read-only"
