"""Ops change an organisation of the directory by the API, and nobody else does."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from referral_broker_client import Conflict, NotFound, Ops
from starlette.testclient import TestClient

from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.due_organisations import start_due
from broker.policy.language.entry_edits import merged
from tests.conftest import FixedClock
from tests.directory_rows import entries

STOKE = OrganisationCode("stoke-csc")
OPS = next(code for code, entry in entries().items() if entry["kind"] == "ops")
NEW = {**entries()[OrganisationCode("school-900001")], "urn": "900077", "name": "New School"}
Key = Callable[..., dict[str, str]]


@pytest.fixture
def ops(key: Key) -> dict[str, str]:
    return key(OPS, "ops")


def count(context: Context) -> int:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute("select count(*) from organisation_version").fetchone()[0]  # type: ignore[index]


def body(**change: Any) -> dict[str, Any]:
    return {"entry": {**entries()[STOKE], **change}, "reason": "New name.", "by": "Jo Example"}


def test_an_organisation_is_read_changed_and_read_again(
    client: TestClient, context: Context, ops: dict[str, str]
) -> None:
    read = client.get(f"/v1/organisations/{STOKE}", headers=ops)
    assert (read.status_code, read.headers["etag"], read.json()["version"]) == (200, '"0"', 0)
    assert read.json()["entry"] == entries()[STOKE]

    seen = {**ops, "If-Match": read.headers["etag"]}
    done = client.put(f"/v1/organisations/{STOKE}", json=body(name="Renamed"), headers=seen)

    assert (done.status_code, done.headers["etag"]) == (200, '"1"'), done.text
    result = done.json()
    assert result["entry"]["name"] == "Renamed"
    (version,) = result["versions"]
    assert (version["version"], version["reason"]) == (1, "New name.")
    assert re.fullmatch(r"key:[0-9a-f]+ person:Jo Example", version["by"])
    assert result["policy_version"] == context.policies.latest().version
    assert result["policy_version"].endswith(".1")
    assert client.get(f"/v1/organisations/{STOKE}", headers=ops).json() == result
    again = client.put(f"/v1/organisations/{STOKE}", json=body(name="Renamed"), headers=seen)
    assert again.json() == result
    assert count(context) == 1


def test_one_is_added_and_everyone_is_listed(
    client: TestClient, context: Context, ops: dict[str, str]
) -> None:
    document = {"entry": NEW, "reason": "It opens.", "by": "Jo Example"}
    headers = {**ops, "If-None-Match": "*"}
    added = client.put("/v1/organisations/school-900077", json=document, headers=headers)
    assert added.status_code == 200, added.text

    codes: list[str] = []
    after: str | None = ""
    while after is not None:
        query = {"after": after, "limit": "7"}
        page = client.get("/v1/organisations", params=query, headers=ops).json()
        codes += [organisation["code"] for organisation in page["organisations"]]
        after = page["next"]

    assert codes == sorted({*entries(), "school-900077"})
    refused = client.put(f"/v1/organisations/{STOKE}", json=body(), headers=headers)
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("document", "headers", "refused"),
    [
        (body(colour="blue"), {"If-Match": '"0"'}, (422, "/entry/colour")),
        (
            body(contacts={"duty": {"email": "nobody"}}),
            {"If-Match": '"0"'},
            (422, "organisation stoke-csc /contacts/duty/email"),
        ),
        (body(until="2027-06-30"), {"If-Match": '"0"'}, (422, "organisation stoke-csc")),
        (body(name="X"), {}, (422, "/If-Match")),
        (body(name="X"), {"If-Match": '"3"'}, (409, None)),
    ],
)
def test_what_is_refused_says_where_and_changes_nothing(
    document: Any,
    headers: Any,
    refused: tuple[int, str | None],
    client: TestClient,
    context: Context,
    ops: dict[str, str],
) -> None:
    answer = client.put(f"/v1/organisations/{STOKE}", json=document, headers={**ops, **headers})

    faults = answer.json().get("errors") or [{"pointer": None}]
    assert (answer.status_code, faults[0]["pointer"]) == refused, answer.text
    assert answer.json()["next_step"]
    assert count(context) == 0


def patch(
    client: TestClient, ops: dict[str, str], etag: str, entry: Any, **more: Any
) -> tuple[int, Any]:
    """Change fields of Stoke; return the status and the answer."""
    document = {"entry": entry, "reason": "New telephone.", "by": "Jo Example", **more}
    answer = client.patch(
        f"/v1/organisations/{STOKE}",
        content=json.dumps(document),
        headers={**ops, "If-Match": etag, "Content-Type": "application/merge-patch+json"},
    )
    return answer.status_code, answer.json()


def test_fields_are_changed_and_what_is_set_for_later_is_not_brought_forward(
    client: TestClient, context: Context, ops: dict[str, str], clock: FixedClock
) -> None:
    day = (clock() + timedelta(days=2)).isoformat()
    assert patch(client, ops, '"0"', {"name": "Later"}, starts_at=day)[0] == 200
    fields = {"contacts": {"duty": {"telephone": "01632 960199", "sms": None}}}

    read = client.get(f"/v1/organisations/{STOKE}", headers=ops)
    status, done = patch(client, ops, read.headers["etag"], fields)
    again = patch(client, ops, read.headers["etag"], fields)

    assert (read.headers["etag"], read.headers["accept-patch"]) == (
        *('"1.0"', "application/merge-patch+json"),
    )
    assert (status, done["version"], done["etag"]) == (200, 3, "3.2"), done
    assert done["entry"] == merged(entries()[STOKE], fields)
    (later,) = done["later"]
    assert (later["version"], later["changes"]) == (3, ["/name"])
    assert later["entry"] == {**done["entry"], "name": "Later"}
    assert again == (200, done)
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute(
            "select version, document ->> 'name', document #>> '{contacts,duty,telephone}',"
            " starts_at > recorded_at from organisation_version order by version"
        ).fetchall()
    was = entries()[STOKE]["name"], entries()[STOKE]["contacts"]["duty"]["telephone"]
    assert rows == [
        (1, "Later", was[1], True),
        (2, was[0], "01632 960199", False),
        (3, "Later", "01632 960199", True),
    ]


def test_a_whole_entry_replaces_what_is_in_force_and_not_what_is_set_for_later(
    client: TestClient, ops: dict[str, str], clock: FixedClock
) -> None:
    day = (clock() + timedelta(days=2)).isoformat()
    assert patch(client, ops, '"0"', {"name": "Later"}, starts_at=day)[0] == 200
    read = client.get(f"/v1/organisations/{STOKE}", headers=ops).json()
    read["entry"]["encrypted"] = False
    document = {"entry": read["entry"], "reason": "Why.", "by": "Jo Example"}

    seen = {**ops, "If-Match": f'"{read["etag"]}"'}
    done = client.put(f"/v1/organisations/{STOKE}", json=document, headers=seen).json()

    assert done["entry"] == {**entries()[STOKE], "encrypted": False}
    assert [later["entry"] for later in done["later"]] == [{**done["entry"], "name": "Later"}]


def test_who_read_it_before_a_version_started_changes_nothing(
    client: TestClient, context: Context, ops: dict[str, str], clock: FixedClock
) -> None:
    day = (clock() + timedelta(minutes=1)).isoformat()
    assert patch(client, ops, '"0"', {"name": "Later"}, starts_at=day)[0] == 200
    clock.advance(minutes=1)
    assert patch(client, ops, '"1.0"', {"channel": "queue"})[0] == 503
    start_due(context, now=clock())

    document = {"entry": entries()[STOKE], "reason": "Why.", "by": "Jo Example"}
    seen = {**ops, "If-Match": '"1.0"'}
    whole = client.put(f"/v1/organisations/{STOKE}", json=document, headers=seen)

    assert (whole.status_code, count(context)) == (409, 1)
    assert patch(client, ops, '"1"', {"encrypted": False})[1]["entry"]["name"] == "Later"


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"colour": "blue"}, "organisation stoke-csc /colour"),
        ({"name": None}, "organisation stoke-csc /name"),
        (
            {"contacts": {"duty": {"email": "nobody"}}},
            "organisation stoke-csc /contacts/duty/email",
        ),
        (["name"], "/entry"),
    ],
)
def test_fields_that_would_be_wrong_are_named_and_nothing_changes(
    entry: Any, pointer: str, client: TestClient, context: Context, ops: dict[str, str]
) -> None:
    status, problem = patch(client, ops, '"0"', entry)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer), problem
    assert count(context) == 0


def test_a_merge_patch_says_that_it_is_one(
    client: TestClient, context: Context, ops: dict[str, str]
) -> None:
    document = {"entry": {"name": "X"}, "reason": "Why.", "by": "Jo Example"}
    seen = {**ops, "If-Match": '"0"'}
    refused = client.patch(f"/v1/organisations/{STOKE}", json=document, headers=seen)

    assert (refused.status_code, count(context)) == (415, 0)
    assert "application/merge-patch+json" in refused.json()["detail"]


def test_nobody_else_reads_or_changes_it(client: TestClient, context: Context, key: Key) -> None:
    for headers in (key(STOKE, "collect"), key("staffordshire-police", "publish"), {}):
        seen = {**headers, "If-Match": '"0"'}
        answers = (
            client.get("/v1/organisations", headers=headers),
            client.get(f"/v1/organisations/{STOKE}", headers=headers),
            client.put(f"/v1/organisations/{STOKE}", json=body(name="X"), headers=seen),
            client.patch(f"/v1/organisations/{STOKE}", json=body(name="X"), headers=seen),
        )
        assert {answer.status_code for answer in answers} <= {401, 403}
    assert count(context) == 0


def test_what_is_not_there_is_not_found(client: TestClient, ops: dict[str, str]) -> None:
    seen = {**ops, "If-Match": '"0"'}
    assert client.get("/v1/organisations/nobody", headers=ops).status_code == 404
    changed = client.put("/v1/organisations/nobody", json=body(), headers=seen)
    assert changed.status_code == 404


@pytest.mark.parametrize("code", ["Bad%20Code", "a%00b", "a" * 65, "a_b"])
def test_what_is_no_code_is_not_found_and_not_added(
    code: str, client: TestClient, context: Context, ops: dict[str, str]
) -> None:
    assert client.get(f"/v1/organisations/{code}", headers=ops).status_code == 404
    new = {"entry": NEW, "reason": "New.", "by": "Jo Example"}
    answer = client.put(
        f"/v1/organisations/{code}", json=new, headers={**ops, "If-None-Match": "*"}
    )
    assert answer.status_code == 422, answer.text
    assert [fault["code"] for fault in answer.json()["errors"]] == ["bad-organisation"]
    assert count(context) == 0


def test_the_client_does_the_same(address: str, context: Context, ops: dict[str, str]) -> None:
    with Ops(address, ops["Authorization"].removeprefix("Bearer ")) as client:
        read = client.organisations.show(STOKE)
        changed = client.organisations.change(
            STOKE, {"name": "Renamed"}, "New.", by="Jo", etag=read["etag"]
        )
        starts_at = datetime.now(UTC) + timedelta(days=700)
        later = client.organisations.replace(
            *(STOKE, read["entry"], "New."), by="Jo", etag=changed["etag"], starts_at=starts_at
        )
        client.organisations.replace("school-900077", NEW, "It opens.", by="Jo")
        with pytest.raises(Conflict):
            client.organisations.replace(STOKE, read["entry"], "New.", by="Jo", etag="7")
        with pytest.raises(NotFound):
            client.organisations.show("nobody")
        page, following = client.organisations.page("school-900076")

    assert (changed["version"], changed["entry"]["name"]) == (1, "Renamed")
    assert (later["etag"], later["entry"]["name"]) == ("2.1", "Renamed")
    assert [then["changes"] for then in later["later"]] == [["/name"]]
    assert (page[0]["code"], page[0]["version"], following) == ("school-900077", 1, None)
    assert count(context) == 3
