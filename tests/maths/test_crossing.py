from collections.abc import Callable
from math import exp, nan, tanh

import pytest

from autoal.maths.crossing import look_for_crossing

LIMITS = (-4.0, 6.0)


def looks(function: Callable[[float], float], start: float = 0.0, rise: float = 1.0) -> list[float]:
    """The places that were looked at."""
    seen: list[float] = []

    def watched(place: float) -> float:
        seen.append(place)
        return function(place)

    look_for_crossing(watched, start, LIMITS, near=0.01, rise=rise)
    return seen


@pytest.mark.parametrize("rise", [0.1, 1.0, 100.0])
@pytest.mark.parametrize(
    "function",
    [
        lambda place: place - 3.0,
        lambda place: exp(place) - 10,
        lambda place: tanh(5 * (place + 2)),
        lambda place: (place - 4) * (2 + (place - 1) ** 2),  # not ever steeper
    ],
)
def test_a_crossing_is_found_in_few_looks(function: Callable[[float], float], rise: float) -> None:
    seen = looks(function, rise=rise)
    assert (
        abs(function(seen[-1])) < 0.01 or function(seen[-1] - 0.05) * function(seen[-1] + 0.05) < 0
    )
    assert len(seen) <= 15


def test_a_straight_line_takes_a_guess_and_a_secant() -> None:
    assert looks(lambda place: 2 * (place - 1)) == [0.0, 2.0, 1.0]


def test_no_step_is_longer_than_a_stride_and_none_goes_beyond_a_limit() -> None:
    assert looks(lambda place: -1.0) == [0.0, 1.0, 3.0, 5.0, 6.0]
    assert looks(lambda place: 1.0) == [0.0, -1.0, -3.0, -4.0]


def test_what_is_near_enough_at_first_is_left() -> None:
    assert looks(lambda place: 0.005) == [0.0]


def test_what_is_no_number_ends_the_search() -> None:
    assert looks(lambda place: nan if place else -1.0) == [0.0, 1.0]


def test_noise_ends_the_search() -> None:
    assert len(looks(lambda place: 1.0 if place > 1.23 else -1.0)) < 15
