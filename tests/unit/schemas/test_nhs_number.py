"""The check digit of NHS numbers, against sums done by hand."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from schemas.formats import NhsNumber, nhs_check_digit


@pytest.mark.parametrize(
    ("nine", "digit"),
    [
        # 9*10+4*9+3*8+4*7+7*6+6*5+5*4+9*3+1*2 = 299; 299 = 27*11+2; 11-2 = 9
        ("943476591", 9),
        # 9*10+9*9+9*8 = 243; 243 = 22*11+1; 11-1 = 10: there is no such number
        ("999000000", None),
        # 243+1*2 = 245; 245 = 22*11+3; 11-3 = 8
        ("999000001", 8),
        # 243+5*2 = 253 = 23*11; 11-0 = 11, which is written 0
        ("999000005", 0),
        ("000000000", 0),
    ],
)
def test_the_tenth_digit_follows_from_the_nine(nine, digit):
    assert nhs_check_digit(nine) == digit


def test_spaces_after_the_third_and_sixth_digit_are_left_out():
    assert NhsNumber().deserialize("943 476 5919") == "9434765919"


@given(some.text("0123456789", min_size=9, max_size=9), some.integers(0, 8), some.integers(1, 9))
def test_any_one_mistyped_digit_is_noticed(nine, place, step):
    digit = nhs_check_digit(nine)
    other = nine[:place] + str((int(nine[place]) + step) % 10) + nine[place + 1 :]
    assume(digit is not None)
    assert nhs_check_digit(other) != digit
