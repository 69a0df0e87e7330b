"""Questions about words: which are asked, what is answered, what it costs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from autoal.datamodules.texts import Texts
from autoal.strategies.cheating import CheatingOracle

from autoal import Answers, Arrays, ByModel, Data, Noisy, Priced, Question, TrueLabels
from autoal.errors import UserError
from autoal.oracles.question import Asking
from autoal.oracles.words import Words
from tests.oracles.worded import CLASSES, texts, view_of

ROWS = torch.tensor([0, 1, 2, 3])


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return texts(tmp_path)


def truth(data: Data) -> TrueLabels:
    return TrueLabels(data.train.labels)


def question_of(data: Data, **parts: Any) -> Question:
    return Question(1, ROWS, CLASSES, view=view_of(data), **parts)


class Page(Asking):
    """A person who knows two words, and leaves the rows to the truth."""

    offers = True

    def __init__(self, oracle: TrueLabels) -> None:
        self.truth = oracle

    def __call__(self, question: Question) -> Answers:
        self.asked = question.words
        speaks = {"blood": [0.0, 0.0, 1.0], "rose": [1.0, 0.0, 0.0]}
        told = {word.text: speaks.get(word.text, [0.0, 0.0, 0.0]) for word in question.words}
        answers = self.truth(question)
        return Answers(answers.rows, answers.labels, words={"sky": [0.0, 1.0, 0.0], **told})


def test_the_words_that_tell_most_of_the_models_classes_are_asked_about(data: Data) -> None:
    """ "Blood" stands in all red texts, and in no others; "rose" in every other one of them."""
    answers = Words(truth(data), data, count=2)(question_of(data))
    assert answers.words == {"blood": [0.0, 0.0, 1.0], "rose": [0.0, 0.0, 1.0]}
    noted = answers.notes["words"]
    assert noted["price"] == 0.25
    # A third of the texts is red for sure, and the others of each class as likely.
    third = torch.tensor([5 / 9, 2 / 9, 2 / 9])
    alone = float(torch.special.entr(third).sum() / torch.log(torch.tensor(2.0)))
    assert noted["gain"]["blood"] == pytest.approx(alone - 2 / 3 * 1.584962500721156)
    assert noted["gain"]["rose"] < noted["gain"]["blood"]


def test_an_answer_costs_its_price_beside_those_about_rows(data: Data) -> None:
    answers = Words(truth(data), data, count=3, price=0.5)(question_of(data))
    assert (answers.costs.tolist(), answers.beside, answers.spent) == ([1.0] * 4, 1.5, 5.5)
    priced = Priced(Words(truth(data), data, count=3, price=0.5), 2.0)(question_of(data))
    assert (priced.beside, priced.spent) == (3.0, 11.0)


def test_no_word_is_asked_about_twice_even_if_it_speaks_for_nothing(data: Data) -> None:
    known = {"blood": [0.0, 0.0, 1.0], "rose": [0.0, 0.0, 0.0]}
    answers = Words(truth(data), data, count=100)(question_of(data, evidence=known))
    assert answers.words.keys().isdisjoint(known)
    assert len(answers.words) == 7  # "near" tells nothing, nor does a place that as many have


def test_a_word_that_stands_in_texts_of_all_classes_speaks_for_none(data: Data) -> None:
    told = Words(truth(data), data, count=100)(question_of(data)).words
    assert told["garden"] == told["street"] == [0.0, 0.0, 0.0]
    assert told["sky"] == [1.0, 0.0, 0.0]


def test_a_word_counts_as_much_as_its_weight(data: Data) -> None:
    answers = Words(truth(data), data, count=1, weight=3)(question_of(data))
    assert answers.words == {"blood": [0.0, 0.0, 3.0]}


def test_rows_alone_are_asked_about_before_there_is_a_model(data: Data) -> None:
    answers = Words(truth(data), data)(Question(0, ROWS, CLASSES))
    assert (dict(answers.words), answers.beside, answers.notes) == ({}, 0.0, {})


def test_people_are_asked_with_texts_that_have_the_word(data: Data) -> None:
    page = Page(truth(data))
    answers = Words(page, data, count=2, weight=2)(question_of(data))
    assert [word.text for word in page.asked] == ["blood", "rose"]
    having = [text for text in data.train.shown or () if "rose" in text]
    assert page.asked[1].examples == tuple(having[:3])
    assert answers.words == {"sky": [0, 2, 0], "blood": [0, 0, 2], "rose": [2, 0, 0]}
    assert answers.beside == 0.5  # that of an earlier word is no new answer


def test_noise_errs_about_rows_alone(data: Data) -> None:
    answers = Words(Noisy(truth(data), 0.9, seed=1), data, count=2)(question_of(data))
    assert answers.wrong
    assert answers.words == {"blood": [0.0, 0.0, 1.0], "rose": [0.0, 0.0, 1.0]}


def test_several_texts_a_row_are_refused(data: Data, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    lines = [f"a question,an answer {place},{place % 2}" for place in range(20)]
    path.write_text("\n".join(["first,second,label", *lines]) + "\n")
    pairs = Texts(str(path), ["first", "second"], validation=0)
    with pytest.raises(UserError, match="one text a row, and these have 2: give"):
        Words(truth(data), pairs)


def test_what_cannot_be_asked_about_words_is_refused(data: Data) -> None:
    with pytest.raises(UserError, match="these rows are not texts"):
        Words(truth(data), Arrays((torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))))
    with pytest.raises(UserError, match="ByModel cannot: leave it out"):
        Words(ByModel(truth(data)), data)
    with pytest.raises(UserError, match="CheatingOracle chooses by what labels lead to"):
        Words(truth(data), data, strategy=CheatingOracle())
    with pytest.raises(ValueError, match="`count` must be at least 1"):
        Words(truth(data), data, count=0)
    with pytest.raises(ValueError, match="`weight` must be above 0"):
        Words(truth(data), data, weight=0)
