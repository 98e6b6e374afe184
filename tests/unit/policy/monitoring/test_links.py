"""Which identifiers of a referral are compared, each in one spelling."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Fault
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.links import link_marks, read_link_window
from schemas.child import Address
from schemas.codes import HashAlgorithm, ReportSource
from schemas.online import FileHash, Identity, Online, Report
from schemas.referral import Referral
from schemas.tolerance import reload
from schemas.unknown import Unknown
from tests.acceptance.conftest import sample

KEY = bytes(range(64))
MOST = 64


def of(online: Online | None = None, **child: Any) -> Referral:
    """Return a referral that names this alone, of what is compared."""
    referral = reload(sample(1))
    bare = replace(referral.children[0], **{"nhs_number": None, "address": None, **child})
    return replace(referral, children=(bare,), online=online or Online())


def marks(referral: Referral) -> tuple[bytes, ...]:
    """Return the marks of what it names, without that of its content."""
    return link_marks(referral, {}, KEY)[:-1]


def user(platform: str | None, **names: str) -> Online:
    return Online(identities=(Identity("account-1", platform=platform, **names),))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (of(nhs_number="999 000 1154"), of(nhs_number="9990001154")),
        (of(address=Address(uprn="000100")), of(address=Address(uprn="100"))),
        (of(user("Blocky Meadow", username="Kite 7")), of(user("blockymeadow", username="kite7"))),
        (of(user(None, username="kite7")), of(user(None, username="kite7"))),
        (of(user("x", email="A@example.org")), of(user("y", email="a@example.org"))),
        (of(user("x", telephone="01632 960001")), of(user("y", telephone="01632960001"))),
        (
            of(Online(hashes=(FileHash(HashAlgorithm.MD5, "AB" * 16),))),
            of(Online(hashes=(FileHash(HashAlgorithm.MD5, "ab" * 16),))),
        ),
    ],
)
def test_what_is_the_same_in_another_spelling_links(first: Referral, second: Referral) -> None:
    assert len(marks(first)) == 1
    assert marks(first) == marks(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (of(user("x", username="kite7")), of(user("y", username="kite7"))),
        (of(user("x", username="kite7")), of(user(None, username="kite7"))),
        (of(nhs_number="9990001154"), of(address=Address(uprn="9990001154"))),
        (
            of(Online(reports=(Report(ReportSource.NCMEC, "1"),))),
            of(Online(reports=(Report(ReportSource.IWF, "1"),))),
        ),
    ],
)
def test_what_is_of_another_kind_does_not_link(first: Referral, second: Referral) -> None:
    assert set(marks(first)).isdisjoint(marks(second))


@pytest.mark.parametrize(
    "blank",
    [
        of(nhs_number=Unknown.REFUSED),
        of(address=Address()),
        of(address=Address(uprn="000")),
        of(user("x", username="n/a")),
        of(user("x", username="")),
        of(user("x")),
    ],
)
def test_a_field_that_is_blank_names_nothing(blank: Referral) -> None:
    assert marks(blank) == ()


def test_marks_are_bounded_and_the_content_is_always_among_them() -> None:
    many = tuple(Report(ReportSource.NCMEC, str(number)) for number in range(2 * MOST))
    full = link_marks(of(Online(reports=many)), {"reference": "1"}, KEY)
    assert len(full) == MOST
    assert full[-1] == link_marks(of(), {"reference": "2"}, KEY)[-1]


@pytest.mark.parametrize(
    ("document", "same"),
    [
        ({"concern": 1, "reference": "b"}, True),
        ({"times": {"sent": 1}, "concern": 1}, True),
        ({"concern": 2}, False),
        ({"concern": 1, "more": 1}, False),
    ],
)
def test_the_content_is_compared_without_the_reference_and_the_times(
    document: dict[str, Any], same: bool
) -> None:
    first, second = (link_marks(of(), each, KEY) for each in ({"concern": 1}, document))
    assert (first == second) is same


def test_the_key_counts_to_its_64th_byte() -> None:
    assert link_marks(of(), {}, KEY) == link_marks(of(), {}, KEY + b"x")
    assert link_marks(of(), {}, KEY) != link_marks(of(), {}, KEY[:-1] + b"x")


@pytest.mark.parametrize(
    ("text", "days", "codes"),
    [
        ("within_days: 1", 1, []),
        ("within_days: 3660", 3660, []),
        ("within_days: 0", 1, ["wrong-type"]),
        ("within_days: 3661", 1, ["wrong-type"]),
        ("{}", 1, ["missing"]),
    ],
)
def test_the_window_is_read(text: str, days: int, codes: list[str]) -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", text, faults)
    assert node is not None
    assert read_link_window(node) == timedelta(days=days)
    assert [fault.code for fault in faults] == codes
