"""``broker directory set``, ``history`` and ``import-schools`` on a real ledger."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

BY = ("--by", "Jo Bloggs")
WHY = (*BY, "--reason", "New duty telephone.")
REGISTER = (
    *("URN", "EstablishmentName", "EstablishmentStatus (name)", "OpenDate", "CloseDate"),
    *("TelephoneNum", "GSSLACode (name)"),
)
TERMS = ["2026-09-02 to 2026-12-18", "2027-01-05 to 2027-07-20"]
TEMPLATE = {
    "entry": {
        "hours": {"Mon": "08:00-16:00", "Tue": "08:00-16:00"},
        "terms": TERMS,
        "channel": "mailbox",
        "from": "2026-01-01",
        "contacts": {"duty": {"email": "dsl@school-{urn}.example.org"}},
    },
    "by_area": {"E06000051": {"terms": TERMS[:1]}},
}


@pytest.fixture
def admin(run: Run, dsn: str) -> Run:
    """Run ``broker`` on a ledger of its own."""
    return lambda *arguments: run(*arguments, BROKER_DATABASE_URL=dsn)


@pytest.fixture
def written(dsn: str) -> Callable[[str], list[Any]]:
    """Return the rows of a query."""

    def query(text: str) -> list[Any]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(text.encode()).fetchall()

    return query


@pytest.fixture
def entry(admin: Run, tmp_path: Path) -> Callable[..., str]:
    """Return a file with an organisation's entry, of which something is changed."""

    def made(code: str, **change: Any) -> str:
        shown = admin("directory", "show", code, "--entry")
        assert shown.code == 0, shown.err
        file = tmp_path / f"{code}.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(shown.out) | change), encoding="utf-8")
        return str(file)

    return made


