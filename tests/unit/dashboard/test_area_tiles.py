"""The tile map: every authority has one place, and every area of a directory one tile."""

from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from broker.dashboard.pictures.area_tiles import (
    ELSEWHERE,
    STATES,
    Area,
    area_table,
    area_tiles,
    arrangement,
    finding,
    regions,
    signs,
    state_text,
    worst_first,
    wrapped,
)
from broker.domain.pictures import AreaState
from broker.policy.places.gazetteer import installed
from tests.unit.dashboard.conftest import STYLED, check, texts

NOW = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)
CODES = [code for rows in arrangement().values() for row in rows for code in row if code != "."]
KINDS = {
    "late": AreaState("", 9, 3, 0, NOW - timedelta(minutes=23)),
    "soon": AreaState("", 9, 0, 4, NOW + timedelta(minutes=9)),
    "nobody": None,
    "well": AreaState("", 9, 0, 0, NOW + timedelta(hours=2)),
    "none": AreaState("", 0, 0, 0, None),
}


def areas(codes: list[str]) -> list[Area]:
    """Return areas, one state after the other."""
    known = zip(codes, cycle(KINDS.values()), strict=False)
    return [Area(code, name(code), state) for code, state in known]


def name(code: str) -> str:
    place = installed().place(code)
    return place.name if place else "Nowhere"


def test_every_authority_has_one_place() -> None:
    """The codes are the gazetteer's: an authority that is made anew must be given a tile."""
    assert set(CODES) == set(installed().authorities)
    assert len(CODES) == len(set(CODES))


def test_no_row_is_wider_than_a_page() -> None:
    for rows in arrangement().values():
        assert {len(row) for row in rows} == {len(rows[0])}
        assert len(rows[0]) <= 7


@pytest.mark.parametrize("kind", KINDS)
def test_an_area_has_its_worst_state(kind: str) -> None:
    area = Area("E06000021", "Stoke-on-Trent", KINDS[kind])
    assert area.kind == kind
    drawing = str(area_tiles(regions([area])[0], now=NOW).drawings[0])
    assert f"pic-tile--{kind}" in drawing
    assert f"<title>Stoke-on-Trent: {state_text(area)}</title>" in drawing


def test_every_area_is_drawn_once_in_its_region() -> None:
    listed = regions(areas([*CODES, "X00000001", "X00000002"]))
    assert [region.name for region in listed] == [*arrangement(), ELSEWHERE]
    drawn = 0
    for region in listed:
        picture = area_tiles(region, now=NOW)
        check(picture, most_bytes=30_000)
        (drawing,) = picture.drawings
        drawn += drawing.count('class="pic-tile pic-tile--')
        assert drawing.count("<title>") == len(region.areas) == len(picture.table.rows)
        places = [part.split('" width')[0] for part in str(drawing).split("<rect ")[1:]]
        assert len(places) == len(set(places))
    assert drawn == len(CODES) + 2


@pytest.mark.parametrize("deliveries", [3, 300, 30_000])
def test_the_counts_of_a_tile_stay_legible(deliveries: int) -> None:
    state = AreaState("", deliveries, deliveries, 0, NOW - timedelta(minutes=1))
    region = regions([Area(code, name(code), state) for code in CODES])[0]
    (drawing,) = area_tiles(region, now=NOW).drawings
    assert max(map(len, texts(str(drawing)))) <= 13
    (row, *_) = area_table(region.areas, now=NOW).rows
    assert row[3].text == f"{deliveries:,}"


def test_the_table_and_the_sentence_have_the_worst_first() -> None:
    listed = areas(["E06000021", "E10000028", "E06000051", "E06000020", "E08000025"])
    assert [area.kind for area in worst_first(reversed(listed))] == list(KINDS)
    rows = [[cell.text for cell in row] for row in area_table(listed, now=NOW).rows]
    assert rows[0] == ["Stoke-on-Trent", "3 late", "worst by 23 min", "9"]
    assert rows[1] == ["Staffordshire", "4 due soon", "next Wed 7 Apr 10:09", "9"]
    assert rows[2] == ["Shropshire", "No agency serves it", "–", "0"]
    assert finding(listed) == (
        "5 areas: 1 with late deliveries (Stoke-on-Trent), 1 due soon, 1 on time,"
        " 1 with nothing open, 1 without an agency."
    )


@pytest.mark.parametrize("code", CODES)
def test_a_name_fits_into_its_tile(code: str) -> None:
    lines = wrapped(name(code))
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 13
    # One name has five words; the table and the title have all of them.
    assert ("…" in lines[-1]) == (code == "N09000002")


def test_every_state_has_its_own_sign() -> None:
    drawings = [str(sign.drawing) for sign in signs()]
    assert len({drawing.split("<path", 1)[-1] for drawing in drawings}) == len(STATES)
    assert not any(map(STYLED.search, drawings))
