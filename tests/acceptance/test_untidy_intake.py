"""Referrals that are untidier than any sample: nothing refuses the child, everything is named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import World, sample

EDT = "staffordshire-edt"


def immediate() -> dict[str, Any]:
    document = sample(2)
    document["grade"]["level"] = "immediate"
    return copy.deepcopy(document)


def written(change: Callable[[dict[str, Any]], object] | None = None) -> str:
    document = immediate()
    if change is not None:
        change(document)
    return json.dumps(document, ensure_ascii=False)


def child(**changes: Any) -> str:
    return written(lambda document: document["children"][0].update(changes))


def nested(levels: int) -> Any:
    return {"deeper": nested(levels - 1)} if levels else "the end"


def every_null(document: dict[str, Any]) -> None:
    for name in ("middle_names", "address", "disability", "school", "lives_with", "voice"):
        document["children"][0][name] = None
    document["online"] = document["household"] = document["handling"] = None


def wrong_types(document: dict[str, Any]) -> None:
    document["online"] = "see the file"
    document["household"] = {"name": "The mother"}
    document["action_taken"] = [1, [2], "told"]
    document["referrer"] = ["DC Rowan Ashgrove"]
    document["handling"] = 7
    document["concern"]["facts"] = "He wrote at night."
    document["children"][0]["school"] = ["Invented school"]


def repeated(name: str, value: Any) -> str:
    return written().replace("{", f"{{{json.dumps(name)}: {json.dumps(value)}, ", 1)


TWICE = written().replace('"given_name":', '"given_name": "Zfirst", "given_name":', 1)
UNTIDY: dict[str, tuple[bytes, set[str]]] = {
    "a byte order mark": ("\ufeff".encode() + written().encode(), {"read-otherwise"}),
    "Windows-1252": (child(family_name="Zo\u00eb\u2019s").encode("cp1252"), {"read-otherwise"}),
    "UTF-16": (written().encode("utf-16"), {"read-otherwise"}),
    "a line break in a text": (
        child(given_name="ZAB").replace("ZAB", "Rowan\n").encode(),
        {"read-otherwise"},
    ),
    "a name given twice": (TWICE.encode(), {"read-otherwise", "unknown-field"}),
    "NaN and a long number": (
        child(height=float("nan"), serial=10**30).encode(),
        {"read-otherwise", "unknown-field"},
    ),
    "NUL and half a character": (
        child(given_name="ZAB").replace("ZAB", "R\\u0000o\\ud83d").encode(),
        {"read-otherwise"},
    ),
    "60 levels": (child(more=nested(60)).encode(), {"read-otherwise", "unknown-field"}),
    "12,000 names": (child(lives_with=["a"] * 12_000).encode(), {"read-otherwise", "too-long"}),
    "a postcode with O for 0": (child(address={"postcode": "ST1O 1AA"}).encode(), set()),
    "a date with slashes": (child(date_of_birth="15/03/2014").encode(), {"bad-date"}),
    "a date in words": (child(date_of_birth="15 March 2014").encode(), {"bad-date"}),
    "a date with dots": (child(date_of_birth="15.03.2014").encode(), {"bad-date"}),
    "a date of an ERP": (child(date_of_birth=20140315).encode(), set()),
    "a year alone": (child(date_of_birth="2014").encode(), {"bad-date"}),
    "nulls": (written(every_null).encode(), {"wrong-type"}),
    "wrong types": (written(wrong_types).encode(), {"wrong-type"}),
    "emoji, and text from right to left": (
        child(given_name="\u202eRowan\u200b \U0001f600", aliases=["\u05d0\u05d1"]).encode(),
        set(),
    ),
    "numbers as text": (
        child(approximate_age="9", looked_after="yes", nhs_number="943 476 5919").encode(),
        set(),
    ),
    "a telephone number in words": (
        written(lambda d: d["referrer"].update(telephone=1632960101, email="none")).encode(),
        {"bad-email"},
    ),
}


@pytest.mark.parametrize("name", UNTIDY)
def test_nothing_untidy_costs_the_child(world: World, name: str) -> None:
    body, codes = UNTIDY[name]
    world.at("2026-12-24 20:00")
    headers = world.police | {"Content-Type": "application/json"}
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    world.drain()
    status = world.status(answer.json())
    assert status["state"] == "routed", status
    assert EDT in world.legs(status)
    assert codes <= {defect["code"] for defect in status["defects"]}
    (delivery,) = world.collect(EDT)
    assert len(delivery["content"]["children"]) == len(immediate()["children"])


def test_what_was_written_twice_is_shown_to_who_may_see_it(world: World) -> None:
    world.at("2026-12-24 20:00")
    headers = world.police | {"Content-Type": "application/json"}
    assert world.client.post("/v1/referrals", content=TWICE, headers=headers).status_code == 202
    world.drain()
    (delivery,) = world.collect(EDT)
    assert delivery["content"]["children"][0]["given_name"] == "Zfirst"
    originals = {defect["pointer"]: defect.get("original") for defect in delivery["defects"]}
    assert originals["/children/0/given_name (2)"] == immediate()["children"][0]["given_name"]


def test_a_second_grade_is_a_task(world: World) -> None:
    world.at("2026-12-24 20:00")
    headers = world.police | {"Content-Type": "application/json"}
    body = repeated("grade", {"level": "low", "reason": "As first thought."})
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    world.drain()
    warnings = world.status(answer.json())["warnings"]
    assert ("/grade (2)", "unread-decides") in {
        (each["pointer"], each["code"]) for each in warnings
    }


@pytest.mark.parametrize("name", ["Windows-1252", "a name given twice", "60 levels"])
def test_strict_handling_mends_nothing(world: World, name: str) -> None:
    headers = world.police | {"Content-Type": "application/json", "Prefer": "handling=strict"}
    answer = world.client.post("/v1/referrals", content=UNTIDY[name][0], headers=headers)
    assert answer.status_code == 400


def test_a_picture_is_found_in_what_was_mended(world: World) -> None:
    headers = world.police | {"Content-Type": "application/json"}
    body = child(given_name="data:image/png;base64,AAAA").encode("utf-16")
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    assert answer.json()["code"] == "prohibited-content"


def tasks(world: World) -> list[dict[str, Any]]:
    answer = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    return answer.json()["task"]


def test_what_is_too_large_has_an_owner(world: World) -> None:
    headers = world.police | {"Content-Type": "application/json"}
    body = written(lambda document: document.update(pad="x" * 300_000)).encode()
    assert world.client.post("/v1/referrals", content=body, headers=headers).status_code == 413
    (task,) = tasks(world)
    assert (task["code"], task["reference"]) == ("refused", immediate()["reference"])


def test_bodies_that_name_nothing_are_one_task_for_each_fault_with_a_count(world: World) -> None:
    headers = world.police | {"Content-Type": "application/json"}
    for number in range(5):
        world.client.post("/v1/referrals", content=b"{" + b"a" * number, headers=headers)
    world.client.post("/v1/referrals", content=b"x" * 300_000, headers=headers)
    messages = sorted(task["message"] for task in tasks(world))
    assert ["(not json)" in message for message in messages] == [True, False]
    assert "So far 5 bodies" in messages[0]
    assert "(too large)" in messages[1]
