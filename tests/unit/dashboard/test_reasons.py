"""Why an agency has a delivery, as ops read it."""

import pytest

from broker.dashboard import wording


@pytest.mark.parametrize(
    ("because", "shown"),
    [
        (
            "child child-1: in E06000021, where the child lives; the child's nation is England",
            "child-1: in Stoke-on-Trent (E06000021), where the child lives; "
            "the child's nation is England",
        ),
        ("person suspect-1: the person's age is adult", "suspect-1: the person's age is adult"),
        ("Stoke-on-Trent (E06000021) gave it back", "Stoke-on-Trent (E06000021) gave it back"),
        ("in E99999999", "in E99999999"),
        ("the child said so", "the child said so"),
    ],
)
def test_areas_have_names_and_people_their_ids(because: str, shown: str) -> None:
    assert wording.reason(because) == shown
