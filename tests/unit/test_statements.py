"""Every statement is named like what runs it, and every state list stands once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.domain.states import OPEN_DELIVERIES, DeliveryState
from broker.ledger import ledger

LEDGER = Path(ledger.__file__).parent
STATEMENTS = sorted(f"{path.parent.name}/{path.stem}" for path in (LEDGER / "sql").glob("*/*.sql"))


def runs_of(module: Path) -> Iterator[tuple[str, str]]:
    """Yield each text of a module with the function that it stands in."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef) else function
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield child.value, inside
            yield from walk(child, inside)

    yield from walk(ast.parse(module.read_text(encoding="utf-8")), "")


PLACES = [
    (statement, module.stem, function)
    for module in sorted(LEDGER.glob("*.py"))
    for statement, function in runs_of(module)
    if statement in STATEMENTS
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_run_by_the_function_of_its_name_alone(statement: str) -> None:
    part, name = statement.split("/")
    places = {(module, function) for ran, module, function in PLACES if ran == statement}
    assert places
    assert places <= {(part, name), (part, f"_{name}")}


def test_every_statement_says_first_what_it_does() -> None:
    silent = [
        path.name
        for path in (LEDGER / "sql").glob("*/*.sql")
        if not path.read_text(encoding="utf-8").startswith("-- ")
    ]
    assert silent == []


def test_no_statement_repeats_the_list_of_unfinished_states() -> None:
    """It stands in migration 0030, as ``is_unfinished``; a list of most of it is a copy."""
    copies = [
        path.name
        for path in (LEDGER / "sql").glob("*/*.sql")
        for state_list in path.read_text(encoding="utf-8").split(" in (")[1:]
        if len({s for s in OPEN_DELIVERIES if f"'{s}'" in state_list.split(")")[0]}) > 3
    ]
    assert copies == []


def test_the_list_in_the_ledger_is_that_of_the_domain() -> None:
    text = (LEDGER / "migrations" / "0030_ledger.sql").read_text(encoding="utf-8")
    listed = text.split("return state in (")[1].split(")")[0]
    assert {DeliveryState(word.strip(" '\n")) for word in listed.split(",")} == OPEN_DELIVERIES
