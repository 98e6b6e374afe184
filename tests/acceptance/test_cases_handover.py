"""Cases 27 and 28, steps S6 and S7: between the office and its team out of hours, one clock."""

from typing import Any

import pytest

from tests.acceptance.conftest import World, sample

STAFFORDSHIRE = "E10000028"


def urgent(grade: str = "immediate") -> dict[str, Any]:
    """Return the sample of case 2: a child in Staffordshire who lives with the suspect."""
    document = sample(2)
    document["grade"] = {**document["grade"], "level": grade}
    return document


def parts(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {delivery["agency"]: delivery for delivery in status["deliveries"]}


def test_27_the_day_team_gets_what_the_team_out_of_hours_acknowledged(world: World) -> None:
    world.at("2026-12-24 18:30")
    receipt = world.routed(sample(2))
    (offered,) = world.collect("staffordshire-edt")
    acknowledged = world.answer(
        "staffordshire-edt", delivery=offered["delivery"], stage="acknowledged", by="EDT worker"
    )
    assert acknowledged["result"] == "recorded"
    world.at("2026-12-29 08:59")
    world.watch()
    assert world.collect("staffordshire-csc") == []
    world.at("2026-12-29 09:00")
    world.watch()
    status = world.status(receipt)
    before, after = parts(status)["staffordshire-edt"], parts(status)["staffordshire-csc"]
    assert before["state"] == "handed_over"
    assert after["clock_start"] == before["clock_start"]
    assert world.local(after["deadlines"]["decide_by"]) == "2026-12-29 17:00"
    (mine,) = world.collect("staffordshire-csc")
    assert mine["content"]["children"]
    assert mine["handed_over"]["from"] == "staffordshire-edt"
    assert [answer["by"] for answer in mine["handed_over"]["answers"]] == ["EDT worker"]
