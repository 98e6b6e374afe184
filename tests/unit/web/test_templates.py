"""Templates of every page."""

import pytest

from broker.web.templates import environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("today 16:50", "Today 16:50"),
        ("wednesday 7 April, 22:00", "Wednesday 7 April, 22:00"),
        ("text message by NHS MESH", "Text message by NHS MESH"),
        ("<b>", "&lt;b&gt;"),
        ("", ""),
    ],
)
def test_only_the_first_letter_becomes_a_capital(text: str, shown: str) -> None:
    templates = environment("ops", "broker.dashboard")
    assert templates.from_string("{{ text | capitalize }}").render(text=text) == shown
