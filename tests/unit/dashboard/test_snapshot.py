"""What pages share: worked out once for everybody who waits, and anew after somebody acts."""

from broker.dashboard.snapshot import FRESH_SECONDS, Kept


class Figures:
    """Counts how often it is worked out, which takes a time and may be interrupted by an act."""

    def __init__(self) -> None:
        self.now, self.takes, self.count = 0.0, 0.0, 0
        self.acts_meanwhile = False
        self.kept = Kept(self.work_out, lambda: self.now)

    def work_out(self) -> int:
        self.count += 1
        self.now += self.takes
        if self.acts_meanwhile:
            self.kept.forget()
        return self.count


def test_a_value_is_shared_for_a_second_and_after_an_act_worked_out_anew() -> None:
    figures = Figures()
    assert [figures.kept.value() for _ in range(3)] == [1, 1, 1]
    figures.now += FRESH_SECONDS
    assert figures.kept.value() == 2
    figures.kept.forget()
    assert figures.kept.value() == 3


def test_those_who_waited_for_a_slow_value_share_it() -> None:
    figures = Figures()
    figures.takes = 2 * FRESH_SECONDS
    assert [figures.kept.value() for _ in range(3)] == [1, 1, 1]


def test_what_was_worked_out_while_somebody_acted_is_not_shared() -> None:
    figures = Figures()
    figures.acts_meanwhile = True
    assert figures.kept.value() == 1
    figures.acts_meanwhile = False
    assert figures.kept.value() == 2
