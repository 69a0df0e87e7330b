import math
from typing import Any

import pytest
import torch
from autoal.strategies.bandits import CANDIDATES, Albl, Tailor

from autoal import QueryStrategy, View
from autoal.query.batch import query
from autoal.testing.promises import from_file
from tests.strategies.wanted import made_of

TWO: dict[str, Any] = {"margin": {}, "badge": {}}
SIZE, LABELLED = 12, 4


def view_of(told: dict[int, int], seed: int = 0, predicted: dict[int, int] | None = None) -> View:
    """A view in which all rows but the first four are the pool, but for those that were told.

    Args:
        told: labels by row.
        seed: of the round.
        predicted: classes by row; else it is class 0.
    """
    labels = [0, 0, 0, 1] + [-1] * SIZE
    for row, label in told.items():
        labels[row] = label
    probs = torch.full((LABELLED + SIZE, 3), 0.2)
    for row in range(len(probs)):
        probs[row, (predicted or {}).get(row, 0)] = 0.6
    return View.of(torch.eye(LABELLED + SIZE), probs=probs, labels=labels, seed=seed)


@pytest.mark.parametrize("kind", [Tailor, Albl])
def test_the_usual_candidates_are_those_of_the_settings(kind: type[Tailor | Albl]) -> None:
    assert list(kind().candidates) == list(CANDIDATES)
    assert kind().reads == kind.reads


# TAILOR.


def asked_by(strategy: QueryStrategy, view: View, budget: int) -> dict[str, Any]:
    return query(strategy, view, budget).notes["asked"]


def test_who_finds_the_class_that_is_worth_most_asks() -> None:
    tailor = Tailor(TWO)
    made_of(tailor, range(4, 10), range(10, 16))
    tailor.tallies = torch.tensor([[1e6, 1, 1], [1, 1, 1e6]], dtype=torch.double)
    found = query(tailor, view_of({}), 4)
    # Of class 0 are three of four labelled rows, so that it is worth less than nothing.
    assert found.notes["asked"] == {"margin": 0, "badge": 4}
    assert found.notes["weights"] == {"margin": 0, "badge": 1}
    assert found.rows.tolist() == [10, 11, 12, 13]


def test_draws_are_thompsons() -> None:
    tailor, share = Tailor(TWO, decay=1.0), 0.0
    made_of(tailor, [], [])
    tailor.tallies = torch.tensor([[2.0, 9.0, 1.0], [4.0, 3.0, 6.0]], dtype=torch.double)
    worth = torch.tensor([-1 / 3, 1.0, 1.0], dtype=torch.double)
    for seed in range(100):
        share += asked_by(tailor, view_of({}, seed), 12)["margin"] / 1200
    torch.manual_seed(0)
    draws = torch.distributions.Dirichlet(1 + tailor.tallies).sample((40_000,)) @ worth
    assert share == pytest.approx(float((draws[:, 0] > draws[:, 1]).double().mean()), abs=0.05)


def test_nobody_asks_for_a_row_twice() -> None:
    tailor = Tailor(TWO)
    made_of(tailor, [7, 5, 6], [5, 7, 4])
    found = query(tailor, view_of({}), 4)
    assert len(set(found.rows.tolist())) == 4
    assert sum(found.notes["asked"].values()) == 4


def test_labels_count_for_who_asked_and_what_is_known_decays() -> None:
    tailor = Tailor(TWO, decay=0.5)
    made_of(tailor, range(4, 10), range(10, 16))
    tailor.tallies = torch.tensor([[1e6, 1, 1], [1, 1, 1e6]], dtype=torch.double)
    assert query(tailor, view_of({}), 3).rows.tolist() == [10, 11, 12]  # all the second one's
    tailor.fit(view_of({10: 1, 12: 1}, seed=1))  # row 11 was declined
    assert tailor.tallies.tolist() == [[5e5, 0.5, 0.5], [0.5, 2.5, 5e5]]
    tailor.fit(view_of({10: 1, 12: 1}, seed=1))  # of the same round
    assert tailor.tallies.tolist() == [[5e5, 0.5, 0.5], [0.5, 2.5, 5e5]]


def test_everybody_begins_alike() -> None:
    tailor = Tailor(TWO)
    tailor.fit(view_of({}))
    assert tailor._tallies(3).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_class_that_joins_is_as_unknown_as_all_were() -> None:
    tailor = Tailor(TWO)
    tailor.tallies = torch.full((2, 2), 5.0, dtype=torch.double)
    assert tailor._tallies(3).tolist() == [[5, 5, 1], [5, 5, 1]]


# ALBL.