@pytest.fixture
def register(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Return files: an extract of the register with these schools, and a template."""

    def made(*schools: tuple[str, ...]) -> tuple[str, str]:
        extract, template = tmp_path / "extract.csv", tmp_path / "template.yaml"
        with extract.open("w", encoding="cp1252", newline="") as file:
            csv.writer(file).writerows([REGISTER, *schools])
        template.write_text(yaml.safe_dump(TEMPLATE), encoding="utf-8")
        return str(extract), str(template)

    return made


def test_one_organisation_is_changed_and_the_rules_stay(
    admin: Run, entry: Any, written: Any
) -> None:
    file = entry("stoke-csc", name="Stoke (renamed)")
    dry = admin("directory", "set", "stoke-csc", file, "--version", "0", *WHY, "--dry-run")
    assert dry.code == 0, dry.err
    assert written("select count(*) from organisation_version") == [(0,)]

    done = admin("directory", "set", "stoke-csc", file, "--version", "0", *WHY, "--json")

    assert done.code == 0, done.err
    (version,) = written("select version from policy order by published_at desc limit 1")
    assert json.loads(done.out)["policy_version"] == version[0]
    assert written("select code, version, actor, reason from organisation_version") == [
        ("stoke-csc", 1, "person:Jo Bloggs", "New duty telephone.")
    ]
    shown = json.loads(admin("directory", "show", "stoke-csc", "--json").out)
    assert [(row["name"], row["version"]) for row in shown] == [("Stoke (renamed)", 1)]
    history = json.loads(admin("directory", "history", "stoke-csc", "--json").out)
    assert [(row["version"], row["revision"], row["by"]) for row in history] == [
        (1, 1, "Jo Bloggs")
    ]


def test_fields_are_changed_alone_and_what_is_set_for_later_stays(
    admin: Run, entry: Any, written: Any
) -> None:
    file = entry("stoke-csc", name="Later", out_of_hours_partner="stoke-edt")
    later = ("--starts", "2099-01-04T09:00", *WHY)
    assert admin("directory", "set", "stoke-csc", file, "--version", "0", *later).code == 0
    fields = ("--field", "contacts.duty.telephone=01632 960199", "--field", "areas=[E06000021]")
    dry = admin("directory", "set", "stoke-csc", *fields, *WHY, "--dry-run")

    done = admin("directory", "set", "stoke-csc", *fields, "--clear", "encrypted", *WHY)

    assert done.code == 0, done.err
    assert "contacts.duty.telephone: 01632 960111 -> 01632 960199" in dry.out + dry.err
    assert "as set before: name: Later" in dry.out + dry.err
    shown = admin("directory", "show", "stoke-csc", "--entry").out
    assert shown.splitlines()[0] == "# stoke-csc, version 3.2"
    assert "# set for later, from Sun 04 Jan 2099 09:00 on: /name" in shown, shown
    rows = "select document ->> 'name', document #>> '{contacts,duty,telephone}'"
    assert written(f"{rows} from organisation_version where version > 1 order by version") == [
        (yaml.safe_load(shown)["name"], "01632 960199"),
        ("Later", "01632 960199"),
    ]
    for wrong in ((file,), (file, *fields), ("--field", "name"), ()):
        assert admin("directory", "set", "stoke-csc", *wrong, *WHY).code == 2


def test_a_wrong_entry_and_an_old_one_are_refused(admin: Run, entry: Any, written: Any) -> None:
    wrong = entry("stoke-csc", contacts={"duty": {"email": "nobody"}})
    refused = admin("directory", "set", "stoke-csc", wrong, "--version", "0", *WHY)
    assert refused.code == 3
    assert "organisation stoke-csc /contacts/duty/email" in refused.err + refused.out
    file = entry("stoke-csc", name="Another")
    late = admin("directory", "set", "stoke-csc", file, "--version", "4", *WHY)
    assert late.code != 0
    assert "changed by somebody else" in late.err + late.out
    assert written("select count(*) from organisation_version") == [(0,)]


def test_what_changed_between_two_instants_is_told(admin: Run, entry: Any, written: Any) -> None:
    (before,) = written("select now()::text")
    admin("directory", "set", "stoke-csc", entry("stoke-csc", name="New"), "--version", "0", *WHY)

    told = admin("policy", "diff", before[0], "in-force")

    assert told.code == 0, told.err
    assert told.out.splitlines()[0] == "organisation stoke-csc"
    assert "name is 'New'" in told.out


def test_the_register_of_schools_is_taken_over(admin: Run, register: Any, written: Any) -> None:
    files = register(
        ("100001", "Old Mill Primary", "Open", "01-09-1998", "", "1632960200", "E06000021"),
        ("100002", "Château School", "Open", "", "", "", "E06000051"),
        ("100003", "Gone School", "Closed", "", "31-08-2019", "", ""),
        ("900001", "Slipware Lane (renamed)", "Open", "", "31-08-2027", "", ""),
        ("900002", "Orchard Drift Primary, Shropshire (sample)", "Open", "", "", "", ""),
        ("900003", "Cannock Chase Sample High", "Closed", "", "31-08-2026", "", ""),
    )
    dry = admin("directory", "import-schools", *files, *BY, "--dry-run", "--json")
    assert written("select count(*) from organisation_version") == [(0,)]

    done = admin("directory", "import-schools", *files, *BY, "--json")
    again = admin("directory", "import-schools", *files, *BY, "--json")

    counts = {"added": 2, "changed": 1, "closed": 1, "unchanged": 1, "left_out": 1, "refused": 0}
    for ran, is_recorded in ((dry, False), (done, True)):
        assert ran.code == 0, ran.err
        assert json.loads(ran.out) == {"recorded": is_recorded, **counts, "refused_schools": {}}
    assert json.loads(again.out)["unchanged"] == 5
    assert written("select count(*), max(revision) from directory_revision") == [(4, 4)]
    documents = dict(written("select code, document from organisation_version"))
    assert documents["school-100001"]["contacts"]["duty"] == {
        "email": "dsl@school-100001.example.org",
        "telephone": "01632960200",
    }
    assert documents["school-100001"]["from"] == "2026-01-01"
    assert documents["school-100002"]["name"] == "Château School"
    assert documents["school-100002"]["terms"] == TERMS[:1]
    assert documents["school-900001"]["until"] == "2027-08-31"
    assert documents["school-900001"]["contacts"]["duty"]["telephone"] == "01632 960137"
    assert documents["school-900003"]["until"] == "2026-08-31"


def test_schools_that_nobody_could_alert_are_left_as_they_are(
    admin: Run, register: Any, tmp_path: Path, written: Any
) -> None:
    files = register(
        ("100001", "Old Mill Primary", "Open", "", "", "", ""),
        ("100001", "Old Mill Primary", "Open", "", "", "", ""),
        ("100002", "New Mill Primary", "Open", "", "", "", ""),
        ("900001", "Slipware Lane (renamed)", "Open", "", "", "", ""),
    )
    template = tmp_path / "silent.yaml"
    silent = {**TEMPLATE["entry"], "contacts": {"duty": {"telephone": "01632 960200"}}}
    template.write_text(yaml.safe_dump({"entry": silent}), encoding="utf-8")

    ran = admin("directory", "import-schools", files[0], str(template), *BY, "--json")

    assert ran.code == 3
    result = json.loads(ran.out)
    assert {code: faults[0]["code"] for code, faults in result["refused_schools"].items()} == {
        "100001": "duplicate",
        "school-100002": "no-contact",
    }
    assert written("select code from organisation_version") == [("school-900001",)]


def test_schools_that_are_there_twice_stay_and_what_is_set_for_later_has_the_change(
    admin: Run, register: Any, entry: Any, written: Any
) -> None:
    later = ("--starts", "2099-01-04T09:00", *WHY)
    renamed = entry("school-900001", name="Renamed later")
    assert admin("directory", "set", "school-900001", renamed, "--version", "0", *later).code == 0
    new = entry("school-900002", urn="100003")
    assert admin("directory", "set", "school-100003", new, "--new", *later).code == 0
    moved = entry("school-900002", urn="100005")
    assert admin("directory", "set", "school-100004", moved, "--new", *WHY).code == 0
    files = register(
        ("100001", "Old Mill Primary", "Open", "", "", "", ""),
        ("100002", "New Mill Primary", "Open", "", "", "", ""),
        ("100003", "Renamed", "Open", "", "", "", ""),
        ("100004", "Renamed", "Open", "", "", "", ""),
        ("900001", "Slipware Lane", "Closed", "", "31-08-2026", "", ""),
        ("100001", "Old Mill Primary", "Closed", "", "31-08-2026", "", ""),
    )

    ran = admin("directory", "import-schools", *files, *BY, "--json")

    assert ran.code == 3, ran.err
    refused = json.loads(ran.out)["refused_schools"]
    assert {code: faults[0]["code"] for code, faults in refused.items()} == {
        "100001": "duplicate",
        "school-100003": "duplicate",
        "school-100004": "duplicate",
    }
    by_import = "select code from organisation_version where reason like 'Register%'"
    assert written(by_import) == [("school-100002",), ("school-900001",), ("school-900001",)]
    ends = "select version, document ->> 'name', document ->> 'until' from organisation_version"
    shipped = "Slipware Lane"
    assert written(f"{ends} where code = 'school-900001' order by version") == [
        (1, "Renamed later", None),
        (2, shipped, "2026-08-31"),
        (3, "Renamed later", "2026-08-31"),
    ]


def test_each_school_that_is_refused_is_named_whatever_is_wrong_with_it(
    admin: Run, register: Any, written: Any
) -> None:
    files = register(
        ("100001", "Mill " * 60, "Open", "", "", "", ""),
        ("100002", "Old Mill Primary", "Open", "01-09-2027", "31-08-2027", "", ""),
        ("100003", "New Mill Primary", "Open", "", "", "", ""),
    )

    ran = admin("directory", "import-schools", *files, *BY, "--json")

    assert ran.code == 3, ran.err
    assert json.loads(ran.out)["refused_schools"].keys() == {"school-100001", "school-100002"}
    assert written("select code from organisation_version") == [("school-100003",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_a_register_in_another_encoding_has_the_same_names(
    encoding: str, admin: Run, register: Any, written: Any
) -> None:
    extract, template = register(("100002", "Château School", "Open", "", "", "", "E06000051"))
    text = Path(extract).read_text(encoding="cp1252")
    Path(extract).write_text(text, encoding=encoding)

    ran = admin("directory", "import-schools", extract, template, *BY)

    assert ran.code == 0, ran.err
    assert written("select document ->> 'name' from organisation_version") == [("Château School",)]


@pytest.mark.parametrize("written_in", [b'"a\x81b"', b"a" * 200_000])
def test_a_register_that_cannot_be_read_is_refused(
    written_in: bytes, admin: Run, register: Any
) -> None:
    extract, template = register(("100002", "Château School", "Open", "", "", "", ""))
    with Path(extract).open("ab") as file:
        file.write(b"100003," + written_in + b",Open,,,,\r\n")

    ran = admin("directory", "import-schools", extract, template, *BY)

    assert ran.code == 3, ran.err


@pytest.mark.parametrize("change", [{"by_area": ["E06000051"]}, {"by_area": {"E06000051": 7}}])
def test_a_template_of_another_form_is_refused(
    change: Any, admin: Run, register: Any, tmp_path: Path
) -> None:
    extract, _ = register(("100002", "Old Mill Primary", "Open", "", "", "", "E06000051"))
    template = tmp_path / "other.yaml"
    template.write_text(yaml.safe_dump(TEMPLATE | change), encoding="utf-8")

    assert admin("directory", "import-schools", extract, str(template), *BY).code == 3


@pytest.mark.parametrize(
    "rows", [[("URN", "Name")], [REGISTER, ("12", "A", "Open", "", "", "", "")]]
)
def test_what_is_no_extract_is_refused(
    admin: Run, register: Any, tmp_path: Path, rows: Any
) -> None:
    _, template = register()
    extract = tmp_path / "other.csv"
    with extract.open("w", encoding="cp1252", newline="") as file:
        csv.writer(file).writerows(rows)

    assert admin("directory", "import-schools", str(extract), template, *BY).code == 3
