"""The catalogue of errors lists every kind of problem, and every code of a fault or a task."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from broker.domain.task import ACTIONS
from broker.gateway.problems import MEANINGS
from broker.policy.routing import gaps, wishes
from schemas import defects
from tests.conftest import ROOT

CODED = re.compile(r'"([a-z]+(?:-[a-z0-9]+)*): [A-Z]')
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")
PLACES: Mapping[str, int] = {
    **dict.fromkeys(("Fault", "Remark", "warn", "task", "_fault", "_invalid", "invalid"), 1),
    **dict.fromkeys(("Task", "fault", "_refused", "_refuse"), 0),
}
"""Calls that are given a code, and as which argument."""
LISTED = (
    "Codes of faults",
    "Defects, warnings and tasks",
    "Why a redirect is refused",
    "What lint finds in a policy",
    "What is wrong with settings",
    "What is wrong with a request of ops",
)
TEXT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


@cache
def modules() -> dict[Path, ast.Module]:
    """Return every module, read when a test first needs it and not with the tests."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("broker", "schemas")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def constants() -> dict[str, set[str]]:
    """Return every module's constants that are texts, by name."""
    texts: dict[str, set[str]] = {}
    for module in modules().values():
        for statement in module.body:
            match statement:
                case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(str(text))):
                    texts.setdefault(name, set()).add(text)
    return texts


def arguments() -> Iterator[ast.expr]:
    """Go through what is given as a code in calls, or set as one in a function."""
    for module in modules().values():
        for call in ast.walk(module):
            match call:
                case ast.Call(func=ast.Name(name)) | ast.Call(func=ast.Attribute(attr=name)):
                    place = PLACES.get(name, len(call.args))
                    yield from call.args[place : place + 1]
                case ast.FunctionDef():
                    yield from codes_set(call)


def codes_set(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Go through what a function binds to the name ``code``."""
    for statement in ast.walk(function):
        match statement:
            case ast.Assign(targets=[ast.Name("code")], value=code):
                yield code
            case ast.Assign(targets=[ast.Tuple([ast.Name("code"), *_])], value=value):
                choices = value.values if isinstance(value, ast.BoolOp) else [value]
                yield from (choice.elts[0] for choice in choices if isinstance(choice, ast.Tuple))


@cache
def codes_in_calls() -> set[str]:
    """Return the codes that calls are given, in words or by a constant."""
    known, codes = constants(), set()
    for argument in arguments():
        match argument:
            case ast.Constant(str(code)):
                codes.add(code)
            case ast.Name(name):
                codes |= known.get(name, set())
    return {code for code in codes if CODE.fullmatch(code)}


def computed_codes() -> set[str]:
    """Return the codes that are put together, or stand in tables."""
    facts = [name for _, name, _ in defects._FACTS]
    endings = [ending for ending, _ in defects._REASONS.values()]
    yielded = {
        node.elts[1].value
        for path, module in modules().items()
        if path.name == wishes.__name__.rpartition(".")[2] + ".py"
        for node in ast.walk(module)
        if isinstance(node, ast.Tuple)
        and len(node.elts) == 3
        and isinstance(node.elts[1], ast.Constant)
    }
    return {
        *(f"missing-{name}" for name in facts),
        *(f"{name}-{ending}" for name in facts for ending in endings),
        *(f"voice-{ending}" for ending, _ in defects._VOICE_REASONS.values()),
        *(code for code, _ in gaps._UNKNOWN.values()),
        *map(str, yielded),
        *ACTIONS,
        "link-removed",
        "read-otherwise",
    }


def schema_codes() -> set[str]:
    """Return the codes at the head of the messages of schemas."""
    return {
        code
        for path in (ROOT / "schemas").glob("*.py")
        for code in CODED.findall(path.read_text(encoding="utf-8"))
    }


def rows(section: str) -> Iterator[list[str]]:
    """Go through the cells of each row of the tables of a section, the heads left out."""
    body = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    for line in body.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def codes_of(cells: list[str]) -> list[str]:
    """Return the codes that a row is about."""
    return re.findall(r"`([a-z0-9-]+)`", cells[0])


def documented() -> set[str]:
    """Return the codes that have a row."""
    return {code for section in LISTED for cells in rows(section) for code in codes_of(cells)}


def test_every_kind_of_problem_is_in_the_catalogue() -> None:
    for kind, meaning in MEANINGS.items():
        repeat = "yes" if meaning.retryable else "no"
        cells = (f"`{kind.code}`", meaning.status, meaning.title, meaning.next_step, repeat)
        assert f"| {' | '.join(map(str, cells))} |" in TEXT, kind.code


def test_every_code_of_a_schema_is_in_the_catalogue() -> None:
    codes = schema_codes()
    assert len(codes) > 20
    # The policy's documents have codes of their own, which `broker policy lint` explains.
    assert codes - {"bad-deadline", "bad-hours", "bad-time"} <= documented()


def test_every_code_of_a_fault_warning_and_task_is_in_the_catalogue() -> None:
    codes = codes_in_calls() | computed_codes()
    assert len(codes) > 100
    assert codes - documented() == set()


def test_the_catalogue_lists_no_code_that_nothing_gives() -> None:
    given_out = codes_in_calls() | computed_codes() | schema_codes()
    listed = {code for section in LISTED[1:] for cells in rows(section) for code in codes_of(cells)}
    assert listed - given_out == set()


def test_every_row_says_what_a_code_means_and_what_to_do() -> None:
    for section in LISTED[1:]:
        found_rows = list(rows(section))
        assert found_rows, section
        for cells in found_rows:
            assert len(cells) == (4 if section == LISTED[1] else 3), cells
            assert all(cells), cells


def test_what_is_listed_as_a_task_is_one() -> None:
    tasks = {code for cells in rows(LISTED[1]) if cells[1] == "task" for code in codes_of(cells)}
    assert set(ACTIONS) <= tasks
    assert {code for code, _ in gaps._UNKNOWN.values()} <= tasks
