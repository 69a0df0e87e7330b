"""Strategies that vote together: who they are, and how their votes come about."""

from typing import Any

import pytest
import torch
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin
from torch import Tensor

from autoal import QueryStrategy, Scored, View
from autoal.errors import UserError
from autoal.query.batch import select
from autoal.query.composite import Candidates, Composite
from autoal.query.strategy import Facts, ranks
from autoal.testing import make_view


class Learning(QueryStrategy):
    """Counts how often it learnt; scores by the number of a row."""

    def __init__(self, reads: tuple[str, ...] = ()) -> None:
        self.reads = reads
        self.learned = 0

    def fit(self, view: View) -> None:
        self.learned += 1

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.rows.float()

    def state_dict(self) -> dict[str, Any]:
        return {"learned": self.learned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.learned = state["learned"]


# Who they are.


def test_installed_strategies_come_by_name_with_the_options_of_each() -> None:
    candidates = Candidates.installed({"margin": {"temperature": 2.0}, "entropy": None, "bald": {}})
    assert list(candidates) == ["margin", "entropy", "bald"]
    assert len(candidates) == 3
    margin = candidates.strategies["margin"]
    assert isinstance(margin, Margin)
    assert margin.temperature == 2
    assert isinstance(candidates.strategies["entropy"], Entropy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margn": {}}, "candidate 'margn': unknown strategy 'margn'; did you mean 'margin'"),
        ({"margin": {"temprature": 1}}, "candidate 'margin': .*'temprature'"),
        ({"margin": {"temperature": 0.0}}, "candidate 'margin': `temperature` must be above 0"),
        ({"cheating_oracle": {}}, "'cheating_oracle': it sees the labels of the pool, and so runs"),
        ({"committee": {}}, "'committee': it trains learners of its own, and so runs alone"),
        *(
            ({name: {}}, f"'{name}': it has candidates itself, and so runs alone")
            for name in ("autoal", "refine", "tcm", "tailor", "selectal", "albl")
        ),
        ({}, "`candidates` must name at least one strategy"),
    ],
)
def test_what_cannot_be_a_candidate_is_refused_by_name(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Candidates.installed(options)


def test_they_read_what_at_least_one_of_them_does() -> None:
    candidates = Candidates({"a": Learning(("probs",)), "b": Learning(("probs", "stages"))})
    assert candidates.reads() == {"probs", "stages"}
    silent = Learning()
    silent.reads = None
    assert Candidates({"a": silent}).reads() == set()


def test_the_first_that_cannot_serve_is_named() -> None:
    class Picky(QueryStrategy):
        def check(self, facts: Facts) -> None:
            if facts.classes > 2:
                raise UserError("two classes are enough")

        def score(self, view: View, budget: int) -> Tensor:
            return torch.zeros(len(view.pool))

    candidates = Candidates({"margin": Margin(), "picky": Picky()})
    candidates.check(Facts(pool=60, classes=2))
    where = r"candidate 'picky' \(strategy\.candidates\.picky\): two classes are enough"
    with pytest.raises(UserError, match=where):
        candidates.check(Facts(pool=60, classes=3))
    drawing = Candidates({"draws": Learning(("draws",))})
    with pytest.raises(UserError, match=r"candidate 'draws' .*Learning reads draws of the model"):
        drawing.check(Facts(pool=60, classes=2, draws=False))


# How they vote.


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.full((30,), torch.nan), "candidate 'odd': Odd.score returned nan for 30 of 30 rows"),
        (torch.zeros(3), "candidate 'odd': Odd.score must return one number for each of the 30"),
        (torch.full((30,), 2.0), "candidate 'odd': its votes are not one number from 0 to 1"),
    ],
)
def test_a_candidate_that_cannot_vote_is_named(scores: Tensor, message: str) -> None:
    class Odd(QueryStrategy):
        def score(self, view: View, budget: int) -> Tensor:
            return scores

        def votes(self, scores: Tensor, classes: int) -> Tensor:
            return scores

    with pytest.raises(ValueError, match=message):
        Candidates({"odd": Odd()}).votes(make_view(pool=30), 3)


def test_votes_stand_in_the_order_of_the_candidates() -> None:
    view = make_view(labelled=24)
    votes = Candidates({"a": Margin(), "b": Learning(), "c": Entropy()}).votes(view, 5)
    assert torch.equal(votes[:, 0], Margin().votes(Margin().score(view, 5), 3))
    assert torch.equal(votes[:, 1], ranks(view.pool.rows.float()))
    assert torch.equal(votes[:, 2], Entropy().votes(Entropy().score(view, 5), 3))


def test_notes_and_labels_beside_the_scores_do_not_vote() -> None:
    class Talking(Learning):
        def score(self, view: View, budget: int) -> Scored:  # type: ignore[override]
            labels = torch.zeros(len(view.pool), dtype=torch.long)
            return Scored(view.pool.rows.float(), {"loud": True}, labels)

    view = make_view()
    votes = Candidates({"a": Learning(), "b": Talking()}).votes(view, 5)
    assert torch.equal(votes[:, 0], votes[:, 1])


