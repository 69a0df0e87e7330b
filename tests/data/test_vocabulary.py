"""The words of texts, and which texts have them."""

import pytest
import torch

from autoal.data.vocabulary import Vocabulary
from autoal.data.word import Word, is_word
from autoal.errors import UserError

TEXTS = ["Good, good film", "a GOOD song", "the film of the year", "good film", "film x"]


def test_words_are_those_of_three_texts_that_tell_something() -> None:
    """Not "the", which stands everywhere, nor "x", a single letter."""
    assert Vocabulary([*TEXTS, "the", "the"]).words == ["film", "good"]


def test_weights_are_summed_over_the_rows_that_have_a_word() -> None:
    rows, weights = torch.tensor([0, 1, 4]), torch.tensor([[1.0], [2.0], [4.0]])
    assert Vocabulary(TEXTS).sums(rows, weights).tolist() == [[5.0], [3.0]]


def test_a_word_is_shown_in_the_first_texts_that_have_it() -> None:
    word = Vocabulary([*TEXTS, "good"]).word(1, torch.tensor([1, 2, 3, 4, 5]))
    assert word == Word("good", ("a GOOD song", "good film", "good"))


def test_the_number_of_a_word_is_none_of_a_row_and_one_that_a_browser_can_count() -> None:
    numbers = {Word(text).number for text in ("good", "film")}
    assert len(numbers) == 2
    assert all(is_word(number) and number < 2**53 for number in numbers)
    assert Word("good", ("a good film",)).number == Word("good").number
    assert not is_word(2**48 - 1)


def test_texts_without_any_word_are_refused() -> None:
    with pytest.raises(UserError, match="no text of the pool has a word of two letters"):
        Vocabulary(["1", "?"])
