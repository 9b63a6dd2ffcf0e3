"""The Unicode bidirectional algorithm: which letters of a line run left, which run right.

HarfBuzz shapes one run of one direction; what splits a line into such runs and orders
them is this module. Rule names (X5a, W4, N0 ...) are those of the standard.

Source: Unicode Standard Annex #9, revision 46 (Unicode 15.0).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_DEPTH = 125
_BRACKETS = {"(": ")", "[": "]", "{": "}", "〈": "〉", "《": "》", "「": "」", "【": "】"}
"""Pairs of BidiBrackets.txt that our languages use."""
_CLOSING = {close: opening for opening, close in _BRACKETS.items()}
_EMBEDDINGS = {"RLE": (1, ""), "LRE": (0, ""), "RLO": (1, "R"), "LRO": (0, "L")}
_ISOLATES = ("LRI", "RLI", "FSI")
_REMOVED = {"RLE", "LRE", "RLO", "LRO", "PDF", "BN"}
_NEUTRAL = {"B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI"}


@dataclass(frozen=True, slots=True)
class Run:
    """Characters start..end (logical, end excluded) of one direction; level is odd for RTL."""

    start: int
    end: int
    level: int

    @property
    def rtl(self) -> bool:
        """Whether the run is read from right to left."""
        return bool(self.level & 1)


def base_level(text: str) -> int:
    """Level 0 or 1 by the first strong character outside isolates (P2, P3); 0 without one."""
    return _first_strong([_class(c) for c in text], 0, len(text), default=0)


@lru_cache(maxsize=4096)
def levels(text: str, base: int) -> tuple[int, ...]:
    """Embedding level of every character of one paragraph; L1 is left to `visual_runs`."""
    original = [_class(c) for c in text]
    classes, level, matching = _explicit(original, base)
    explicit = list(level)
    for sequence in _isolating_run_sequences(original, explicit, matching):
        sides = _sides(sequence, original, explicit, base, matching)
        _resolve(text, sequence, classes, level, sides)
    previous = base
    for index, kind in enumerate(original):
        # What X9 removes takes the level of what stands before it, so that it splits no run.
        if kind in _REMOVED:
            level[index] = previous
        previous = level[index]
    return tuple(level)


def visual_runs(text: str, base: int, start: int = 0, end: int | None = None) -> list[Run]:
    """Runs of one line in visual order, left to right (L1, L2).

    Args:
        text: the whole paragraph; levels depend on all of it.
        base: paragraph level, 0 or 1.
        start: first character of the line.
        end: one past its last character.
    """
    stop = len(text) if end is None else end
    level = list(levels(text, base)[start:stop])
    kinds = [_class(c) for c in text[start:stop]]
    trailing = True
    for index in range(len(level) - 1, -1, -1):
        if kinds[index] in ("B", "S"):
            trailing = True
        elif kinds[index] not in ("WS", *_ISOLATES, "PDI", *_REMOVED):
            trailing = False
        if trailing:
            level[index] = base
    runs: list[Run] = []
    for index, value in enumerate(level):
        if runs and runs[-1].level == value:
            runs[-1] = Run(runs[-1].start, start + index + 1, value)
        else:
            runs.append(Run(start + index, start + index + 1, value))
    return _reordered(runs)


def _reordered(runs: list[Run]) -> list[Run]:
    if not runs:
        return runs
    odd = [run.level for run in runs if run.rtl]
    for depth in range(max(run.level for run in runs), min(odd, default=MAX_DEPTH + 1) - 1, -1):
        position = 0
        while position < len(runs):
            if runs[position].level < depth:
                position += 1
                continue
            stop = position
            while stop < len(runs) and runs[stop].level >= depth:
                stop += 1
            runs[position:stop] = runs[position:stop][::-1]
            position = stop
    return runs


def _class(character: str) -> str:
    return unicodedata.bidirectional(character) or "L"


def _first_strong(classes: Sequence[str], start: int, end: int, default: int) -> int:
    depth = 0
    for index in range(start, end):
        kind = classes[index]
        if kind in _ISOLATES:
            depth += 1
        elif kind == "PDI":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and kind in ("L", "R", "AL"):
            return 0 if kind == "L" else 1
    return default


def _matching_pdi(classes: Sequence[str]) -> dict[int, int]:
    """Isolate initiator -> its PDI, both ways (BD9)."""
    pairs: dict[int, int] = {}
    open_at: list[int] = []
    for index, kind in enumerate(classes):
        if kind in _ISOLATES:
            open_at.append(index)
        elif kind == "PDI" and open_at:
            opened = open_at.pop()
            pairs[opened], pairs[index] = index, opened
    return pairs


def _explicit(original: list[str], base: int) -> tuple[list[str], list[int], dict[int, int]]:
    """X1 to X8: classes after overrides, and explicit levels."""
    classes, level = list(original), [base] * len(original)
    matching = _matching_pdi(original)
    stack: list[tuple[int, str, bool]] = [(base, "", False)]
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for index, kind in enumerate(original):
        current, override, _ = stack[-1]
        if kind in _EMBEDDINGS or kind in _ISOLATES:
            isolate = kind in _ISOLATES
            level[index] = current
            if isolate and override:
                classes[index] = override
            if kind == "FSI":
                stop = matching.get(index, len(original))
                parity = _first_strong(original, index + 1, stop, default=0)
            elif isolate:
                parity = int(kind == "RLI")
            else:
                parity = _EMBEDDINGS[kind][0]
            deeper = current + 1 if (current + 1) % 2 == parity else current + 2
            if deeper <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += isolate
                stack.append((deeper, "" if isolate else _EMBEDDINGS[kind][1], isolate))
            elif isolate:
                overflow_isolates += 1
            elif not overflow_isolates:
                overflow_embeddings += 1
        elif kind == "PDI":
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack[-1][2]:
                    stack.pop()
                stack.pop()
                valid_isolates -= 1
            level[index] = stack[-1][0]
            classes[index] = stack[-1][1] or kind
        elif kind == "PDF":
            level[index] = current
            if overflow_isolates:
                pass
            elif overflow_embeddings:
                overflow_embeddings -= 1
            elif not stack[-1][2] and len(stack) >= 2:
                stack.pop()
        elif kind == "B":
            level[index] = base
        else:
            level[index] = current
            if kind != "BN" and override:
                classes[index] = override
    return classes, level, matching


def _isolating_run_sequences(
    original: list[str], level: list[int], matching: dict[int, int]
) -> list[list[int]]:
    """BD13, over what X9 leaves."""
    runs: list[list[int]] = []
    for index, kind in enumerate(original):
        if kind in _REMOVED:
            continue
        if runs and level[runs[-1][-1]] == level[index]:
            runs[-1].append(index)
        else:
            runs.append([index])
    starting = {run[0]: run for run in runs}
    sequences = []
    for run in runs:
        if original[run[0]] == "PDI" and run[0] in matching:
            continue
        sequence = list(run)
        while original[sequence[-1]] in _ISOLATES and sequence[-1] in matching:
            sequence += starting[matching[sequence[-1]]]
        sequences.append(sequence)
    return sequences


def _sides(
    sequence: list[int],
    original: list[str],
    level: list[int],
    base: int,
    matching: dict[int, int],
) -> tuple[str, str]:
    """Directions sos and eos at the two ends of the sequence (X10)."""
    own = level[sequence[0]]
    kept = [i for i, kind in enumerate(original) if kind not in _REMOVED]
    first, last = kept.index(sequence[0]), kept.index(sequence[-1])
    before = level[kept[first - 1]] if first else base
    open_ended = original[sequence[-1]] in _ISOLATES and sequence[-1] not in matching
    after = base if open_ended or last + 1 == len(kept) else level[kept[last + 1]]
    start, end = ("R" if max(own, other) & 1 else "L" for other in (before, after))
    return start, end


def _resolve(
    text: str,
    sequence: list[int],
    classes: list[str],
    level: list[int],
    sides: tuple[str, str],
) -> None:
    own = level[sequence[0]]
    sos, eos = sides
    kinds = [classes[i] for i in sequence]
    _weak(kinds, sos)
    _paired_brackets(text, sequence, kinds, classes, own, sos)
    _neutral(kinds, own, sos, eos)
    for position, index in enumerate(sequence):
        kind = kinds[position]
        if own % 2 == 0:  # I1
            level[index] = own + {"L": 0, "R": 1, "AN": 2, "EN": 2}[kind]
        else:  # I2
            level[index] = own + {"R": 0, "L": 1, "AN": 1, "EN": 1}[kind]


def _weak(kinds: list[str], sos: str) -> None:
    """W1 to W7."""
    previous = sos
    for i, kind in enumerate(kinds):  # W1
        if kind == "NSM":
            kinds[i] = "ON" if previous in (*_ISOLATES, "PDI") else previous
        previous = kinds[i]
    strong = sos
    for i, kind in enumerate(kinds):  # W2, W3
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[i] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for i in range(1, len(kinds) - 1):  # W4
        around = kinds[i - 1]
        if around == kinds[i + 1] and (
            (kinds[i] == "ES" and around == "EN") or (kinds[i] == "CS" and around in ("EN", "AN"))
        ):
            kinds[i] = around
    i = 0
    while i < len(kinds):  # W5
        if kinds[i] != "ET":
            i += 1
            continue
        stop = i
        while stop < len(kinds) and kinds[stop] == "ET":
            stop += 1
        if (i and kinds[i - 1] == "EN") or (stop < len(kinds) and kinds[stop] == "EN"):
            kinds[i:stop] = ["EN"] * (stop - i)
        i = stop
    kinds[:] = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in kinds]  # W6
    strong = sos
    for i, kind in enumerate(kinds):  # W7
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[i] = "L"


def _direction(kind: str) -> str:
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(kind, "")


def _paired_brackets(
    text: str, sequence: list[int], kinds: list[str], classes: list[str], own: int, sos: str
) -> None:
    """N0 with BD16."""
    pairs: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for position, index in enumerate(sequence):
        character = unicodedata.normalize("NFC", text[index])
        if kinds[position] != "ON":
            continue
        if character in _BRACKETS:
            if len(stack) == 63:
                break
            stack.append((character, position))
        elif character in _CLOSING:
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == _CLOSING[character]:
                    pairs.append((stack[depth][1], position))
                    del stack[depth:]
                    break
    embedding = "R" if own & 1 else "L"
    for opening, closing in sorted(pairs):
        inside = {_direction(kind) for kind in kinds[opening + 1 : closing]} - {""}
        if not inside:
            continue
        if embedding in inside:
            chosen = embedding
        else:
            before = next((d for k in reversed(kinds[:opening]) if (d := _direction(k))), sos)
            chosen = before if before != embedding else embedding
        for bracket in (opening, closing):
            kinds[bracket] = chosen
            follow = bracket + 1
            while follow < len(sequence) and classes[sequence[follow]] == "NSM":
                kinds[follow] = chosen
                follow += 1


def _neutral(kinds: list[str], own: int, sos: str, eos: str) -> None:
    """N1, N2."""
    embedding = "R" if own & 1 else "L"
    i = 0
    while i < len(kinds):
        if kinds[i] not in _NEUTRAL:
            i += 1
            continue
        stop = i
        while stop < len(kinds) and kinds[stop] in _NEUTRAL:
            stop += 1
        before = _direction(kinds[i - 1]) if i else sos
        after = _direction(kinds[stop]) if stop < len(kinds) else eos
        kinds[i:stop] = [before if before == after else embedding] * (stop - i)
        i = stop
