"""Every place that exists is found, however it is written; what is not sure is not guessed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from broker.policy.places import postcodes
from broker.policy.places.gazetteer import Gazetteer, Located, Match, installed
from broker.policy.places.place import PlaceKind
from broker.policy.routing.localities import NOWHERE, locate
from schemas.child import Address

PLACES = installed()
SAID = {
    "ST16 2LH": "E10000028",  # Stafford, a district of Staffordshire
    "ST4 1AA": "E06000021",
    "AB1 0AA": "S12000033",  # terminated in 1996
    "EH1 1AA": "S12000036",
    "LL11 1AA": "W06000006",
    "BT1 1AA": "N09000003",
    "BB18 6JH": "E06000065",  # North Yorkshire, until 2023 the district of Craven
    "IM1 1AA": "IM",
    "JE2 3AB": "JE",
    "GY1 1AA": "GG",
    "BFPO 12": "BFPO",
    "BF1 0AA": "BFPO",
}
GAPS = some.text(alphabet=" \t\u00a0\u2009", max_size=3)


def test_every_authority_for_childrens_services_is_there() -> None:
    nations = [place.nation for place in PLACES.authorities.values()]
    assert {nation: nations.count(nation) for nation in nations} == {
        **{"ENG": 153, "SCT": 32, "WLS": 22, "NIR": 11}
    }
    assert all(place.area == code for code, place in PLACES.authorities.items())


def test_every_place_leads_to_areas_that_can_be_served() -> None:
    for code in PLACES:
        place = PLACES.place(code)
        assert place is not None
        assert place.name
        assert set(place.areas) <= set(PLACES.areas)
        if place.kind is PlaceKind.DISTRICT:
            assert place.area in PLACES.authorities


def test_every_authority_of_the_postcode_directory_is_known() -> None:
    for letter in string.ascii_uppercase:
        table = postcodes.letter(letter)
        for code in table.codes if table else ():
            if code.startswith(("L", "M")) or not code:
                continue  # Islands are known by their letters.
            assert PLACES.place(code) is not None, code
    assert postcodes.letter.cache_info().currsize <= postcodes.LETTERS_KEPT


@pytest.mark.parametrize(
    ("code", "area"),
    [
        ("E07000197", "E10000028"),
        ("e07000197", "E10000028"),
        (" E07000197 ", "E10000028"),
        ("S12000046", "S12000049"),
        ("E06000028", "E06000058"),
        ("E07000026", "E06000063"),
        ("E10000023", "E06000065"),
        ("E08000019", "E08000039"),
        ("M83000003", "IM"),
        ("E10000006", None),  # Cumbria was divided.
        ("E92000001", None),
        ("L93000001", None),
    ],
)
def test_districts_and_former_codes_lead_to_the_authority(code: str, area: str | None) -> None:
    place = PLACES.place(code)
    assert place is not None
    assert place.area == area
    assert code in PLACES


@pytest.mark.parametrize("code", ["E99999999", "", "E0700019", "XX", "ST16 2LH", "É07000197"])
def test_what_does_not_exist_is_no_place(code: str) -> None:
    assert PLACES.place(code) is None
    assert code not in PLACES


@pytest.mark.parametrize("postcode", SAID)
@given(gaps=some.tuples(GAPS, GAPS, GAPS), lower=some.booleans())
def test_a_postcode_is_found_however_it_is_spaced(
    postcode: str, gaps: tuple[str, str, str], lower: bool
) -> None:
    before, between, after = gaps
    first, _, last = postcode.partition(" ")
    written = f"{before}{first}{between}{last}{after}"
    located = PLACES.postcode(written.lower() if lower else written)
    assert located.place is not None
    assert located.place.code == SAID[postcode]


@pytest.mark.parametrize(
    ("written", "match", "area"),
    [
        ("ST16", Match.PART, "E10000028"),
        ("ST1", Match.PART, "E06000021"),
        ("ST1 6", Match.PART, "E06000021"),
        ("ST16 1ZZ", Match.PART, "E10000028"),
        ("S1", Match.SEVERAL, None),
        ("ZZ1 1AA", Match.NOT_FOUND, None),
        ("ZZ1", Match.NOT_FOUND, None),
        ("Stafford", Match.NO_POSTCODE, None),
        ("", Match.NO_POSTCODE, None),
    ],
)
def test_a_part_gives_the_area_only_where_it_is_sure(
    written: str, match: Match, area: str | None
) -> None:
    located = PLACES.postcode(written)
    assert (located.match, located.place and located.place.code) == (match, area)


@given(some.text(max_size=12))
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(PLACES.postcode(text), Located)
    PLACES.place(text)
    PLACES.find(text)


@given(some.text(alphabet="ABENSTZ0159 bf", max_size=9))
def test_texts_that_look_like_postcodes_have_an_answer(text: str) -> None:
    located = PLACES.postcode(text)
    assert (located.place is not None) == (located.match in (Match.WHOLE, Match.PART))


def test_one_question_finds_codes_countries_and_postcodes() -> None:
    found = [PLACES.find(text) for text in ("e07000197", "uk", "ph", "st16 2lh", "nowhere")]
    assert [place and place.code for place in found] == [
        *("E07000197", "GB", "PH", "E10000028", None)
    ]


def test_postcodes_that_cannot_be_read_are_not_found() -> None:
    class Unreadable(Gazetteer):
        def _areas(self, beginning: str) -> frozenset[str]:
            raise ValueError("The file is cut short.")

    places = {code: place for code in PLACES if (place := PLACES.place(code))}
    cut_short = Unreadable(places, PLACES.edition)
    assert cut_short.postcode("ST16 2LH") == Located(Match.NOT_FOUND)
    assert cut_short.postcode("IM1 1AA").place is PLACES.place("IM")


def test_the_edition_has_a_name_and_says_its_sources() -> None:
    edition = PLACES.edition
    assert edition.version == f"2026.1.1-{edition.sha256[:8]}"
    assert any("Postcode Directory" in source for source in edition.sources)


@pytest.mark.parametrize(
    ("code", "address", "area", "is_abroad", "disagrees"),
    [
        (None, None, None, False, False),
        ("E07000197", None, "E10000028", False, False),
        (None, Address(postcode="ST16 2LH"), "E10000028", False, False),
        ("E10000028", Address(postcode="ST16 2LH"), "E10000028", False, False),
        ("E06000021", Address(postcode="ST16 2LH"), "E06000021", False, True),
        ("E10000006", Address(postcode="CA1 1AA"), "E06000063", False, False),
        ("E10000028", Address(country="FR"), "E10000028", False, True),
        (None, Address(country="FR", postcode="ST16 2LH"), "E10000028", True, True),
        (None, Address(country="FR", postcode="ST16"), None, True, False),
        (None, Address(country="GB", postcode="ST16 2LH"), "E10000028", False, False),
        (None, Address(country="IM"), "IM", False, False),
        ("E06000021", Address(postcode="ZZ1 1AA"), "E06000021", False, False),
    ],
)
def test_a_code_counts_before_the_address_and_what_disagrees_is_said(
    code: str | None, address: Address | None, area: str | None, is_abroad: bool, disagrees: bool
) -> None:
    found = locate(code, address, PLACES)
    assert (found.area, found.is_abroad, bool(found.conflict)) == (area, is_abroad, disagrees)


def test_nothing_written_is_nowhere_and_a_divided_county_says_what_it_became() -> None:
    assert locate(None, Address(lines=("1 Invented Road",)), PLACES) is NOWHERE
    cumbria = locate("E10000006", None, PLACES)
    assert cumbria.nation == "ENG"
    assert "Cumberland" in str(cumbria.gap)
    assert "Westmorland" in str(cumbria.gap)
