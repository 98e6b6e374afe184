"""Of which office a part of a referral is."""

import pytest

from tests.integration.ledger.conftest import Book


@pytest.mark.parametrize(
    ("stands_in_for", "office", "is_of_it"),
    [
        (None, None, True),
        ("stoke-csc", "stoke-csc", True),
        ("stoke-csc", "shropshire-csc", False),
        ("stoke-csc", None, False),
        (None, "stoke-csc", True),  # as a version of the broker before wrote it
    ],
)
def test_a_part_is_of_its_own_office(
    book: Book, stands_in_for: str | None, office: str | None, *, is_of_it: bool
) -> None:
    query = "select is_of_office(%s::text, %s::text)"
    assert book.look(query, stands_in_for, office) == [(is_of_it,)]
