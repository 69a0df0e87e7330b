import torch

from autoal import Question, View
from autoal.people.asked import asked

CLASSES = ("cat", "dog", "eel", "fox", "gnu", "hen")
PROBS = torch.tensor([[0.4, 0.35, 0.25, 0, 0, 0], [0.1, 0.8, 0.1, 0, 0, 0], [0, 0, 0, 0, 0, 1.0]])


def question_of(rows: list[int], view: View | None) -> Question:
    return Question(1, torch.tensor(rows), CLASSES, view=view)


def test_a_row_comes_with_what_the_model_makes_of_it_and_why_it_is_asked() -> None:
    first, second = asked(question_of([0, 1], View.of(probs=PROBS)))
    assert first.guess[:3] == (("cat", 0.4), ("dog", 0.35), ("eel", 0.25))
    assert len(first.guess) == 5
    assert first.margin is not None
    assert abs(first.margin - 0.05) < 1e-6
    assert first.why == (
        "number 1 of the 2 rows that the strategy wants; the model hesitates between cat and dog"
    )
    assert second.why.endswith(
        "number 2 of the 2 rows that the strategy wants; the model takes it for dog"
    )


def test_rows_stay_in_the_order_of_the_question() -> None:
    rows = asked(question_of([2, 0], View.of(probs=PROBS)))
    assert [(one.row, one.guess[0][0]) for one in rows] == [(2, "hen"), (0, "cat")]


def test_before_there_is_a_model_nothing_is_guessed() -> None:
    (row,) = asked(question_of([7], None))
    assert (row.name, row.key, row.shown, row.guess, row.why) == ("row 7", "", None, (), "")
    assert row.margin is None
    assert asked(question_of([], None)) == []


def test_a_row_says_whether_it_was_made() -> None:
    question = Question(1, torch.tensor([4, 2]), CLASSES, real=3)
    assert [one.made for one in asked(question)] == [True, False]
