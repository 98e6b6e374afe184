"""What `make mutants` changes, and that its list of survivors names changes that can be made."""

import sys
from pathlib import Path

import pytest

from tests.mutants import functions, statements
from tests.mutants.__main__ import SURVIVORS, mutants_of
from tests.mutants.survivors import Survivors
from tests.mutants.trial import SQL

ROOT = Path(__file__).parents[2]
STATEMENT = """-- Change what is due.
with due as (
    select id from thing
    where owner = %(owner)s and (kind = 'a' or until <= %(now)s)
      and at between %(a)s and %(b)s and state is distinct from 'x'
    order by id
    limit 5
    for update skip locked
)
update thing set state = case when kind = 'a' then 'b' else 'c' end, tries = tries + 1
from due where thing.id = due.id
"""
CHANGES = {
    "true for owner = %(owner)s",
    "true for (kind = 'a' or until <= %(now)s)",
    "false for kind = 'a'",
    "false for until <= %(now)s",
    "true for at between %(a)s and %(b)s",
    "true for state is distinct from 'x'",
    "< in or until <= %(now)s)",
    "no order by id",
    "no limit 5",
    "no lock",
    "no skip locked",
    "no state = case when kind = 'a' then 'b' else 'c' end",
    "false for kind = 'a' (place 2)",
    "no tries = tries + 1",
    "true for thing.id = due.id",
}
MODULE = """
from functools import cache

LIMIT = 7

class Box:
    @property
    def is_full(self):
        return self.count >= LIMIT

    def __init__(self, count):
        if count < 0:
            raise ValueError(count)
        self.count = count

@cache
def total(a, b):
    return a + b if a and b else 0
"""


def text_of(change: str) -> str:
    (mutant,) = [
        mutant for mutant in statements.mutants("x/y", STATEMENT) if mutant.change == change
    ]
    return mutant.text


def test_each_small_change_to_a_statement_is_made_once() -> None:
    made = [mutant.change for mutant in statements.mutants("x/y", STATEMENT)]
    assert sorted(made) == sorted(CHANGES)


def test_a_condition_ends_where_a_conflict_begins() -> None:
    text = "insert into a select b from c where d and e on conflict (b) do nothing"
    made = [mutant.change for mutant in statements.mutants("x/y", text)]
    assert made == ["true for d", "true for e"]


def test_a_changed_statement_is_the_statement_with_the_change() -> None:
    for change, before, after in (
        ("true for owner = %(owner)s", "owner = %(owner)s", "true"),
        ("no tries = tries + 1", ", tries = tries + 1", ""),
        ("no limit 5", "limit 5", ""),
        ("no lock", "for update skip locked", ""),
        ("< in or until <= %(now)s)", "until <=", "until <"),
    ):
        assert text_of(change) == STATEMENT.replace(before, after, 1)


def test_a_function_gets_the_changed_code_wherever_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("boxes_of_the_test.py")
    (tmp_path / path).write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = {mutant.name.partition(":")[2]: mutant for mutant in functions.mutants(path, MODULE)}
    assert sorted(made) == [
        "Box.__init__: 1 for 0",
        "Box.__init__: count <= 0 for count < 0",
        "Box.__init__: no raise ValueError(count)",
        "Box.is_full: self.count > LIMIT for self.count >= LIMIT",
        "total: 1 for 0",
        "total: a - b for a + b",
        "total: a for a and b",
        "total: b for a and b",
    ]
    assert functions.put_in_place(made["total: a - b for a + b"], tmp_path)
    boxes = sys.modules["boxes_of_the_test"]
    assert boxes.total(5, 3) == 2
    assert boxes.Box(7).is_full
    assert functions.put_in_place(
        made["Box.is_full: self.count > LIMIT for self.count >= LIMIT"], tmp_path
    )
    assert not boxes.Box(7).is_full
    assert functions.put_in_place(made["Box.__init__: no raise ValueError(count)"], tmp_path)
    assert boxes.Box(-1).count == -1


def test_the_list_of_survivors_is_sorted_and_each_can_still_be_made() -> None:
    text = (ROOT / SURVIVORS).read_text(encoding="utf-8")
    listed = Survivors.read(ROOT / SURVIVORS)
    places = {name.split(": ")[0] for name in listed.reasons}
    files = {
        Path(place.split(":")[0]) if ".py" in place else SQL / f"{place}.sql" for place in places
    }
    possible = {mutant.name for path in files for mutant in mutants_of(path)}
    assert listed.reasons.keys() - possible == set()
    assert listed.text() == text


def test_the_list_only_becomes_shorter(tmp_path: Path) -> None:
    listed = Survivors(("# Head.",), {"b: x": "no difference", "a: y": ""})
    assert listed.fallen({"a: y", "c: z"}) == ["a: y"]
    assert listed.fresh({"b: x", "c: z"}) == ["c: z"]
    listed.without(["a: y"]).write(tmp_path / "list")
    assert (tmp_path / "list").read_text(encoding="utf-8") == "# Head.\nb: x  # no difference\n"
