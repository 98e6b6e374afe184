"""What people and systems do with untidy referrals: repeats, corrections, areas given, blanks."""

import json
from typing import Any

import psycopg
import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import CHILD, STAFFORDSHIRE, STOKE, agencies, referral
from tests.acceptance.test_cases_places import warnings as all_warnings

SHROPSHIRE, GLASGOW = "E06000051", "S12000049"
HIGH = {"level": "high", "reason": "Invented."}
LOW = {"level": "low", "reason": "Invented."}
HERE = CHILD | {"area": STAFFORDSHIRE}


def document(*children: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return referral(*children, **({"grade": HIGH} | changes))


def handed_in(world: World, *children: dict[str, Any], **changes: Any) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(document(*children, **changes))


def ops(world: World) -> dict[str, str]:
    return world.headers("ops", "ops")


def tasks(world: World) -> list[dict[str, Any]]:
    return world.client.get("/v1/attention", headers=ops(world)).json()["task"]


def post(world: World, body: bytes) -> Any:
    headers = world.police | {"Content-Type": "application/json"}
    return world.client.post("/v1/referrals", content=body, headers=headers)


def give(world: World, status: dict[str, Any], areas: dict[str, str]) -> Any:
    path = f"/v1/referrals/{status['id']}/areas"
    answer = world.client.post(path, json={"areas": areas}, headers=ops(world))
    world.drain()
    return answer


def correct(world: World, status: dict[str, Any], *children: Any, **changes: Any) -> dict[str, Any]:
    path = f"/v1/referrals/{status['id']}/corrections"
    body = document(*children, **changes)
    answer = world.client.post(path, json=body, headers=world.police)
    assert answer.status_code == 202, answer.text
    world.drain()
    return world.status(status)


def standing(status: dict[str, Any]) -> set[str]:
    ended = {"recalled"}
    return {
        delivery["agency"]
        for delivery in status["deliveries"]
        if delivery["kind"] != "recall" and delivery["state"] not in ended
    }


def test_10_a_correction_that_names_the_area_counts_before_one_that_was_given(
    world: World,
) -> None:
    status = handed_in(world, CHILD)
    assert give(world, status, {"c": STOKE}).status_code == 202
    assert agencies(world.status(status)) == {"stoke-csc"}
    corrected = correct(world, status, CHILD | {"area": SHROPSHIRE})
    assert standing(corrected) == {"shropshire-csc"}
    lead = next(each for each in corrected["deliveries"] if each["agency"] == "shropshire-csc")
    assert lead["role"] == "lead"


def test_10_an_area_that_was_given_is_not_that_of_another_child_under_the_id(world: World) -> None:
    """Systems that number children by their place give the next child the id of the first."""
    status = handed_in(world, CHILD)
    give(world, status, {"c": STOKE})
    other = CHILD | {"given_name": "Other", "date_of_birth": "2015-02-02", "area": GLASGOW}
    corrected = correct(world, status, other, CHILD | {"id": "c2"})
    assert standing(corrected) == {"glasgow-sw"}
    assert "Other" not in json.dumps(world.collect("stoke-csc"))


@pytest.mark.parametrize("changes", [{"language": "Welsh"}, {"given_name": "Tessa"}])
def test_10_an_area_that_was_given_stays_through_other_corrections(
    world: World, changes: dict[str, str]
) -> None:
    status = handed_in(world, CHILD)
    give(world, status, {"c": STOKE})
    assert standing(correct(world, status, CHILD | changes)) == {"stoke-csc"}


def test_10_an_area_that_was_given_stays_where_nobody_serves_what_is_named(world: World) -> None:
    unserved = CHILD | {"area": "E08000025"}
    status = handed_in(world, unserved)
    give(world, status, {"c": STOKE})
    assert standing(correct(world, status, unserved | {"language": "Welsh"})) == {"stoke-csc"}


def test_20_an_area_for_a_rejected_referral_is_a_conflict(world: World) -> None:
    body = document()
    del body["concern"]
    world.at("2026-12-16 10:00")
    status = world.routed(body)
    assert status["state"] == "rejected"
    answer = give(world, status, {"referral": STOKE})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_15_another_document_under_a_used_reference_has_an_owner(
    world: World, context: Context
) -> None:
    handed_in(world, HERE)
    other = document(CHILD | {"given_name": "Another", "area": STOKE})
    for _ in range(2):
        assert post(world, json.dumps(other).encode()).status_code == 409
    (task,) = tasks(world)
    assert (task["code"], task["reference"]) == ("refused", other["reference"])
    assert "reference-conflict" in task["message"]
    with psycopg.connect(context.settings.database_url) as connection:
        kept = connection.execute("select count(*) from referral").fetchone()
        refused = connection.execute("select distinct reason from refusal").fetchall()
    assert (kept, refused) == ((1,), [("reference-conflict",)])
    assert world.collect("stoke-csc") == []


def test_15_every_other_document_of_a_bulk_has_an_owner_and_all_are_written_at_once(
    world: World, context: Context
) -> None:
    """Lines 2 to 4 come under used references, lines 5 and 6 under one of those again."""
    references = [f"BULK/{number}" for number in (1, 2, 3)]
    for reference in references:
        handed_in(world, HERE, reference=reference)
    others = [
        document(CHILD | {"given_name": name}, reference=reference)
        for name, reference in zip("ABCDE", [*references, *references[:2]], strict=True)
    ]
    lines = [json.dumps(line).encode() for line in [document(HERE, reference="NEW/1"), *others]]
    answer = world.client.post(
        "/v1/referrals/bulk",
        content=b"\n".join(lines),
        headers=world.police | {"Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    assert sorted(task["reference"] for task in tasks(world)) == references
    with psycopg.connect(context.settings.database_url) as connection:
        written = connection.execute(
            "select count(*), count(distinct xmin::text), count(distinct digest) from refusal"
        ).fetchone()
        opened = connection.execute(
            "select count(*) from event where kind = 'organisation.task_opened'"
        ).fetchone()
    assert (written, opened) == ((5, 1, 5), (3,))


def test_15_every_line_of_a_bulk_that_is_refused_has_an_owner_and_all_are_written_at_once(
    world: World, context: Context
) -> None:
    lines = [b"{", json.dumps(document(HERE, reference="NEW/1")).encode(), b"[]", b"{"]
    answer = world.client.post(
        "/v1/referrals/bulk",
        content=b"\n".join(lines),
        headers=world.police | {"Content-Type": "application/x-ndjson"},
    )
    results = [json.loads(line)["status"] for line in answer.content.splitlines()]
    assert results == [400, 202, 400, 400]
    with psycopg.connect(context.settings.database_url) as connection:
        written = connection.execute(
            "select count(*), count(distinct xmin::text), count(distinct digest) from refusal"
        ).fetchone()
    assert written == (3, 1, 2)
    assert len(tasks(world)) == 2  # without a reference all bodies with one fault are one task


def test_15_another_document_under_a_used_key_is_told_of_as_that(
    world: World, context: Context
) -> None:
    key = world.police | {"Idempotency-Key": "K-1"}
    first = document(HERE, reference="KEY/1")
    other = document(CHILD | {"given_name": "Another"}, reference="KEY/2")
    assert world.client.post("/v1/referrals", json=first, headers=key).status_code == 202
    assert world.client.post("/v1/referrals", json=other, headers=key).status_code == 409
    (task,) = tasks(world)
    assert task["reference"] == "KEY/2"
    assert "an Idempotency-Key that was used before" in task["message"]
    assert "under a reference" not in task["message"]
    own = world.police | {"Idempotency-Key": "K-2"}
    assert world.client.post("/v1/referrals", json=other, headers=own).status_code == 202
    assert tasks(world) == []


def refusals(context: Context) -> list[tuple[str, bool]]:
    """Return of each refused body the code, and whether its event names the task about it."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select refusal.reason, event.id is not null from refusal"
            " join task on task.publisher = refusal.publisher and task.digest = refusal.digest"
            " left join event on event.kind = 'organisation.task_opened'"
            " and event.data ->> 'task' = task.id::text"
        ).fetchall()


def test_15_another_correction_under_a_used_key_is_a_task_until_it_comes_under_its_own(
    world: World, context: Context
) -> None:
    status = handed_in(world, HERE)
    key = world.police | {"Idempotency-Key": "K-1"}
    path = f"/v1/referrals/{status['id']}/corrections"
    first = document(HERE | {"given_name": "Once"})
    other = document(HERE | {"given_name": "Another"})
    assert world.client.post(path, json=first, headers=key).status_code == 202
    assert world.client.post(path, json=other, headers=key).status_code == 409
    (task,) = tasks(world)
    assert task["reference"] == status["reference"]
    assert "an Idempotency-Key that was used before" in task["message"]
    assert refusals(context) == [("reference-conflict", True)]
    own = world.police | {"Idempotency-Key": "K-2"}
    assert world.client.post(path, json=other, headers=own).status_code == 202
    assert tasks(world) == []


def test_15_a_correction_beyond_the_most_versions_is_a_task(
    world: World, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.ledger.corrections.MOST_VERSIONS", 1)
    status = handed_in(world, HERE)
    path = f"/v1/referrals/{status['id']}/corrections"
    changed = document(HERE | {"given_name": "Another"})
    assert world.client.post(path, json=changed, headers=world.police).status_code == 409
    (task,) = tasks(world)
    assert "send it as a new referral" in task["message"]
    assert refusals(context) == [("conflict", True)]


def test_15_the_same_document_again_is_no_task(world: World) -> None:
    handed_in(world, HERE)
    assert post(world, json.dumps(document(HERE)).encode()).status_code == 202
    assert tasks(world) == []


TEXT = json.dumps(document(HERE))
BODIES = {
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16, the other way round": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "a list of one": f"[{TEXT}]".encode(),
    "NUL at the end": TEXT.encode() + b"\x00\x00",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT.encode(),
    "inside another object": f'{{"referral": {TEXT}}}'.encode(),
    "a number as reference": TEXT.replace('"PLACES/1"', "12345").encode(),
    "a reference with blanks": TEXT.replace("PLACES/1", "STAFFS 2026 (7)").encode(),
    "a reference that is too long": TEXT.replace("PLACES/1", "R1" * 45).encode(),
    "a schema in capitals": TEXT.replace("referral/1", "Referral/1.0").encode(),
}


@pytest.mark.parametrize("name", BODIES)
def test_19_a_body_that_is_nearly_a_referral_is_read(world: World, name: str) -> None:
    world.at("2026-12-16 10:00")
    answer = post(world, BODIES[name])
    assert answer.status_code == 202, answer.text
    world.drain()
    status = world.status(answer.json())
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})
    assert "read-otherwise" in {defect["code"] for defect in status["defects"]}
    again = post(world, BODIES[name]).json()
    assert (again["id"], again["duplicate"]) == (status["id"], True)


def test_19_two_references_stay_two(world: World) -> None:
    world.at("2026-12-16 10:00")
    ids = {
        post(world, TEXT.replace("PLACES/1", text).encode()).json()["id"]
        for text in ("CASE 1 (a)", "CASE 1 [a]", "CASE-1-a")
    }
    assert len(ids) == 3


@pytest.mark.parametrize("reference", [None, "---", [], " no reference ", "not known"])
def test_20_without_a_reference_it_is_refused_and_has_an_owner(
    world: World, reference: Any
) -> None:
    world.at("2026-12-16 10:00")
    answer = post(world, json.dumps(document(HERE, reference=reference)).encode())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "bad-reference"
    assert [task["code"] for task in tasks(world)] == ["refused"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_43_the_first_and_the_last_moment_of_a_system_stop_nothing(
    world: World, moment: str
) -> None:
    status = handed_in(world, HERE, times={"first_known_at": moment})
    assert (status["state"], agencies(status)) == ("routed", {"staffordshire-csc"})
    assert "/times/first_known_at" in {defect["pointer"] for defect in status["defects"]}


NOBODY = {"given_name": "Unknown", "family_name": "N/K", "date_of_birth": "2014-01-01"}


def test_37_children_whom_nobody_named_are_not_one_child(world: World) -> None:
    for number in range(3):
        child = HERE | NOBODY | {"school": {"name": f"Invented {number}"}}
        status = handed_in(world, child, reference=f"N/{number}", grade=LOW)
    assert not {"third-low", "linked-referral"} & {code for code, _ in all_warnings(status)}
    twice = handed_in(world, HERE | NOBODY, HERE | NOBODY | {"id": "d"}, reference="N/9")
    assert "same-child-twice" not in {defect["code"] for defect in twice["defects"]}


def test_38_what_was_left_blank_links_nothing(world: World) -> None:
    for number in range(2):
        online = {
            "reports": [{"source": "NCMEC", "id": "TBC"}],
            "identities": [{"id": "i", "username": "unknown", "telephone": "N/K"}],
        }
        child = HERE | {"address": {"uprn": "0", "lines": [f"{number} Invented Road"]}}
        status = handed_in(world, child, reference=f"B/{number}", online=online)
    assert "linked-referral" not in {code for code, _ in all_warnings(status)}


@pytest.mark.parametrize("language", ["N/K", "Unknown", "-", "TBC", "?", "not recorded"])
def test_11_a_language_that_nobody_knows_is_a_defect(world: World, language: str) -> None:
    status = handed_in(world, HERE | {"language": language})
    assert "language-not-yet-known" in {defect["code"] for defect in status["defects"]}


def test_26_very_many_blanks_are_one_task_and_every_warning(world: World) -> None:
    victims = [{"id": f"v{number}", "approximate_age": 12} for number in range(60)]
    status = handed_in(world, HERE, *victims)
    assert agencies(status) == {"staffordshire-csc"}
    asked = [task["code"] for task in tasks(world)]
    assert len(asked) == len(set(asked))
    assert "missing-unknown" in asked
    missing = [pointer for code, pointer in all_warnings(status) if code == "missing-unknown"]
    assert len(missing) == len(victims)


def test_nobody_is_an_adult_by_the_date_that_a_system_writes_for_none(world: World) -> None:
    suspect = {"id": "s", "date_of_birth": "1900-01-01", "area": STAFFORDSHIRE}
    status = handed_in(world, HERE, persons_posing_risk=[suspect])
    assert ("person-age-unknown", "/persons_posing_risk/0") in all_warnings(status)
    boy = handed_in(world, HERE, persons_posing_risk=[suspect | {"age": 15}], reference="PLACES/2")
    assert ("person-age-unknown", "/persons_posing_risk/0") not in all_warnings(boy)
    (_, delivery) = world.collect("staffordshire-csc")
    assert delivery["content"]["children_alleged_to_have_harmed"][0]["id"] == "s"
