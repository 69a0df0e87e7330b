import pytest
import torch

from autoal import Answers
from autoal.oracles.examples import examples_among
from tests.oracles.made import whole


def known(*labels: int, machine: tuple[int, ...] = ()) -> Answers:
    """Labels in the order in which they came; at these places a language model's."""
    by_machine = torch.tensor([place in machine for place in range(len(labels))])
    return Answers(whole([*range(len(labels))]), whole([*labels]), machine=by_machine)


def test_classes_take_turns_and_the_earliest_labels_come_first() -> None:
    assert examples_among(known(0, 0, 1, 0, 1, 1), 4) == [0, 2, 1, 4]
    assert examples_among(known(2, 1, 0, 0, 1, 2), 3) == [2, 1, 0]


def test_people_s_labels_come_before_those_of_a_model() -> None:
    assert examples_among(known(0, 1, 0, 1, machine=(0, 1)), 2) == [2, 3]
    assert examples_among(known(0, 1, 0, 1, machine=(0, 1)), 4) == [2, 3, 0, 1]


def test_a_class_with_few_labels_is_shown_as_often_as_it_can_be() -> None:
    assert examples_among(known(0, 0, 0, 0, 1), 6) == [0, 4, 1, 2]


@pytest.mark.parametrize("labels", [(), (1,), (1, 1, 1)])
def test_labels_of_one_class_make_no_examples(labels: tuple[int, ...]) -> None:
    assert examples_among(known(*labels), 8) == []


def test_no_examples_may_be_wanted() -> None:
    assert examples_among(known(0, 1), 0) == []


def test_more_labels_change_nothing_where_there_were_enough() -> None:
    few = known(0, 1, 1, 0)
    more = known(0, 1, 1, 0, 0, 1, 0, machine=(4,))
    assert examples_among(few, 4) == examples_among(more, 4)


def test_another_turn_has_others_and_goes_round() -> None:
    labels = known(0, 1, 0, 1, 0, 1)
    assert [examples_among(labels, 2, turn) for turn in range(4)] == [
        [0, 1],
        [2, 3],
        [4, 5],
        [0, 1],
    ]
    assert examples_among(labels, 4, turn=1) == [4, 5, 0, 1]
