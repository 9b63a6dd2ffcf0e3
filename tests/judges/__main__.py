"""Puts every case before every judge, prints the table, and fails on a wrong or empty cell.

`python -m tests.judges [JUDGE...]`: gammu, comgt, ModemManager, oFono.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from firmware_sim_native import imei as imeis
from tests.judges import comgt, gammu, modemmanager, ofono
from tests.judges.cases import CASES, Case, Facts, disagreements

ALL_AT_ONCE = {"ModemManager": modemmanager, "oFono": ofono}
ONE_BY_ONE = {"gammu": gammu, "comgt": comgt}
_SIDE_BY_SIDE = 6
"""How many programs run at once: they wait much and work little."""


def imei_of(judge: int, case: int) -> str:
    """A different IMEI for each cell: an answer meant for another cell cannot pass."""
    body = f"35693803564{judge}{case:02d}"
    return body + str(imeis.check_digit(body))


def main(wanted: list[str]) -> int:
    """Run the judges; 0 when every cell holds."""
    judges = [*ONE_BY_ONE, *ALL_AT_ONCE]
    if unknown := set(wanted) - set(judges):
        print(f"no judge {', '.join(sorted(unknown))}; there are: {', '.join(judges)}")
        return 2
    chosen = [name for name in judges if not wanted or name in wanted]
    for name in chosen:
        module = {**ONE_BY_ONE, **ALL_AT_ONCE}[name]
        if shutil.which(module.PROGRAM) is None:
            print(f"{name}: {module.PROGRAM} is missing (apt install {module.PACKAGE})")
            return 1
    with (
        tempfile.TemporaryDirectory(prefix="judges") as folder,
        ThreadPoolExecutor(_SIDE_BY_SIDE) as pool,
    ):
        answers = _all_answers(chosen, judges, Path(folder), pool)
    return _table(chosen, judges, answers)


Cell = tuple[str, str]


def _all_answers(
    chosen: list[str], judges: list[str], folder: Path, pool: ThreadPoolExecutor
) -> dict[Cell, Facts | None]:
    jobs: dict[Cell, Callable[[], Facts | None]] = {}
    for name in chosen:
        number = judges.index(name)
        by_imei = {imei_of(number, index): case for index, case in enumerate(CASES)}
        own = folder / name
        own.mkdir()
        if name in ALL_AT_ONCE:
            together = pool.submit(ALL_AT_ONCE[name].ask_all, by_imei, own)
            for imei, case in by_imei.items():
                jobs[name, case.name] = lambda job=together, imei=imei: job.result().get(imei)
        else:
            for imei, case in by_imei.items():
                one = pool.submit(ONE_BY_ONE[name].ask, case, imei, own)
                jobs[name, case.name] = one.result
    return {cell: job() for cell, job in jobs.items()}


def _table(chosen: list[str], judges: list[str], answers: dict[Cell, Facts | None]) -> int:
    notes: list[str] = []
    print(f"{'':14}" + "".join(f"{name:14}" for name in chosen))
    for index, case in enumerate(CASES):
        row = [
            _verdict(name, case, imei_of(judges.index(name), index), answers, notes)
            for name in chosen
        ]
        print(f"{case.name:14}" + "".join(f"{cell:14}" for cell in row).rstrip())
    for note in notes:
        print(note)
    silent = {
        name: ", ".join(_never_told(name, answers)) for name in chosen if _never_told(name, answers)
    }
    if any(facts and facts.registration == "unregistered" for facts in answers.values()):
        print("* says only that the modem is not registered, and not why")
    for name, what in silent.items():
        print(f"{name} has no word for: {what}")
    return 1 if notes else 0


def _verdict(
    name: str, case: Case, imei: str, answers: dict[Cell, Facts | None], notes: list[str]
) -> str:
    facts = answers[name, case.name]
    if facts is None:
        notes.append(f"{name}, {case.name}: no answer")
        return "NO ANSWER"
    wrong = disagreements(facts, case.truth(imei))
    missing = [
        what for what in ("imei", "registration", "sim", "lock") if getattr(facts, what) is None
    ]
    wrong += [f"{what}: not told" for what in missing]
    if wrong:
        notes.append(f"{name}, {case.name}: {'; '.join(wrong)}")
        return "WRONG"
    return "ok *" if facts.registration == "unregistered" else "ok"


def _never_told(name: str, answers: dict[Cell, Facts | None]) -> list[str]:
    own = [facts for (judge, _), facts in answers.items() if judge == name and facts is not None]
    return [
        what
        for what in ("imei", "operator", "registration", "sim", "home", "lock")
        if own and all(getattr(facts, what) is None for facts in own)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
