"""Bad bodies get every reason, pictures are never carried, and good ones are left alone."""

import base64
import hashlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.documents import DEPTH_LIMIT, SIZE_LIMIT, prohibited, read
from schemas.errors import Unreadable, UnreadableKind
from tests.unit.schemas.conftest import CEILING_SECONDS

WORDS = some.lists(some.sampled_from(["the", "child", "said", "he", "asked", "for", "pictures"]))


def refusal(body: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Return the kind, pointers and codes of what is wrong with a body."""
    with pytest.raises(Unreadable) as caught:
        read(body)
    return caught.value.kind, [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b'{"a": 1', "not-json"),
        (b'{"a": 1} x', "not-json"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b'{"a": "\xff"}', "not-utf-8"),
        (b"[]", "not-an-object"),
        (b"null", "not-an-object"),
        (b'{"a": 1, "a": 2}', "duplicate-name"),
        (b'{"a": NaN}', "not-a-number"),
        (b'{"a": -Infinity}', "not-a-number"),
        (b'{"a": 1e999}', "number-too-large"),
        (b'{"a": -1e999}', "number-too-large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number-too-large"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too-deep"),
        (b"[" * 10_000, "too-deep"),
        (b'{"a": "' + b"[" * 100 + b'", "b": ' + b"[" * 40 + b"]" * 40 + b"}", "too-deep"),
    ],
)
def test_what_is_no_document_is_refused_with_its_code(body, code):
    assert refusal(body) == (UnreadableKind.MALFORMED, [("", code)])


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"a": {"b/c": ["x", "\\u0000"]}}', "/a/b~1c/1", "nul"),
        (b'{"a": "\\ud800"}', "/a", "lone-surrogate"),
        (b'{"a": ' + json.dumps([0] * 1001).encode() + b"}", "/a", "too-long"),
    ],
)
def test_a_fault_inside_is_found_by_its_pointer(body, pointer, code):
    assert refusal(body) == (UnreadableKind.MALFORMED, [(pointer, code)])


def test_every_fault_is_told_at_once():
    _, faults = refusal(b'{"a": "\\u0000", "b": ["\\udfff"]}')
    assert faults == [("/a", "nul"), ("/b/0", "lone-surrogate")]


def test_the_size_limit_is_exact():
    frame = b'{"a":""}'
    fill = b"a " * ((SIZE_LIMIT - len(frame)) // 2)
    assert read(b'{"a":"' + fill + b'"}').value["a"] == fill.decode()
    kind, _ = refusal(b'{"a":"' + fill + b' "}' + b" ")
    assert kind is UnreadableKind.TOO_LARGE


def test_the_deepest_document_allowed_is_read():
    inner = DEPTH_LIMIT - 1
    assert read(b'{"a":' + b"[" * inner + b"]" * inner + b"}").value


def test_brackets_inside_a_text_are_no_depth():
    text = '[{"\\' * 50
    assert read(json.dumps({"a": text}).encode()).value == {"a": text}


def test_the_digest_is_of_the_content_and_not_of_its_spelling():
    first = read(b'{"a": 1, "b": "\\u00e9"}')
    second = read('{ "b":"é",\n"a":1 }'.encode())
    assert first.digest == second.digest
    assert first.digest != read(b'{"a": 2, "b": "\\u00e9"}').digest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("data:image/png;base64,AAAA", "data-uri"),
        ("see DATA:text/plain,hello", "data-uri"),
        ("see https://pictures.example.org/a/b.jpg", "hosted-image"),
        ("HTTPS://EXAMPLE.ORG/X.MP4?size=1", "hosted-image"),
        ("example.org/film.webm", "hosted-image"),
        (base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(range(40))).decode(), "binary-content"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(40))).decode(), "binary-content"),
        (base64.encodebytes(bytes(range(256))).decode(), "binary-content"),
    ],
)
def test_pictures_and_links_to_them_are_prohibited(text, code):
    kind, faults = refusal(json.dumps({"concern": {"summary": text}}).encode())
    assert kind is UnreadableKind.PROHIBITED
    assert faults == [("/concern/summary", code)]


@pytest.mark.parametrize(
    "text",
    [
        "ab" * 64,
        base64.b64encode(bytes(144)).decode(),
        "https://chat.example.org/u/invented_user",
        "He sent IMG_0001.jpg and asked for more.",
        "01a2b3c4-d5e6-7f80-9102-a3b4c5d6e7f8 " * 20,
        "the data: three messages, two of them deleted",
    ],
)
def test_what_a_referral_needs_is_not_mistaken_for_a_picture(text):
    assert prohibited({"a": text}) == []


@given(some.binary(max_size=8), some.integers(200, 400))
def test_encoded_content_is_found_wherever_it_stands(seed, size):
    content = hashlib.shake_256(seed).digest(size)
    assert prohibited({"a": [{"b": "see " + base64.b64encode(content).decode()}]})


@given(WORDS)
def test_plain_words_are_never_prohibited(words):
    assert prohibited({"a": " ".join(words)}) == []


@given(some.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    try:
        outcome = read(body).value
    except Unreadable as refused:
        outcome = refused.faults
    assert isinstance(outcome, dict) or len(outcome) > 0


@pytest.mark.parametrize(
    "unit",
    ["a.bc/", "ab", "/9j/", "data:", "data:a", "a.bc/x.jpgx", "a" * 60 + " ", "a.", "AAAA ", "é"],
)
def test_a_hostile_text_of_full_size_is_judged_in_bounded_time(unit):
    text = unit * (SIZE_LIMIT // len(unit.encode()) - 10)
    began = time.process_time()
    prohibited({"a": text})
    assert time.process_time() - began < CEILING_SECONDS


@pytest.mark.parametrize(
    "body",
    [
        b"[]" * 40 + b'"' + b'\\"' * 130_000,
        b"[]" * 40 + b'"' + b'\\"' * 130_000 + b"\\",
        b"[]" * 40 + b'"' * 262_000,
        b"[" * SIZE_LIMIT,
        b'{"a":' * 50_000,
    ],
)
def test_a_hostile_body_of_full_size_is_refused_in_bounded_time(body):
    began = time.process_time()
    refusal(body[:SIZE_LIMIT])
    assert time.process_time() - began < CEILING_SECONDS
