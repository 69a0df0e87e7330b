from math import exp, log

import pytest
import torch

from autoal import Answers, View
from autoal.costs.by_row import ByRow
from autoal.costs.learned import Learned
from autoal.costs.units import SECONDS
from autoal.costs.words import Words
from autoal.errors import UserError
from tests.costs.made import data_of, texts_view
from tests.oracles.made import question_of, whole

LENGTHS = [1, 3, 7, 15, 31, 1, 3, 7, 15, 31]


def view_of(labelled: int) -> View:
    """Texts of which the first ones are labelled."""
    texts = [" ".join(["word"] * length) for length in LENGTHS]
    return texts_view(texts, [0] * labelled + [-1] * (10 - labelled))


def test_before_anything_is_timed_nothing_is_known_and_then_the_median() -> None:
    costs = Learned(after=4)
    assert costs.expected(view_of(5), {}) is None
    found = costs.expected(view_of(5), {0: 4.0, 2: 1.0, 7: 9.0})
    assert found is not None
    assert found.tolist() == [4.0] * 5


def test_seconds_are_learned_from_the_words_of_texts() -> None:
    """Seconds that are a power of words plus one lie on a line of logarithms exactly."""
    timed = {row: (1.0 + LENGTHS[row]) ** 0.5 for row in range(5)}
    found = Learned(after=5, ridge=1e-9).expected(view_of(5), timed)
    assert found is not None
    assert found.tolist() == pytest.approx([timed[row] for row in range(5)])


def test_what_scatters_costs_its_mean_and_no_row_more_than_was_ever_seen() -> None:
    """By hand: two rows of one word at 1 and 4 seconds, whose logarithms have the mean log 2."""
    texts = texts_view(["one", "one", "one", "many words " * 50], [0, 0, -1, -1])
    found = Learned(after=2).expected(texts, {0: 1.0, 1: 4.0})
    assert found is not None
    variance = 2 * log(2) ** 2  # of log 1 and log 4 around log 2; a line leaves no freedom but one
    assert found.tolist() == pytest.approx([exp(log(2) + variance / 2)] * 2)


def test_of_other_rows_seconds_are_learned_from_their_embeddings() -> None:
    stream = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 5, generator=stream) * torch.tensor([9.0, 8.0, 7.0, 0.1, 0.1])
    seconds = (2 + 0.05 * rows[:, 0]).exp()
    view = View.of(embeddings=rows, labels=[0] * 40 + [-1] * 20)
    timed = dict(enumerate(seconds[:40].tolist()))
    found = Learned(ridge=1e-6).expected(view, timed)
    assert found is not None
    # Within what was ever seen.
    torch.testing.assert_close(
        found.float(),
        seconds[40:].clamp(seconds[:40].min(), seconds[:40].max()),
        rtol=0.02,
        atol=0,
    )


def test_people_are_charged_the_seconds_that_they_took() -> None:
    answers = Answers(whole([4, 2]), whole([0, 1]), timed={4: 2.5, 3: 9.0})
    found = Learned().prices(question_of([4, 3, 2]), answers, whole([4, 3, 2]))
    assert found.tolist() == [2.5, 9.0, 0.0]


def test_in_a_simulation_other_costs_say_what_was_taken() -> None:
    answers = Answers(whole([1, 0]), whole([0, 1]))
    costs = Learned(ByRow([3.0, 5.0], SECONDS))
    assert costs.prices(question_of([1, 0]), answers, whole([1, 0])).tolist() == [5.0, 3.0]
    with pytest.raises(UserError, match="learns seconds, and these costs are money"):
        Learned(ByRow(2.0))
    with pytest.raises(UserError, match="counts the words of texts"):
        Learned(Words()).check(data_of(torch.zeros(4, 2)))
