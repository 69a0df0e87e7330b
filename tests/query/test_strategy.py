from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, View, from_order
from autoal.errors import UserError
from autoal.query.strategy import (
    READABLE,
    UNTAUGHT,
    Facts,
    demand_served,
    demand_untaught,
    placed,
    ranks,
    reads_untaught,
)


class Unstated(QueryStrategy):
    """Does not say what it reads."""

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))


class Reading(Unstated):
    """Says that it reads this."""

    def __init__(self, *reads: str) -> None:
        self.reads = reads


class Asked(Unstated):
    """Keeps the facts that it was asked about."""

    def __init__(self) -> None:
        self.facts: list[Facts] = []

    def check(self, facts: Facts) -> None:
        self.facts.append(facts)


def test_a_strategy_without_a_score_cannot_be_made() -> None:
    class Silent(QueryStrategy):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Silent()  # type: ignore[abstract]


def test_picks_come_first_in_their_order_and_the_rest_by_what_it_is_worth() -> None:
    scores = from_order(torch.tensor([3, 0]), torch.tensor([9.0, -2.0, 5.0, 9.0, 1.0]))
    assert scores.argsort(descending=True).tolist() == [3, 0, 2, 4, 1]
    assert scores[[3, 0]].tolist() == [2, 1]
    assert float(scores[2]) < 1


def test_an_order_may_be_a_list() -> None:
    rest = torch.tensor([9.0, -2.0, 5.0, 9.0, 1.0])
    assert torch.equal(from_order([3, 0], rest), from_order(torch.tensor([3, 0]), rest))
    assert torch.equal(from_order([], torch.tensor([1.0, 2.0])), torch.tensor([0.0, 0.5]))


def test_an_order_of_all_rows_or_of_equal_ones_is_finite() -> None:
    assert from_order(torch.tensor([1, 0]), torch.zeros(2)).tolist() == [1, 2]
    assert from_order(torch.tensor([1]), torch.full((3,), 4.0)).tolist() == [0, 1, 0]


def test_what_was_not_looked_at_is_placed_below_what_was() -> None:
    rest = torch.tensor([0.5, 0.0, 1.0])  # of the rows 3, 0 and 1
    scores = placed([2], rest, torch.tensor([3, 0, 1]), 5)
    assert scores.tolist() == [0.0, 1.0, 0.0, 0.25, 0.0]


def test_votes_are_ranks_unless_a_strategy_says_otherwise() -> None:
    scores = torch.tensor([30.0, -1.0, -1.0, 2.0])
    assert Unstated().votes(scores, 2).tolist() == ranks(scores).tolist()
    assert ranks(scores).tolist() == [0.875, 0.25, 0.25, 0.625]


FACTS = Facts(pool=10, classes=3)


def test_a_strategy_that_can_be_served_is_asked_itself() -> None:
    strategy = Asked()
    demand_served(strategy, FACTS)
    assert strategy.facts == [FACTS]
    demand_served(Reading(*READABLE), FACTS)  # all is there, and it has nothing against it


@pytest.mark.parametrize(
    ("reads", "lacking", "message"),
    [
        ("draws", {"draws": False}, "Reading reads draws of the model, and this model gives one"),
        ("head", {"headed": False}, "Reading asks the head of the model about other embeddings"),
        (
            "texts",
            {"texts": False},
            "Reading reads texts, and the rows of this pool are none: give",
        ),
        ("outcomes", {"revealed": False}, "Reading sees outcomes: it needs data of which all"),
    ],
)
def test_a_strategy_whose_reading_is_not_there_is_refused(
    reads: str, lacking: dict[str, Any], message: str
) -> None:
    facts = Facts(pool=10, classes=3, **lacking)
    with pytest.raises(UserError, match=message):
        demand_served(Reading("probs", reads), facts)
    demand_served(Reading("probs"), facts)
    assert Unstated.reads is None
    demand_served(Unstated(), facts)  # which says nothing can be lacking


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ((), True),
        (("inputs",), True),
        (("texts",), True),
        (("embeddings", "labelled"), True),
        (("embeddings", "probs"), False),
        (("labels",), False),
        (("draws",), False),
        (("head",), False),
        (("stages",), False),
        (("validation",), False),
        (("fitted",), False),
        (("outcomes",), False),
        (None, False),
    ],
)
def test_the_start_is_chosen_by_what_is_there_before_anything_is_labelled(
    reads: tuple[str, ...] | None, expected: bool
) -> None:
    assert reads_untaught(reads) == expected


def test_what_a_strategy_for_the_start_must_not_read_is_named_with_those_that_can() -> None:
    demand_untaught(Reading(*UNTAUGHT), lambda: ["random"])
    message = (
        r"Reading cannot choose the start, before anything is labelled: it reads draws, probs\n"
        r"  these can: kmeans, random"
    )
    with pytest.raises(UserError, match=message):
        demand_untaught(Reading("probs", "embeddings", "draws"), lambda: ["kmeans", "random"])
    with pytest.raises(UserError, match="it reads what it does not state"):
        demand_untaught(Unstated(), lambda: ["random"])
