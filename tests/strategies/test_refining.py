from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.herding import UHerding
from autoal.strategies.refining import CANDIDATES, Refine

from autoal import QueryStrategy, View, select
from autoal.query.composite import Candidates
from autoal.testing import make_view
from tests.strategies.made import noted, scored
from tests.strategies.wanted import Wanting, made_of

TWO: dict[str, Any] = {"margin": {}, "badge": {}}


def test_the_usual_candidates_are_those_of_the_settings() -> None:
    assert list(Refine().candidates) == list(CANDIDATES)


def test_herding_chooses_out_of_what_the_candidates_ask_for() -> None:
    view = make_view(pool=12)
    rows = view.pool.rows.tolist()
    refine = Refine(subset=12, batches=1, candidates=TWO)
    made_of(refine, [rows[1], rows[4], rows[9]], [rows[4], rows[7], rows[2]])
    asked = torch.tensor([1, 2, 4, 7, 9])
    expected = select(UHerding(), view.among(asked), 3)
    assert torch.equal(select(refine, view, 3), expected)


def test_the_record_tells_how_many_rows_were_left_and_whose_the_batch_is() -> None:
    view = make_view(pool=12)
    rows = view.pool.rows.tolist()
    refine = Refine(subset=12, batches=1, candidates=TWO)
    made_of(refine, rows[:3], rows[1:4])
    refine.fit(view)
    # Of the four rows that are asked for, one is the first one's alone and one the second one's.
    assert noted(refine, view, 3)["left"] == [4]
    places = scored(refine, view, 3).argsort(descending=True)[:3].tolist()
    first = sum({0: 1.0, 1: 0.5, 2: 0.5, 3: 0.0}[place] for place in places) / 3
    assert noted(refine, view, 3)["weights"] == pytest.approx({"margin": first, "badge": 1 - first})


def test_nothing_else_is_chosen_before_all_that_was_asked_for() -> None:
    view = make_view(pool=40)
    refine = Refine(candidates=TWO)
    found = scored(refine, view, 4)
    assert ((found >= 0) | (found == -1)).all()
    assert int((found >= 0).sum()) == noted(refine, view, 4)["left"][0]


@pytest.mark.parametrize(
    ("pool", "subset", "budget", "sizes"),
    [(40, None, 4, [20]), (40, None, 30, [30]), (40, 10, 4, [10]), (40, 100, 4, [40])],
)
def test_a_query_is_about_so_many_rows(
    pool: int, subset: int | None, budget: int, sizes: list[int]
) -> None:
    view, seen = make_view(pool=pool), []

    class Seen(QueryStrategy):
        def score(self, view: View, budget: int) -> torch.Tensor:
            seen.append(tuple(view.pool.rows.tolist()))
            return view.pool.rows.float()

    refine = Refine(batches=3, subset=subset, candidates={"margin": {}})
    refine.candidates = Candidates({"margin": Seen()})
    select(refine, view, budget)
    assert [len(rows) for rows in seen] == 3 * sizes
    assert len(set(seen)) == (3 if sizes[0] < pool else 1)  # each of fresh rows


def test_deeper_levels_look_at_what_is_left() -> None:
    view, sizes = make_view(pool=60), []

    class Seen(QueryStrategy):
        def score(self, view: View, budget: int) -> torch.Tensor:
            sizes.append(len(view.pool))
            return torch.rand(len(view.pool), generator=view.generator())

    refine = Refine(depth=3, batches=2, candidates={"random": {}})
    refine.candidates = Candidates({"random": Seen()})
    refine.fit(view)
    first, second, third = noted(refine, view, 4)["left"]
    assert 4 <= third <= second <= first <= 8
    assert sizes == [30, 30, *2 * [max(4, int(0.4 * first))], *2 * [max(4, int(0.4 * second))]]


def test_queries_on_samples_are_of_this_round_and_leave_the_candidates_alone() -> None:
    refine = Refine(batches=2, candidates=TWO)
    each = made_of(refine, [1], [2])
    for seed in (0, 1):
        select(refine, make_view(seed=seed), 4)
        select(refine, make_view(seed=seed), 4)
    assert [one.fitted for one in each] == [2, 2]  # once a round
    assert [one.scored for one in each] == [[], []]  # copies are asked


def test_what_changes_from_round_to_round_is_compared_with_the_last_round() -> None:
    refine = Refine(batches=1, subset=60, candidates={"tod": {}})
    before = make_view()
    now = replace(before, seed=before.seed + 1)
    select(refine, before, 4)
    assert refine._askers.state_dict()["tod"]["now"] is None
    select(refine, now, 4)
    assert refine._askers.state_dict()["tod"]["now"]["seed"] == before.seed


def test_the_model_looks_at_the_pool_once() -> None:
    view, looks = make_view(pool=80), []
    look = view.pool._look

    def counted() -> torch.Tensor:
        looks.append(1)
        return look()

    view.pool._look = counted
    select(Refine(), view, 5)
    assert looks == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "`depth` must be at least 1"),
        ({"batches": 0}, "`batches` must be at least 1"),
        ({"subset": 0}, "`subset` must be at least 1"),
        ({"candidates": {}}, "`candidates` must name at least one"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Refine(**options)


def test_wanting_asks_for_what_it_wants() -> None:
    view = make_view(pool=8)
    rows = view.pool.rows.tolist()
    assert select(Wanting(rows[5], rows[2]), view, 2).tolist() == [rows[5], rows[2]]
