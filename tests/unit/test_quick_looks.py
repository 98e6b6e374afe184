"""A quick look before the full work never misses what the full work would find."""

import json
import unicodedata
from difflib import SequenceMatcher

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from broker.policy.language.recipient_words import are_alike, folded
from broker.policy.outside_names import mentions, names_in
from schemas import pictures
from schemas.shown_text import shown, shown_document
from tests.conftest import examples


@pytest.mark.parametrize(
    "written",
    [
        "https://pictures.example.org/a/b.jpg",
        "https://pictures.example.org/a/b%2ejpg",
        "https://pictures.example.org/a?format=image/png",
        "hxxps://pictures[.]example[.]org/a/b[.]jpg",
        "hxxps://pictures.example(.)org/a/b(dot).png b[dot]gif",
    ],
)
@pytest.mark.parametrize("escape", [str, lambda text: text.replace("/", "\\/")])
def test_a_body_with_a_link_may_hold_one(written, escape):
    assert pictures.may_hold_link(escape(f'{{"text": "{written}"}}').encode())


@pytest.mark.parametrize("letter", "htps:/.exampl?=jgu")
def test_a_link_of_which_a_letter_is_given_by_its_number_may_be_one(letter):
    number = f"\\u{ord(letter):04x}"
    text = "https://pictures.example.org/a?format=jpg".replace(letter, number)
    assert orjson.loads(f'"{text}"') == "https://pictures.example.org/a?format=jpg"
    assert pictures.may_hold_link(f'{{"text": "{text}"}}'.encode())


@pytest.mark.parametrize("form", ["\\u017fvg", "web\\u212a", "g\\u0131f"])
def test_other_forms_of_a_letter_may_be_a_link(form):
    assert pictures.may_hold_link(f'{{"text": "https://a.example.org/b.{form}"}}'.encode())


def test_plain_text_holds_no_link():
    body = '{"text": "He said: \\u201cno\\u201d \\u2013 at 50 % past one, caf\\u00e9 e.g. (1)."}'
    assert not pictures.may_hold_link(body.encode())


PIECES = [
    "https:",
    "/",
    "%2f",
    "//a.example",
    ".org",
    '"referral/1',
    "referral/1",
    ".jpg",
    "?fm=png",
]


@examples(500)
@given(some.lists(some.sampled_from([*PIECES, '"', "\\", " ", "e"]), max_size=12), some.booleans())
def test_a_body_that_holds_no_link_has_none_in_any_text(pieces, is_escaped):
    text = "".join(pieces)
    body = json.dumps({"schema": "referral/1", "text": text}).encode()
    if is_escaped:
        body = body.replace(b"/", b"\\u002f")
    assert pictures.may_hold_link(body) or pictures.link("", orjson.loads(body)["text"]) is None


def test_a_referral_without_another_slash_is_not_looked_through():
    body = b'{"schema":"referral/1","concern":{"summary":"Met at a.example.jpg, 5.30 pm."}}'
    assert not pictures.may_hold_link(body)
    assert pictures.may_hold_link(body.replace(b"Met at ", b"https://"))


@given(some.text(), some.text())
def test_a_document_is_shown_as_each_of_its_texts_is(first, second):
    document = {"a": first, "b": [second, {"c": first + second}], "d": 1}
    assert shown_document(document) == {
        "a": shown(first),
        "b": [shown(second), {"c": shown(first + second)}],
        "d": 1,
    }


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00",
        "\x08",
        "\x0c",
        "\r",
        "\x7f",
        "\x85",
        "\xad",
        "\u200b",
        "\u202e",
        "\u3164",
        "\U000e0041",
    ],
)
@pytest.mark.parametrize("beside", ["", "\\", "\u201cn\u00e9e\u201d", "\u6f22"])
def test_one_hidden_character_anywhere_is_marked(hidden, beside):
    written = "a\nb\tc" + beside + hidden + "d"
    assert hidden not in shown(written)
    assert shown_document([written]) == [shown(written)]


@given(some.text())
def test_folding_takes_away_each_accent(text):
    assert not any(map(unicodedata.combining, folded(text)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("O'Brien", "Seen by O\u2019Brien."),
        ("Ren\u00e9e", "told RENE\u0301E's mother"),
        ("Van der Berg", "Mr Van  der-Berg was there"),
        ("Stra\u00dfe", "named STRASSE, twice"),
    ],
)
def test_a_name_is_found_however_it_is_written(name, text):
    names = names_in({"children": [{"family_name": name}]})
    assert mentions(names, {"concern": {"summary": text}})
    assert not mentions(
        names, {"concern": {"summary": "Nobody is named here, \u201cat all\u201d."}}
    )


@given(some.text("abc ", max_size=30), some.text("abc ", max_size=30))
def test_texts_of_very_different_lengths_are_never_alike(text, name):
    matcher = SequenceMatcher(None, text, name, autojunk=False)
    assert are_alike(text, name) == (matcher.ratio() >= 0.85)


@given(some.text())
def test_a_plain_word_is_folded_as_every_other_text(text):
    assert folded(f"{text}\u0301") == folded(text)
