from dataclasses import replace

import torch

from autoal import Answers, Question, TrueLabels
from autoal.data.rows import Shown
from autoal.oracles.made import MadeRows, RealRows
from autoal.oracles.question import Asking, asks_people

QUESTION = Question(
    2,
    torch.tensor([7, 1, 8, 0]),
    ("bad", "good"),
    shown=["g", "b", "h", "a"],
    names=["made-1-0", "one", "made-1-1", "zero"],
    real=5,
)
TRUTH = TrueLabels(torch.tensor([0, 1, 0, 1, 0]))


def second(shown: Shown) -> torch.Tensor:
    """A model that knows its letters."""
    return torch.tensor([int(str(each) == "h") for each in shown])


def test_made_rows_are_told_apart() -> None:
    assert QUESTION.made.tolist() == [True, False, True, False]
    assert replace(QUESTION, real=None).made.tolist() == [False] * 4


def test_a_model_labels_made_rows_and_the_oracle_real_ones() -> None:
    answers = Answers.of(QUESTION, MadeRows(TRUTH, second, "annotator")(QUESTION))
    assert answers.rows.tolist() == [7, 1, 8, 0]
    assert answers.labels.tolist() == [0, 1, 1, 0]
    assert answers.costs.tolist() == [0, 1, 0, 1]
    assert answers.by_machine.tolist() == [True, False, True, False]
    assert answers.people == {"annotator": {"labels": 2, "calls": 0}}
    assert (answers.by, answers.truth, answers.wrong) == ("truth", None, None)


def test_of_real_rows_alone_nothing_is_different() -> None:
    real = QUESTION.of(torch.tensor([1, 3]))
    answers = MadeRows(TRUTH, second, "annotator")(real)
    assert (answers.wrong, answers.people, answers.machine) == (0, {}, None)


def test_of_made_rows_alone_nobody_else_is_asked() -> None:
    def nobody(question: Question) -> Answers:
        raise AssertionError("nobody is asked")

    answers = MadeRows(nobody, second, "annotator")(QUESTION.of(torch.tensor([0, 2])))
    assert (answers.labels.tolist(), answers.by) == ([0, 1], "annotator")


def test_who_knows_the_data_alone_declines_made_rows() -> None:
    answers = RealRows(TRUTH)(QUESTION)
    assert (answers.rows.tolist(), answers.labels.tolist()) == ([1, 0], [1, 0])
    assert len(RealRows(TRUTH)(QUESTION.of(torch.tensor([0]))).rows) == 0


class People(Asking):
    def __call__(self, question: Question) -> Answers:
        return TRUTH(question)


def test_people_are_asked_inside_of_it() -> None:
    assert asks_people(MadeRows(People(), second, "annotator"))
    assert not asks_people(MadeRows(TRUTH, second, "annotator"))
