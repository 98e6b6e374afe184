"""Small changes to a function: a comparison, a condition, a number, no call, no refusal."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.mutants.mutant import Mutant, numbered

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SUMS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
_LOGS = ("_log.", "log.", "logging.", "warnings.", "this.log", "this.trace")
"""What only tells of the work; ``this`` is the step that is run."""
LONGEST = 90
"""So much of the code stands in the name of its mutant."""
Change = tuple[ast.AST, str, Any]
"""A node, one of its fields, and what that field becomes."""


def mutants(path: Path, text: str) -> list[Mutant]:
    """Return every small change to the functions of a module; ``path`` is as seen from the root."""
    tree = ast.parse(text)
    return list(numbered(_mutants(path, tree)))


def _mutants(path: Path, tree: ast.Module) -> Iterator[Mutant]:
    for name, function in _functions(tree):
        for words, node, field, new in _changes(function):
            before = getattr(node, field)
            setattr(node, field, new)
            yield Mutant(f"{path}:{name}", words, ast.unparse(ast.fix_missing_locations(tree)))
            setattr(node, field, before)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the functions of a module and the methods of its classes, not what stands in them."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{method.name}", method


def _changes(function: ast.AST) -> Iterator[tuple[str, ast.AST, str, Any]]:
    """Yield each change with its words; types and defaults stay as they are."""
    for statement in getattr(function, "body", []):
        for node in ast.walk(statement):
            for place, field, new in _changes_of(node):
                yield _words(place, field, new), place, field, new


def _changes_of(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[operator]) if new := _COMPARISONS.get(type(operator)):
            yield node, "ops", [new()]
        case ast.BoolOp(op=operator, values=values):
            for place in range(len(values)):
                yield node, "values", values[:place] + values[place + 1 :]
        case ast.BinOp(op=operator) if sum_ := _SUMS.get(type(operator)):
            yield node, "op", sum_()
        case ast.Constant(value=bool() as value):
            yield node, "value", not value
        case ast.Constant(value=int() as value):
            yield node, "value", value + 1
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if not isinstance(test, ast.Compare | ast.BoolOp):
                yield node, "test", _negated(test)
    for field in ("body", "orelse"):
        yield from _without_calls(node, field)


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _without_calls(node: ast.AST, field: str) -> Iterator[Change]:
    """Leave out each call whose result nobody takes, and each refusal."""
    statements = getattr(node, field, None)
    if not isinstance(statements, list):
        return
    for place, statement in enumerate(statements):
        is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if isinstance(statement, ast.Raise) or (
            is_call and not ast.unparse(statement).startswith(_LOGS)
        ):
            yield node, field, [*statements[:place], ast.Pass(), *statements[place + 1 :]]


def _words(node: ast.AST, field: str, new: Any) -> str:
    """Say what becomes of what, on one line."""
    before = getattr(node, field)
    if field in {"body", "orelse"} and isinstance(before, list):
        (gone,) = (old for old, kept in zip(before, new, strict=True) if old is not kept)
        return _short(f"no {ast.unparse(gone)}")
    old = ast.unparse(node.test if field == "test" else node)  # type: ignore[attr-defined]
    setattr(node, field, new)
    after = ast.unparse(node.test if field == "test" else node)  # type: ignore[attr-defined]
    setattr(node, field, before)
    return _short(f"{after} for {old}")


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 2 * LONGEST else line[: 2 * LONGEST - 1] + "…"


def put_in_place(mutant: Mutant, root: Path) -> bool:
    """Give the function in this process the changed code; False where it cannot be had."""
    path, _, name = mutant.place.partition(":")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    function = _function(module, name)
    code = _code(compile(mutant.text, str(root / path), "exec"), name.split("."))
    if function is None or code is None or code.co_freevars != function.__code__.co_freevars:
        return False
    function.__code__ = code
    return True


def _function(module: object, name: str) -> FunctionType | None:
    """Return the function as it was written, under whatever decorates it."""
    owner: Any = module
    *classes, last = name.split(".")
    for class_ in classes:
        owner = getattr(owner, class_)
    attribute = inspect.getattr_static(owner, last)
    attribute = getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)
    attribute = getattr(attribute, "func", attribute)
    function = inspect.unwrap(attribute)
    return function if isinstance(function, FunctionType) else None


def _code(code: CodeType, names: list[str]) -> CodeType | None:
    """Return the code of a function from that of its module."""
    for name in names:
        inner = [part for part in code.co_consts if isinstance(part, CodeType)]
        named = [part for part in inner if part.co_name == name]
        if not named:
            return None
        code = named[-1]
    return code
