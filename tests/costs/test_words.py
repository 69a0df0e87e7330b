import numpy as np
import pytest
import torch

from autoal import Answers, Question
from autoal.costs.words import Words, words_of
from autoal.data.texts import Text, text_rows
from autoal.errors import UserError
from tests.costs.made import TEXTS, data_of, texts_view
from tests.oracles.made import question_of, whole


def asked(*rows: int) -> Question:
    """About rows of a pool in which the texts come again and again."""
    texts = [(TEXTS[row % 4],) for row in range(16000)]
    return question_of([*rows], pool=text_rows(texts, ["text"]))


def test_words_are_those_of_all_texts_of_a_row() -> None:
    both = Text.of(("question", "answer"), ("who is it", "me"))
    assert words_of([*TEXTS, both]).tolist() == [1, 2, 3, 4, 4]


def test_seconds_are_some_for_any_answer_and_some_for_each_word() -> None:
    costs = Words(base=2.0, each=0.5)
    assert costs.expected(texts_view(TEXTS, [-1, 0, -1, -1]), {}).tolist() == [2.5, 3.5, 4.0]
    assert costs.prices(asked(3, 1), Answers.none(), whole([3, 0])).tolist() == [4.0, 2.5]
    assert costs.cheapest(text_rows([(text,) for text in TEXTS], ["text"])) == 2.5


def test_what_is_taken_scatters_around_what_is_expected_by_seed_and_row_alone() -> None:
    rows, question = torch.arange(0, 16000, 4), asked(0)  # which all have one word
    costs = Words(1.0, 1.0, spread=0.5, seed=3)
    taken = costs.prices(question, Answers.none(), rows)
    assert float((taken / 2).log().std()) == pytest.approx(0.5, abs=0.02)
    assert float(taken.mean()) == pytest.approx(2.0, abs=0.05)
    assert costs.prices(question, Answers.none(), rows[7:9]).equal(taken[7:9])
    other = Words(1.0, 1.0, spread=0.5, seed=4)
    assert not other.prices(question, Answers.none(), rows).equal(taken)


def test_rows_that_are_no_texts_are_refused() -> None:
    with pytest.raises(UserError, match="costs=words counts the words of texts"):
        Words().check(data_of(np.zeros((4, 2))))
    with pytest.raises(UserError, match="the question shows none"):
        Words().prices(question_of([1]), Answers.none(), whole([1]))
