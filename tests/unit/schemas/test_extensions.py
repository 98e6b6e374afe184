"""Extensions: any JSON under a namespace, bounded; what is over a bound costs that namespace."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from broker.policy.language.views import read_views
from broker.policy.language.yaml_nodes import Node
from schemas import documents, extensions, tolerance
from schemas.errors import Fault, Unreadable

NOW = datetime(2026, 12, 22, 10, tzinfo=UTC)


def deep(levels: int) -> Any:
    return [deep(levels - 1)] if levels else "end"


def judged(full: dict[str, Any], value: Any) -> tuple[Any, list[tuple[str, str]]]:
    document = full | {"extensions": value}
    checked = tolerance.load(document, today=date(2026, 12, 22), received_at=NOW)
    assert checked.referral is not None
    named = [defect for defect in checked.defects if defect.pointer.startswith("/extensions")]
    return checked.referral.extensions, [(defect.pointer, defect.code) for defect in named]


@pytest.mark.parametrize("name", ["staffordshire-police", "uk.police.staffordshire", "a1"])
@pytest.mark.parametrize("value", [True, 1.5, 2**70, "text", [], [None, {"a": [1]}], deep(8)])
def test_any_json_is_kept_as_it_is(full: dict[str, Any], name: str, value: Any) -> None:
    assert judged(full, {name: value}) == ({name: value}, [])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Not A Name", 1, "bad-namespace"),
        ("uk..police", 1, "bad-namespace"),
        ("a1", None, "wrong-type"),
        ("a1", deep(9), "too-deep"),
        ("a1", "x " * extensions.SIZE, "too-large"),
        ("a1", list(range(600)), "too-long"),
        ("a1", {"x\u202ey": 1}, "bad-name"),
        ("a1", {"x" * 101: 1}, "bad-name"),
    ],
)
def test_what_is_over_a_bound_costs_its_namespace(
    full: dict[str, Any], name: str, value: Any, code: str
) -> None:
    left, named = judged(full, {name: value, "org.example": 1})
    assert (left, named) == ({"org.example": 1}, [(f"/extensions/{name}", code)])


def test_of_too_many_namespaces_the_first_are_kept(full: dict[str, Any]) -> None:
    left, named = judged(full, {f"org.example{number}": number for number in range(10)})
    assert list(left) == [f"org.example{number}" for number in range(8)]
    assert named == [(f"/extensions/org.example{number}", "too-long") for number in (8, 9)]


def test_a_picture_is_found_in_an_extension() -> None:
    with pytest.raises(Unreadable):
        documents.read(b'{"extensions": {"a1": [{"b": "data:image/png;base64,AAAA"}]}}')


def views(shows: str) -> tuple[Any, list[Fault]]:
    text = f"views: {{v: {{sentence: S, shows: {{handling: all, extensions: {shows}}}}}}}"
    faults: list[Fault] = []
    read = read_views(Node("views.yaml", yaml.compose(text, yaml.SafeLoader), faults))
    return read["v"].shows["extensions"], faults


def test_a_view_names_namespaces() -> None:
    assert views("[uk.police.example, a1]") == ({"uk.police.example": {}, "a1": {}}, [])


@pytest.mark.parametrize("shows", ["all", "[Not A Name]"])
def test_a_view_shows_no_extension_without_its_namespace(shows: str) -> None:
    shown, faults = views(shows)
    assert shown == {}
    assert len(faults) == 1
