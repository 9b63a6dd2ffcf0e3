"""`firmware-sim imei` and `firmware-sim plmn`, as a person or a script runs them."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from firmware_sim.cli.main import main
from firmware_sim_native import imei
from tests.native import model

GOOD = "490154203237518"
COMMAND = (sys.executable, "-m", "firmware_sim.cli.main", "imei")
SHORT = GOOD[:14]
LIST = f"{GOOD}\r\n\n{SHORT}7\n{SHORT}\n{SHORT}01\nserial\n{GOOD}\nx55555555555555"
ZSTD = zstandard.ZstdCompressor(write_checksum=True)


def out_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(words)
    return status, capsys.readouterr().out


def json_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]]]:
    status, out = out_of(capsys, *words, "--json")
    return status, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(LIST, newline="")
    return path


EXPECTED = [
    {"line": 3, "offset": 18, "reason": "check_digit", "text": "490154203237517"},
    {"line": 6, "offset": 66, "reason": "length", "text": "serial"},
    {"line": 8, "offset": 89, "reason": "non_digit", "text": "x" + "5" * 14},
]


def test_a_list_gets_its_summary_and_its_refused_lines(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = json_of(capsys, "imei", "check", str(file), "--duplicates")
    assert status == 1
    assert lines[:-1] == EXPECTED
    summary = lines[-1]
    assert summary.pop("elapsed_ms") in range(10_000)
    assert summary == {
        "lines": 8,
        "accepted": 4,
        "refused": 3,
        "blank": 1,
        "refused_by_reason": {"length": 1, "non_digit": 1, "check_digit": 1, "null": 0},
        "accepted_by_kind": {"imei": 2, "imei14": 1, "imeisv": 1},
        "accepted_by_reporting_body": {"49": 4},
        "duplicates": 3,
        "duplicates_memory_bytes": 2 << 20,
    }


def test_a_clean_list_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = tmp_path / "clean"
    clean.write_text(f"{GOOD}\n\n{GOOD}\n")
    status, out = out_of(capsys, "imei", "check", str(clean), "--duplicates")
    assert status == 0
    assert "reporting body 49: BZT / BAPT, Germany" in out
    assert "duplicates (by 14 digits, 2 MiB to know them)" in out


@pytest.mark.parametrize("kind", ["gzip", "zstd", "two zstd frames", "plain"])
def test_compressed_lists_are_read_as_they_are(
    kind: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = LIST.encode()
    squeeze = ZSTD.compress
    file.write_bytes(
        {
            "gzip": gzip.compress(data),
            "zstd": squeeze(data),
            "two zstd frames": squeeze(data[:40]) + squeeze(data[40:]),
            "plain": data,
        }[kind]
    )
    assert json_of(capsys, "imei", "check", str(file))[1][:-1] == EXPECTED


@pytest.mark.parametrize("squeeze", [gzip.compress, ZSTD.compress])
@pytest.mark.parametrize("harm", ["cut", "bent"])
def test_damaged_compression_is_one_line_and_status_3(
    squeeze: object, harm: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = squeeze(b"".join(b"%015d\n" % (n * n) for n in range(5000)))  # type: ignore[operator]
    file.write_bytes(data[:-9] if harm == "cut" else data[:40] + bytes(60) + data[100:])
    assert main(["imei", "check", str(file)]) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"firmware-sim: list: {file}: ")
    assert error.count("\n") == 1


def test_the_rejects_go_into_a_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = tmp_path / "rejects"
    assert out_of(capsys, "imei", "check", str(file), "--rejects", str(rejects))[0] == 1
    assert rejects.read_text().splitlines() == [
        "line\toffset\treason\ttext",
        *("\t".join(map(str, row.values())) for row in EXPECTED),
    ]
    status, lines = json_of(capsys, "imei", "check", str(file), "--rejects", str(rejects))
    assert (status, len(lines)) == (1, 1)
    assert [json.loads(line) for line in rejects.read_text().splitlines()] == EXPECTED


CSV = (
    'owner,imei,note\r\n"Kim, ""K"" Li",490154203237518,x\n'
    '"two\nlines",490154203237517,\n\nshort\na,"49015\n4203237518",b\n'
)


@pytest.mark.parametrize("column", [["imei"], ["2", "--header"]])
def test_a_column_of_csv_is_judged_and_found_again(
    column: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CSV, newline="")
    status, lines = json_of(capsys, "imei", "check", str(file), "--column", *column)
    assert status == 1
    found = [(row["line"], row["reason"]) for row in lines[:-1]]
    assert found == [(3, "check_digit"), (6, "length"), (7, "non_digit")]
    data = CSV.encode()
    starts = [data.index(b'"two'), data.index(b"short"), data.index(b'a,"49015')]
    assert [row["offset"] for row in lines[:-1]] == starts
    assert (lines[-1]["lines"], lines[-1]["blank"]) == (5, 1)


def test_csv_of_many_records_keeps_its_places(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{n};{GOOD if n % 7 else 'bad'}\n" for n in range(20_000)]
    file.write_text("".join(rows))
    words = ["imei", "check", str(file), "--column", "2", "--delimiter", ";"]
    _, lines = json_of(capsys, *words)
    offsets = [len("".join(rows[:n])) for n in range(0, 20_000, 700)]
    assert [row["line"] for row in lines[:-1]] == list(range(1, 20_001, 7))
    assert [row["offset"] for row in lines[:-1:100]] == offsets


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["check", "no-such-file"], 3, "list: no-such-file: No such file or directory"),
        (["check", "{file}", "--column", "imei"], 2, "list: no column 'imei'; there are: "),
        (["check", "{file}", "--column", "0"], 2, "list: columns are numbered from 1"),
        (["check", "{file}", "--delimiter", "ab"], 2, "list: a delimiter is one character"),
        (["check", "{file}", "--path", "mmx"], 2, "list: no path 'mmx' on this processor"),
        (["check", "{file}", "--rejects", "no/such"], 3, "rejects: no/such: No such file"),
        (["generate", "--tac", "123"], 2, "imei: a TAC is 8 digits, not '123'"),
        (["generate", "--tac", "１２３４５６７８"], 2, "imei: a TAC is 8 digits"),
        (["generate", "--tac", "35693803", "--count", "0"], 2, "imei: a TAC has 1,000,000"),
        (["generate", "--tac", "35693803", "--count", "1000001"], 2, "imei: a TAC has 1,000,000"),
    ],
)
def test_wrong_words_are_one_line(
    words: list[str], status: int, text: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["imei", *(word.format(file=file) for word in words)]) == status
    error = capsys.readouterr().err
    assert error.startswith(f"firmware-sim: {text}")
    assert error.count("\n") == 1


def test_standard_input_larger_than_the_memory_allowed_is_read_in_constant_memory() -> None:
    code = (
        "import sys; from firmware_sim.cli.main import main;"
        "status = main(['imei', 'check', '-', '--json']);"
        "lines = open('/proc/self/status').read().splitlines();"
        "print([line.split()[1] for line in lines if line.startswith('VmHWM')][0]);"
        "sys.exit(status)"
    )
    block = f"{GOOD}\n".encode() * 65536
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(100):
            process.stdin.write(block)
        process.stdin.close()
        summary, peak = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert json.loads(summary)["accepted"] == 6_553_600
    assert int(peak) * 1024 < 64 << 20 < len(block) * 100


def test_a_terminal_gets_a_progress_bar_and_no_trace_of_it_stays(tmp_path: Path) -> None:
    # CSV is slow enough for the bar to be drawn at least once.
    big = tmp_path / "big.csv"
    big.write_text(f"{GOOD},x\n" * 400_000)
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [*COMMAND, "check", str(big), "--column", "1"],
            stdout=subprocess.DEVNULL,
            stderr=follower,
        )
        os.close(follower)
        drawn = b""
        try:
            while piece := screen.read(4096):
                drawn += piece
        except OSError:
            pass  # Linux says so when the other end of a pty has gone
        assert process.wait() == 0
    assert b"lines" in drawn
    assert b"%" in drawn
    assert drawn.endswith(b"\r\x1b[K")


def test_generated_imeis_are_good_distinct_and_repeatable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("imei", "generate", "--tac", "35693803", "--count", "500", "--seed", "7")
    _, first = out_of(capsys, *words)
    _, again = out_of(capsys, *words)
    made = first.split()
    assert first == again
    assert len(set(made)) == 500
    assert all(model.luhn_holds(entry) and entry.startswith("35693803") for entry in made)
    assert json_of(capsys, *words)[1][0]["imeis"] == made
    assert imei.is_valid(out_of(capsys, "imei", "generate", "--tac", "35693803")[1].strip())


@pytest.mark.parametrize(
    ("text", "status", "facts"),
    [
        (
            GOOD,
            0,
            {"valid": True, "reason": None, "kind": "imei", "tac": "49015420", "serial": "323751"}
            | {"check_digit": 8, "svn": None, "test": False}
            | {"reporting_body": "BZT / BAPT, Germany"},
        ),
        (GOOD[:14] + "7", 1, {"valid": False, "reason": "check_digit", "expected_check_digit": 8}),
        (GOOD[:14], 0, {"valid": True, "kind": "imei14", "check_digit": 8, "svn": None}),
        (GOOD[:14] + "42", 0, {"valid": True, "kind": "imeisv", "svn": "42"}),
        ("0" * 15, 1, {"valid": False, "reason": "null", "kind": "imei", "test": True}),
        ("001012345678905", 1, {"reason": "check_digit", "test": True}),
        ("020000000000006", 0, {"reporting_body": "test IMEI", "test": True}),
        ("770000000000008", 0, {"reporting_body": None, "test": False}),
        ("", 1, {"valid": False, "reason": "length", "kind": None}),
        ("49015420323751X", 1, {"reason": "non_digit", "kind": None, "tac": None}),
    ],
)
def test_an_imei_is_taken_apart(
    text: str, status: int, facts: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    code, (answer,) = json_of(capsys, "imei", "show", text)
    assert (code, {key: answer[key] for key in facts}) == (status, facts)
    assert answer["sources"]
    assert out_of(capsys, "imei", "show", text)[0] == status


def test_the_paths_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert out_of(capsys, "imei", "paths")[1].split() == list(imei.paths())
    assert json_of(capsys, "imei", "paths")[1] == [
        {"paths": list(imei.paths()), "chosen": imei.paths()[0]}
    ]


def test_a_network_is_shown_with_the_source_and_date_of_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, (answer,) = json_of(capsys, "plmn", "show", "250-32")
    assert answer["sources"][0].startswith("unapproved-crimea: ITU-OB1158")  # type: ignore[index]
    del answer["sources"]
    assert answer == {
        "plmn": "25032",
        "kind": "country",
        "country": "UA",
        "countries": ["UA"],
        "subdivision": "UA-43",
        "subdivisions": ["UA-43", "UA-40"],
        "mnc_length": 2,
        "known": True,
        "name": "Win mobile (K-Telecom)",
        "date": "2024-07",
    }
    assert "subdivisions   UA-43; UA-40" in out_of(capsys, "plmn", "show", "25032")[1]
    assert json_of(capsys, "plmn", "show", "310")[1][0]["kind"] == "shared"


def test_the_networks_of_a_country_are_listed_wherever_they_are_numbered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, (answer,) = json_of(capsys, "plmn", "list", "--country", "ua")
    codes = Counter(row["mcc"] for row in answer["networks"])  # type: ignore[attr-defined]
    assert answer["mccs"] == ["255"]
    assert codes["250"] == 9
    assert "368 01   ETECSA" in out_of(capsys, "plmn", "list", "--country", "CU")[1]
    withdrawn = ("plmn", "list", "--country", "ES", "--withdrawn")
    assert "(withdrawn)" in out_of(capsys, *withdrawn)[1]
    assert "(withdrawn)" not in out_of(capsys, *withdrawn[:-1])[1]


TABLE = (
    "# an update\ntable\t2026-01\tours\nmcc\t368\tcountry\tCU\t2\n"
    "mcc\t250\tcountry\tRU\t2\nplmn\t250 65\tUA\tUA-43\tcurrent\tseen in the field\tNew\n"
)


def test_a_table_out_of_tree_takes_the_place_of_the_one_that_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.tsv"
    table.write_text(TABLE)
    words = ("plmn", "show", "25065", "--plmn-table", str(table))
    _, (answer,) = json_of(capsys, *words)
    assert (answer["country"], answer["subdivision"], answer["date"]) == ("UA", "UA-43", "2026-01")
    assert answer["sources"] == ["seen in the field", "ours"]
    _, (other,) = json_of(capsys, "plmn", "show", "26201", "--plmn-table", str(table))
    assert other["kind"] == "unknown"
    words = ("plmn", "list", "--country", "UA", "--plmn-table", str(table))
    assert "250 65   New  [UA-43]" in out_of(capsys, *words)[1]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("mcc\t368", "mcc\t36", "line 3: an MCC has three digits, not '36'"),
        ("CU\t2", "CU\t4", "line 3: MNC length '4' is none of unknown, mixed, 2, 3"),
        ("CU\t2", "CU;US\t2", "line 3: kind country does not go with 2 countries"),
        ("\tcountry\tCU", "\tcontinent\tCU", "line 3: kind 'continent' is none of "),
        ("\tcountry\tCU", "\tcountry\tCuba", "line 3: 'Cuba' is no country code"),
        ("250 65", "250 6", "line 5: a PLMN is three digits, a space, and two or three"),
        ("plmn\t250 65", "plmn\t262 65", "line 5: no mcc line for 262 before it"),
        ("UA-43", "Crimea", "line 5: 'Crimea' is no subdivision code"),
        ("current", "now", "line 5: a PLMN is current or withdrawn, not 'now'"),
        ("\tNew", "", "line 5: a plmn line has 7 fields, this one has 6"),
        ("mcc\t250", "mmc\t250", "line 4: a line starts with table, mcc or plmn, not 'mmc'"),
        ("mcc\t250", "mcc\t368", "line 4: MCC 368 is listed twice"),
        (TABLE, "", "no table line and no mcc line: not a PLMN table"),
    ],
)
def test_a_wrong_table_names_its_line(
    old: str, new: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.tsv"
    assert old in TABLE
    table.write_text(TABLE.replace(old, new))
    assert main(["plmn", "show", "25065", "--plmn-table", str(table)]) == 3
    assert capsys.readouterr().err.startswith(f"firmware-sim: plmn: {table}: {text}")


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["show", "3680"], 2, "plmn: '3680': a PLMN is 5 or 6 decimal digits"),
        (["show", "36-801"], 2, "plmn: '36-801': a PLMN is 5 or 6 decimal digits"),
        (["list", "--country", "Cuba"], 2, "plmn: the table knows no country 'Cuba'"),
        (["show", "36801", "--plmn-table", "none"], 3, "plmn: none: No such file"),
        (
            ["show", "36801", "--plmn-table", sys.executable],
            3,
            f"plmn: {sys.executable}: not UTF-8",
        ),
    ],
)
def test_a_wrong_plmn_is_one_line(
    words: list[str], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plmn", *words]) == status
    error = capsys.readouterr().err
    assert error.startswith(f"firmware-sim: {text}")
    assert error.count("\n") == 1


def test_standard_input_takes_compressed_lists_too() -> None:
    done = subprocess.run(
        [*COMMAND, "check", "-", "--json"],
        input=gzip.compress(LIST.encode()),
        capture_output=True,
    )
    assert done.returncode == 1
    assert [json.loads(line) for line in done.stdout.splitlines()][:-1] == EXPECTED


def test_zstd_without_its_package_is_one_line(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(ZSTD.compress(LIST.encode()))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert main(["imei", "check", str(file)]) == 3
    assert capsys.readouterr().err == (
        "firmware-sim: list: zstd input needs: pip install 'firmware-sim[zstd]'\n"
    )


def test_rejects_that_cannot_be_written_are_one_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["imei", "check", str(file), "--rejects", "/dev/full"]) == 3
    assert capsys.readouterr().err == (
        "firmware-sim: rejects: /dev/full: No space left on device\n"
    )


def test_rejects_never_overwrite_the_list(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other-name"
    other.symlink_to(file)
    for name in (file, other):
        assert main(["imei", "check", str(file), "--rejects", str(name)]) == 2
        assert capsys.readouterr().err.endswith("is the list itself: it would be lost\n")
    assert file.read_bytes() == LIST.encode()


def test_a_line_without_end_takes_no_memory(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{GOOD}\n{'9' * 5_000_000}\n{GOOD}")
    status, lines = json_of(capsys, "imei", "check", str(file))
    assert (status, lines[0]) == (1, {"line": 2, "offset": 16, "reason": "length", "text": ""})
    assert lines[1]["accepted"] == 2
    assert main(["imei", "check", str(file), "--column", "1"]) == 3
    assert capsys.readouterr().err == "firmware-sim: list: line 2: too long for CSV\n"


def test_more_refused_lines_than_a_batch_holds_are_all_written(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("".join(f"{n}\n" for n in range(10_000)))
    _, lines = json_of(capsys, "imei", "check", str(file))
    assert [row["text"] for row in lines[:-1]] == [str(n) for n in range(10_000)]
    assert lines[-1]["refused_by_reason"] == dict.fromkeys(
        ("non_digit", "check_digit", "null"), 0
    ) | {"length": 10_000}
