"""Ops change an organisation of the directory by the API, and nobody else does."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from referral_broker_client import Conflict, NotFound, Ops
from starlette.testclient import TestClient

from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
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


def test_nobody_else_reads_or_changes_it(client: TestClient, context: Context, key: Key) -> None:
    for headers in (key(STOKE, "collect"), key("staffordshire-police", "publish"), {}):
        seen = {**headers, "If-Match": '"0"'}
        answers = (
            client.get("/v1/organisations", headers=headers),
            client.get(f"/v1/organisations/{STOKE}", headers=headers),
            client.put(f"/v1/organisations/{STOKE}", json=body(name="X"), headers=seen),
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
        entry = {**read["entry"], "name": "Renamed"}
        changed = client.organisations.change(
            STOKE, entry, "New.", by="Jo", version=read["version"]
        )
        client.organisations.change("school-900077", NEW, "It opens.", by="Jo")
        with pytest.raises(Conflict):
            client.organisations.change(STOKE, read["entry"], "New.", by="Jo", version=7)
        with pytest.raises(NotFound):
            client.organisations.show("nobody")
        page, following = client.organisations.page("school-900076")

    assert (changed["version"], changed["entry"]["name"]) == (1, "Renamed")
    assert (page[0]["code"], page[0]["version"], following) == ("school-900077", 1, None)
    assert count(context) == 2
