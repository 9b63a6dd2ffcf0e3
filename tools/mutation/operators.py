"""Mutants of a module: each differs from it in one place of its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Mutant:
    """One change. `where` is function and line; `change` is before and after, as source."""

    where: str
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module's source."""
    tree = ast.parse(source)
    places = list(_places(tree, ()))
    for index, (scope, node) in enumerate(places):
        for number in range(_choices(node)):
            changed = copy.deepcopy(tree)
            twin = list(_places(changed, ()))[index][1]
            before = ast.unparse(node)
            _apply(twin, number)
            after = ast.unparse(twin) if not isinstance(twin, ast.Pass) else "pass"
            if before != after:
                where = f"{scope or 'module'}:{getattr(node, 'lineno', 0)}"
                yield Mutant(where, f"{_short(before)} -> {_short(after)}", ast.unparse(changed))


def _places(node: ast.AST, scope: tuple[str, ...]) -> Iterator[tuple[str, ast.AST]]:
    """Nodes in order, without texts for people: docstrings, f-strings, annotations, twins."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords_only"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = (*scope, child.name)
            if _text(child):
                continue
            yield ".".join(inner), child
            yield from _places(child, inner)


def _text(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _choices(node: ast.AST) -> int:
    if isinstance(node, ast.Compare):
        return len(node.ops)
    if isinstance(node, ast.BoolOp | ast.Continue | ast.Break):
        return 1
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.Not))
    if isinstance(node, ast.BinOp):
        return int(type(node.op) in ARITHMETIC)
    if isinstance(node, ast.Constant):
        return int(isinstance(node.value, int | bytes))
    if isinstance(node, ast.Expr):
        return int(isinstance(node.value, ast.Call))
    return int(isinstance(node, ast.Raise))


def _apply(node: ast.AST, number: int) -> None:
    """Change the node in place into its mutant."""
    if isinstance(node, ast.Compare):
        node.ops[number] = COMPARISONS[type(node.ops[number])]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        _become(node, node.operand)
    elif isinstance(node, ast.BinOp):
        node.op = ARITHMETIC[type(node.op)]()
    elif isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            node.value = not value
        elif isinstance(value, int):
            node.value = value + 1
        elif isinstance(value, bytes):
            node.value = value + b"\x01"
    elif isinstance(node, ast.Continue):
        _become(node, ast.Break())
    elif isinstance(node, ast.Break):
        _become(node, ast.Continue())
    else:
        _become(node, ast.Pass())


def _become(node: ast.AST, other: ast.AST) -> None:
    node.__class__ = other.__class__
    node.__dict__ = {**other.__dict__, "lineno": getattr(node, "lineno", 1)}


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 100 else flat[:97] + "..."
