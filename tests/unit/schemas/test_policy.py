"""The structure of policies and directories, for editors: the broker reads the files itself."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from broker.policy.time.deadlines import Within as Reckoned
from schemas.directory import DIRECTORY
from schemas.export import json_schema
from schemas.formats import Within
from schemas.loading import load
from schemas.policy import POLICY, VIEWS

ROW = {
    **{"id": "lead", "sentence": "The council where the child is leads.", "basis": "statute"},
    **{"source": "Children Act 1989", "for": "child", "role": "lead", "view": "social-care"},
    **{"to": {"kind": "social-care", "of": "child.area"}, "deadlines": "care"},
    **{"from": "2026-01-01"},
}
POLICY_DOCUMENT = {
    "deadlines": {
        "care": {"high": {"acknowledge": "4 working hours"}, "any": {"decide": "1 hour"}}
    },
    "rows": [ROW],
}
TEAM = {
    **{"name": "Stoke children's social care", "kind": "social-care", "nation": "ENG"},
    **{"channel": "queue", "hours": "office", "from": "2026-01-01", "areas": ["E06000021"]},
}
DIRECTORY_DOCUMENT = {
    "areas": {"E06000021": {"name": "Stoke-on-Trent", "nation": "ENG"}},
    "organisations": {"stoke-csc": TEAM},
}


SHIPPED = Path(__file__).parents[3] / "policies" / "england"


class Plain(yaml.SafeLoader):
    """Reads days as they are written, and only numbers, true and false as anything but text."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag.endswith((":bool", ":int"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def judged(schema, kind, document):
    """Return the faults, after seeing that the exported schema judges alike."""
    faults = [(fault.pointer, fault.code) for fault in load(schema, document).faults]
    fits = jsonschema.Draft202012Validator(json_schema(kind)).is_valid(document)
    assert fits == (faults == [])
    return faults


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"when": "child.missing", "until": "2027-01-01", "out_of_hours": True}, []),
        ({"for": "parent"}, [("/rows/0/for", "unknown-code")]),
        ({"from": "1 January"}, [("/rows/0/from", "bad-date")]),
        ({"to": {"kind": "adult-care", "of": "child.area"}}, []),
        (
            {"to": {"kind": "Adult care"}},
            [("/rows/0/to/kind", "bad-kind"), ("/rows/0/to/of", "required")],
        ),
        ({"colour": "red"}, [("/rows/0/colour", "unknown-field")]),
    ],
)
def test_a_row_is_checked(change, expected):
    document = POLICY_DOCUMENT | {"rows": [ROW | change]}
    assert judged(POLICY, "policy", document) == expected


@pytest.mark.parametrize(
    ("deadlines", "expected"),
    [
        ({"care": {"any": {"decide": "soon"}}}, [("/deadlines/care/any/decide", "bad-deadline")]),
        ({"care": {"some": {"decide": "1 hour"}}}, [("/deadlines/care/some", "unknown-code")]),
        ({"care": {"any": {"answer": "1 hour"}}}, [("/deadlines/care/any/answer", "unknown-code")]),
    ],
)
def test_deadlines_are_checked(deadlines, expected):
    assert judged(POLICY, "policy", {"deadlines": deadlines, "rows": [ROW]}) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"hours": {"Mon": "08:30-17:00"}, "closures": {"2026-12-29": "Moving house"}}, []),
        ({"hours": "sometimes"}, [("/organisations/stoke-csc/hours", "unknown-code")]),
        (
            {"hours": {"Day": "09:00-17:00"}},
            [("/organisations/stoke-csc/hours/Day", "unknown-code")],
        ),
        ({"channel": "By pigeon"}, [("/organisations/stoke-csc/channel", "bad-channel")]),
        ({"channel": "webhook", "address": "https://stoke.example.org/referrals"}, []),
    ],
)
def test_an_organisation_is_checked(change, expected):
    document = DIRECTORY_DOCUMENT | {"organisations": {"stoke-csc": TEAM | change}}
    assert judged(DIRECTORY, "directory", document) == expected


def test_a_schema_for_editors_lists_the_channels_of_a_broker():
    exported = json_schema("directory", channels=["mailbox", "pigeon"])
    channel = exported["$defs"]["OrganisationEntry"]["properties"]["channel"]
    assert channel["enum"] == ["mailbox", "pigeon"]


def test_a_bad_name_and_a_bad_value_of_one_entry_are_both_told():
    document = DIRECTORY_DOCUMENT | {"organisations": {"Stoke CSC": TEAM | {"nation": "UK"}}}
    assert judged(DIRECTORY, "directory", document) == [
        ("/organisations/Stoke CSC", "bad-organisation"),
        ("/organisations/Stoke CSC/nation", "unknown-code"),
    ]


@pytest.mark.parametrize(
    "written",
    ["15 minutes", "4 hours", "1 hour", "4 working hours", "1 working day", "next school day"],
)
def test_a_deadline_is_written_as_the_policy_reads_it(written):
    assert Reckoned.parse(Within().deserialize(written))


@pytest.mark.parametrize(
    ("schema", "kind"), [(POLICY, "policy"), (VIEWS, "views"), (DIRECTORY, "directory")]
)
def test_what_is_shipped_fits(schema, kind):
    text = (SHIPPED / f"{kind}.yaml").read_text(encoding="utf-8")
    assert judged(schema, kind, yaml.load(text, Loader=Plain)) == []


@pytest.mark.parametrize(
    ("shows", "expected"),
    [
        ({"handling": "all", "children": ["id", "missing.status"]}, []),
        ({"handling": "most"}, [("/views/school/shows/handling", "unknown-code")]),
        ({"secrets": "all"}, [("/views/school/shows/secrets", "unknown-code")]),
        ({"children": ["..id"]}, [("/views/school/shows/children/0", "bad-path")]),
    ],
)
def test_a_view_is_checked(shows, expected):
    document = {"views": {"school": {"sentence": "What a school needs.", "shows": shows}}}
    assert judged(VIEWS, "views", document) == expected
