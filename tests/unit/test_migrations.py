"""Migrations that were released stay as they were; new ones can be applied beside traffic."""

from pathlib import Path

import pytest

from tests.lint_migrations import faults, release
from tests.release import declare

GOOD = "-- One more.\nalter table one add column more int;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose first file was released."""
    (tmp_path / "0047_one.sql").write_text("-- One.\ncreate table one (id bigint);\n")
    assert release("0.1.0", tmp_path) == ["0047_one.sql"]
    return tmp_path


def found(folder: Path, name: str, text: str) -> str:
    """Return what is found when a file is added."""
    (folder / f"{name}.sql").write_text(text)
    return "\n".join(faults(folder))


def test_the_shipped_ones_are_sound() -> None:
    assert list(faults()) == []


def test_a_column_is_added(folder: Path) -> None:
    assert found(folder, "0048_more", GOOD) == ""
    assert release("0.2.0", folder) == ["0048_more.sql"]
    assert "# 0.2.0\n" in (folder / "released.sha256").read_text()


def test_what_was_released_never_changes(folder: Path) -> None:
    assert "0047_one.sql was released" in found(folder, "0047_one", GOOD)
    (folder / "0047_one.sql").unlink()
    assert "0047_one.sql was released" in "\n".join(faults(folder))


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("0046_late", GOOD, "must be above 0047"),
        ("0048_bare", "alter table one add column more int;\n", "first line"),
        ("0048_gone", "-- Gone.\nalter table one drop column id;\n", "ban-drop-column"),
        ("0048_name", "-- Name.\nalter table one rename column id to n;\n", "renaming-column"),
        ("0048_index", "-- Index.\ncreate index one_id on one (id);\n", "concurrent"),
        ("0048_type", "-- Type.\nalter table one alter column id type int;\n", "changing-column"),
        (
            "0048_check",
            "-- Check.\nalter table one add constraint more check (id > 0);\n",
            "constraint-missing-not-valid",
        ),
        ("0048_batch", "-- Batch.\n-- run: batches\nselect 1;\n", "%(after)s"),
        ("0048_run", "-- Run.\n-- run: quickly\nselect 1;\n", "none of"),
        (
            "0048_early",
            "-- Early.\n-- works from: 48\nalter table one drop column id;\n",
            "do it a version later",
        ),
        ("0048_bad", "-- Bad.\ncreate tabel one (id bigint);\n", "syntax"),
    ],
)
def test_what_a_ledger_in_use_could_not_take_is_named(
    folder: Path, name: str, text: str, fault: str
) -> None:
    assert fault in found(folder, name, text)


@pytest.mark.parametrize(
    "text",
    [
        "-- Gone.\n-- works from: 47\nalter table one drop column id;\n",
        "-- Index.\n-- run: outside a transaction\ncreate index concurrently one_id on one (id);\n",
        "-- Batch.\n-- run: batches\nselect max(id)::text from one where id > %(after)s::int;\n",
    ],
)
def test_each_manner_has_a_way(folder: Path, text: str) -> None:
    assert found(folder, "0048_more", text) == ""


def test_a_release_dates_the_changes_and_holds_the_migrations(folder: Path) -> None:
    changes = folder / "CHANGELOG.md"
    changes.write_text("# Changelog\n\n## Unreleased\n\n- One more.\n")
    (folder / "0048_more.sql").write_text(GOOD)
    assert declare("0.2.0", "2027-01-04", changes=changes, folder=folder) == []
    dated = "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2027-01-04)\n\n- One more.\n"
    assert changes.read_text() == dated
    again = declare("0.2.0", "2027-01-05", changes=changes, folder=folder)
    assert again == ["0.2.0 was released already"]
    (folder / "0048_more.sql").write_text(GOOD + GOOD)
    assert "0048_more.sql was released" in "".join(faults(folder))