def test_the_least_chance_is_everybodys() -> None:
    albl = Albl(TWO, horizon=8)
    least = math.sqrt(math.log(2) / 16)
    albl.merits = torch.tensor([0.0, -1e9], dtype=torch.double)
    weights = query(albl, view_of({}), 4).notes["weights"]
    assert weights == pytest.approx({"margin": 1 - least, "badge": least})
    few = Albl(TWO, horizon=1)
    few.merits = albl.merits
    assert query(few, view_of({}), 4).notes["weights"] == pytest.approx(dict.fromkeys(TWO, 0.5))


def test_what_both_propose_is_certain_and_the_rest_is_drawn() -> None:
    first = [0, 0, 0]
    for seed in range(200):
        albl = Albl(TWO, horizon=1000)
        made_of(albl, [4, 5, 6], [4, 8, 9])
        albl.merits = torch.tensor([0.0, -math.log(3)], dtype=torch.double)  # 3 to 1, nearly
        found = query(albl, view_of({}, seed), 3).rows.tolist()
        first = [count + (row in found) for count, row in zip(first, (4, 5, 8), strict=True)]
    assert first[0] == 200
    assert first[1] / 200 == pytest.approx(0.75, abs=0.09)
    assert first[2] / 200 == pytest.approx(0.25, abs=0.09)


def exp4p(
    shares: list[float], least: float, bonus: float, paid: float, agreement: list[float]
) -> list[float]:
    """The probabilities after one update, as the paper has it."""
    count = len(shares)
    weights = [(share - least) / (1 - count * least) for share in shares]
    grown = [
        weight * math.exp(least / 2 * (paid * agrees + bonus / share))
        for weight, share, agrees in zip(weights, shares, agreement, strict=True)
    ]
    return [(1 - count * least) * weight / sum(grown) + least for weight in grown]


def test_a_payment_by_hand() -> None:
    albl = Albl(TWO, horizon=8, delta=0.2)
    made_of(albl, [4, 5], [4, 6])
    start = view_of({})
    shares = {"margin": 0.5, "badge": 0.5}
    found = query(albl, start, 2)
    assert found.notes == {"weights": shares, "paid": None}
    drawn = next(
        row for row in found.rows.tolist() if row != 4
    )  # of chance 1/2, so that it counts 2
    # The model is right about row 4, and wrong about the other one.
    later = view_of({4: 1, drawn: 2}, seed=1, predicted={4: 1, drawn: 0})
    notes = query(albl, later, 2).notes
    assert notes["paid"] == pytest.approx(1 / (1 + 2))
    agreement = [(1 + 2 * (drawn == own)) / 2 for own in (5, 6)]
    least, bonus = math.sqrt(math.log(2) / 16), math.sqrt(math.log(2 / 0.2) / 16)
    expected = exp4p([0.5, 0.5], least, bonus, 1 / 3, agreement)
    assert list(notes["weights"].values()) == pytest.approx(expected)
    assert (notes["weights"]["margin"] > 0.5) == (drawn == 5)


def test_rows_of_all_earlier_queries_judge() -> None:
    albl = Albl(TWO)
    made_of(albl, [4, 5, 6, 7], [4, 5, 6, 7])
    query(albl, view_of({}), 2)  # certain
    query(albl, view_of({4: 0, 5: 0}, seed=1), 2)
    made_of(albl, [6, 7], [6, 7])
    last = view_of({4: 0, 5: 0, 6: 1, 7: 0}, seed=2)
    assert query(albl, last, 2).notes["paid"] == pytest.approx(3 / 4)


def test_a_query_of_which_nothing_was_labelled_pays_nobody() -> None:
    albl = Albl(TWO)
    query(albl, view_of({}), 2)
    notes = query(albl, view_of({}, seed=1), 2).notes
    assert notes == {"weights": {"margin": 0.5, "badge": 0.5}, "paid": None}


# Both.


@pytest.mark.parametrize("kind", [Tailor, Albl])
def test_a_state_goes_on_to_the_byte(kind: type[Tailor | Albl]) -> None:
    lived, told = kind(TWO), dict[int, int]()
    for seed in range(4):
        resumed, view = kind(TWO), view_of(told, seed)
        resumed.load_state_dict(from_file(lived.state_dict()))
        found, again = query(lived, view, 2), query(resumed, view, 2)
        assert torch.equal(again.rows, found.rows)
        assert again.notes == found.notes
        told |= {row: row % 3 for row in found.rows.tolist()}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Tailor, {"decay": 0.0}, "`decay` must be at most 1 and above 0"),
        (Tailor, {"decay": 1.1}, "`decay` must be at most 1 and"),
        (Albl, {"horizon": 0}, "`horizon` must be at least 1"),
        (Albl, {"delta": 0.0}, "`delta` must be above 0 and below 1"),
        (Albl, {"candidates": {}}, "`candidates` must name at least one"),
    ],
)
def test_what_cannot_be_is_refused(
    kind: type[Tailor | Albl], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**options)
