"""What a person meets first: help, version, and a clear word about a wrong command."""

import subprocess
import sys
from importlib import metadata


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firmware_sim.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_version_is_the_version_of_the_distribution() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout == f"firmware-sim {metadata.version('firmware-sim')}\n"


def test_help_names_every_command() -> None:
    from firmware_sim.cli.main import COMMANDS

    done = run("--help")
    assert done.returncode == 0
    for row in COMMANDS:
        assert f"\n    {row.word}" in done.stdout, row.word


def test_a_wrong_command_is_a_usage_error_without_a_traceback() -> None:
    done = run("no-such-command")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "no-such-command" in done.stderr


def test_help_of_every_command_works() -> None:
    from firmware_sim.cli.main import COMMANDS

    for row in COMMANDS:
        done = run(row.word, "--help")
        assert done.returncode == 0, (row.word, done.stderr)
        assert f"firmware-sim {row.word}" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from firmware_sim.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'construct', 'cryptography', 'serial', 'babel', 'starlette', 'uharfbuzz',"
        " 'resvg_py', 'fontTools'} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
