"""The decision records have one format, numbers of their own and an index that lists them all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from docs.generators import decisions

RECORDS = sorted(decisions.FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_each_record_has_the_one_format(path: Path) -> None:
    record = decisions.read(path)
    assert path.name.startswith(f"{record.number}-")
    assert record.headings == decisions.HEADINGS


def test_no_number_is_used_twice() -> None:
    used = Counter(record.number for record in decisions.every())
    assert [number for number, times in used.items() if times > 1] == []


def test_records_that_supersede_each_other_name_each_other() -> None:
    records = {record.number: record for record in decisions.every()}
    forward = {(number, older) for number, record in records.items() for older in record.supersedes}
    backward = {
        (newer, number) for number, record in records.items() for newer in record.superseded_by
    }
    assert forward == backward
    assert {number for pair in forward for number in pair} <= set(records)


def test_the_index_lists_every_record_as_it_is() -> None:
    assert decisions.INDEX.read_text(encoding="utf-8") == decisions.index(decisions.every())


def test_every_file_in_the_folder_is_a_record_or_the_index() -> None:
    assert {path.name for path in decisions.FOLDER.iterdir()} == {
        "README.md",
        *(path.name for path in RECORDS),
    }


def test_another_format_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "0001-x.md"
    record.write_text("# 0001 Title\n\n**Status**: accepted\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"0001-x\.md"):
        decisions.read(record)