def test_a_vote_fits_nobody() -> None:
    view, strategy = make_view(), Learning()
    candidates = Candidates({"a": strategy})
    candidates.votes(view, 3)
    assert strategy.learned == 0
    candidates.fit(view)
    assert strategy.learned == 1


@pytest.mark.parametrize("strategy", [Margin(), Entropy(), LeastConfidence()])
def test_votes_of_doubt_reach_from_sure_to_unsure(strategy: QueryStrategy) -> None:
    view = View.of(logits=[[60.0, 0, 0, 0], [0.0, 0, 0, 0]])
    votes = Candidates({"a": strategy}).votes(view, 1)
    torch.testing.assert_close(votes[:, 0], torch.tensor([0.0, 1.0]))


def test_ranks_by_hand() -> None:
    assert ranks(torch.tensor([3.0, 1.0, 1.0, 2.0])).tolist() == [0.875, 0.25, 0.25, 0.625]
    assert ranks(torch.tensor([-5.0])).tolist() == [0.5]
    assert ranks(torch.full((7,), 2.0)).tolist() == [0.5] * 7
    assert ranks(torch.tensor([])).tolist() == []


def test_ranks_tell_the_order_alone() -> None:
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0))
    found = ranks(scores)
    torch.testing.assert_close(found.sort().values, (torch.arange(50) + 0.5) / 50)
    assert torch.equal(found.argsort(), scores.argsort())
    assert torch.equal(ranks(scores.exp() * 1000), found)
    torch.testing.assert_close(ranks(-scores), 1 - found)


# What they remember.


def test_understudies_learn_for_themselves() -> None:
    candidates = Candidates({"a": Learning(), "b": Learning()})
    candidates.fit(make_view())
    understudies = candidates.understudies()
    understudies.fit(make_view())
    assert list(understudies) == ["a", "b"]
    assert candidates.state_dict() == {"a": {"learned": 1}, "b": {"learned": 1}}
    assert understudies.state_dict() == {"a": {"learned": 2}, "b": {"learned": 2}}
    assert Candidates({"a": Learning()}, section="").understudies().section == ""


def test_each_goes_on_from_its_own_state() -> None:
    candidates = Candidates({"a": Learning(), "b": Learning()})
    candidates.load_state_dict({"b": {"learned": 5}, "a": {"learned": 3}})
    assert candidates.state_dict() == {"a": {"learned": 3}, "b": {"learned": 5}}


# What is made of them.


class Alternating(Composite):
    """Lets its candidates take turns."""

    def __init__(self, *candidates: QueryStrategy) -> None:
        super().__init__(Candidates(dict(zip("ab", candidates, strict=True))), ("labels",))
        self.learnt: list[int] = []

    def learn(self, view: View) -> None:
        self.learnt.append(view.seed)

    def score(self, view: View, budget: int) -> Scored:
        return self.in_turn("ab"[len(self.learnt) % 2], view, budget)


def test_a_strategy_made_of_strategies_reads_what_they_do_and_what_it_says() -> None:
    assert Alternating(Learning(("probs",)), Learning(("draws",))).reads == (
        *("draws", "labels", "probs"),
    )


def test_it_learns_once_a_round_and_so_do_they() -> None:
    one, other = Learning(), Learning()
    strategy, views = Alternating(one, other), [make_view(seed=seed) for seed in range(3)]
    for view in views:
        strategy.fit(view)
        strategy.fit(view)
    assert strategy.learnt == [view.seed for view in views]
    assert (one.learned, other.learned) == (3, 3)


def test_a_round_that_was_learnt_before_a_stop_is_not_learnt_again() -> None:
    view, strategy, again = make_view(), *(Alternating(Learning(), Learning()) for _ in range(2))
    strategy.fit(view)
    again.load_state_dict(strategy.state_dict())
    again.fit(view)
    assert again.learnt == []
    assert again.candidates.state_dict() == {"a": {"learned": 1}, "b": {"learned": 1}}


def test_the_turn_is_told_beside_what_the_candidate_tells() -> None:
    class Talking(Learning):
        def score(self, view: View, budget: int) -> Scored:  # type: ignore[override]
            return Scored(view.pool.rows.float(), {"loud": True})

    view, strategy = make_view(), Alternating(Learning(), Talking())
    strategy.fit(view)
    assert strategy.score(view, 3).notes == {"loud": True, "weights": {"a": 0.0, "b": 1.0}}


def test_a_candidate_whose_options_cannot_be_chosen_is_named_without_a_setting() -> None:
    candidates = Candidates.installed({"bald": {}}, section="")
    with pytest.raises(UserError, match="candidate 'bald': Bald reads draws"):
        candidates.check(Facts(pool=60, classes=2, draws=False))


def test_batches_are_what_each_would_ask_for() -> None:
    view = make_view(labelled=24)
    batches = Candidates({"a": Margin(), "b": Learning()}).batches(view, 5)
    assert list(batches) == ["a", "b"]
    assert torch.equal(view.pool.rows[batches["a"]], select(Margin(), view, 5))
    assert batches["b"].tolist() == [59, 58, 57, 56, 55]
