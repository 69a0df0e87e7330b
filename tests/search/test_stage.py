from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from autoal import Features, QueryStrategy, View, registry
from autoal.query.calibration import temperature
from autoal.query.strategy import ranks
from autoal.search.rehearsal import Rehearsal
from autoal.search.stage import Stage, ballot, cooled
from autoal.testing import make_view


@dataclass
class Seen:
    """What a candidate saw of the views, play by play."""

    views: list[View] = field(default_factory=list)
    budgets: list[int] = field(default_factory=list)
    fits: int = 0


class Looking(QueryStrategy):
    """Keeps what it saw, through copies too."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.learned = 0

    def __deepcopy__(self, memo: Any) -> "Looking":
        copy = Looking(self.seen)
        copy.learned = self.learned
        return copy

    def fit(self, view: View) -> None:
        self.learned += 1
        self.seen.fits += 1

    def score(self, view: View, budget: int) -> Tensor:
        self.seen.views.append(view)
        self.seen.budgets.append(budget)
        return view.pool.rows.float()


class Trained:
    """A task's training of a network below the head, as the loop offers it."""

    def __init__(self, classes: int, sure: float = 1.0) -> None:
        self.calls: list[Tensor] = []
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.network = nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.Linear(5, classes))
        self.network.requires_grad_(True)
        self.sure = sure

    def embed(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self.network[:2](images.float() / 255 - 0.5)

    @property
    def head(self) -> nn.Module:
        head = deepcopy(self.network[2])
        with torch.no_grad():
            for each in head.parameters():
                each.mul_(self.sure)
        return head

    def __call__(self, places: Tensor) -> tuple[Callable[[Features], Features], nn.Module]:
        self.calls.append(places)

        def look(rows: Features) -> Features:
            return Features(rows.rows, lambda: rows.inputs, self.embed, self.head, seed=5)

        return look, self.network


def numbers(rows: Features) -> Tensor:
    """What SearchNet would read: here, which rows they are."""
    return rows.rows


def staged(count: int = 3, taught: float = 0.5, **options: Any) -> Stage:
    given = {"network": False, "whole": False, "ridge": 1e-2, **options}
    return Stage(count, taught, **given)


def play(
    stage: Stage, view: View, *candidates: QueryStrategy
) -> tuple[Sequence[Rehearsal], Sequence[View]]:
    """The rehearsals, and what a candidate saw in each."""
    seen = Seen()
    given = {str(place): each for place, each in enumerate([Looking(seen), *candidates])}
    return stage.rehearsals(view, given, numbers), seen.views


def rows_of(inputs: Tensor, features: Features) -> list[int]:
    """Which rows these are, whose embeddings are at another scale."""
    unit, known = (nn.functional.normalize(each.float()) for each in (inputs, features.embeddings))
    found = (unit @ known.T).max(1)
    torch.testing.assert_close(found.values, torch.ones(len(inputs)))
    return features.rows[found.indices].tolist()


# The parts.


@pytest.mark.parametrize(
    ("count", "share", "sizes"),
    [
        (24, 0.5, (12, 6, 6)),
        (25, 0.2, (5, 10, 10)),
        (20, 0.9, (17, 2, 1)),  # two to choose from and one that checks are always left
        (20, 0.01, (1, 9, 10)),
        (7, 0.5, (4, 2, 1)),
        (5, 0.5, (2, 2, 1)),
        (4, 0.5, (1, 2, 1)),
    ],
)
def test_the_parts_are_the_labelled_rows(
    count: int, share: float, sizes: tuple[int, int, int]
) -> None:
    view = make_view(labelled=count)
    known = dict(zip(view.labelled.rows.tolist(), view.labels.tolist(), strict=True))
    plays, views = play(staged(taught=share), view)
    assert len(plays) == len(views) == 3
    for each, seen in zip(plays, views, strict=True):
        taught, played = seen.labelled.rows.tolist(), seen.pool.rows.tolist()
        checked = rows_of(each.check, view.labelled)
        assert (len(taught), len(played), len(checked)) == sizes
        assert sorted(taught + played + checked) == sorted(known)
        assert rows_of(each.taught, view.labelled) == taught
        assert rows_of(each.played, view.labelled) == played
        assert each.inputs.tolist() == played
        for rows, labels in (
            (taught, each.taught_labels),
            (played, each.played_labels),
            (checked, each.check_labels),
        ):
            assert labels.tolist() == [known[row] for row in rows]
        assert seen.labels.tolist() == each.taught_labels.tolist()
        assert seen.classes == each.classes == 3
        assert seen.validation is None
        assert seen.fitted is None


@pytest.mark.parametrize(("count", "sizes"), [(24, (12, 12)), (4, (2, 2)), (3, (1, 2))])
def test_validation_rows_check_and_all_others_play(count: int, sizes: tuple[int, int]) -> None:
    view = make_view(labelled=count, validation=9)
    assert view.validation is not None
    plays, views = play(staged(), view)
    for each, seen in zip(plays, views, strict=True):
        taught, played = seen.labelled.rows.tolist(), seen.pool.rows.tolist()
        assert (len(taught), len(played)) == sizes
        assert sorted(taught + played) == view.labelled.rows.tolist()
        assert rows_of(each.check, view.validation) == view.validation.rows.tolist()
        assert each.check_labels is view.validation_labels


@pytest.mark.parametrize(("count", "validation"), [(0, 0), (3, 0), (0, 9), (2, 9)])
def test_too_few_rows_are_no_rehearsal(count: int, validation: int) -> None:
    plays, views = play(staged(), make_view(labelled=count, validation=validation))
    assert list(plays) == []
    assert list(views) == []


@pytest.mark.parametrize(
    ("count", "validation", "sizes"),
    [(5, 0, None), (6, 0, (2, 2, 2)), (3, 6, None), (4, 6, (2, 2, 6)), (9, 1, None)],
)
def test_a_whole_network_never_meets_a_single_row(
    count: int, validation: int, sizes: tuple[int, ...] | None
) -> None:
    view = make_view(labelled=count, validation=validation)
    stage = staged(network=True, whole=True, taught=0.1)
    plays, _ = play(stage, replace(view, fitted=Trained(view.classes)))
    assert len(plays) == (3 if sizes else 0)
    for each in plays:
        assert tuple(map(len, (each.taught, each.played, each.check))) == sizes


@pytest.mark.parametrize("count", range(4, 12))
def test_there_is_always_a_choice(count: int) -> None:
    for validation in (0, 6):
        for share in (0.1, 0.5, 0.95):
            view = make_view(labelled=count, validation=validation)
            for each in play(staged(2, share), view)[0]:
                assert 1 <= each.budget < len(each.played)
                assert min(len(each.taught), len(each.check)) >= 1


def test_rehearsals_differ_and_come_again() -> None:
    view = make_view(labelled=24)
    first, views = play(staged(4), view)
    again, _ = play(staged(4), view)
    assert len({tuple(each.inputs.tolist()) for each in first}) == 4
    assert len({each.seed for each in views} | {view.seed}) == 5
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.inputs, two.inputs)
        assert torch.equal(one.votes, two.votes)
    other, _ = play(staged(4), replace(view, seed=view.seed + 1))
    assert not torch.equal(other[0].inputs, first[0].inputs)
    # More rehearsals are the same ones and others.
    longer, _ = play(staged(6), view)
    assert [each.inputs.tolist() for each in longer[:4]] == [each.inputs.tolist() for each in first]


def test_a_third_of_what_is_played_is_chosen() -> None:
    seen = Seen()
    view = make_view(labelled=36, validation=6)
    plays = staged(2).rehearsals(view, {"a": Looking(seen)}, numbers)
    assert [each.budget for each in plays] == seen.budgets == [6, 6]


# The votes.


def test_every_candidate_votes_from_0_to_1() -> None:
    view = make_view(labelled=24, classes=4)
    names = ["margin", "entropy", "least_confidence", "kmeans", "bald", "badge", "typiclust"]
    candidates = {name: registry.build({"name": name}) for name in names}
    for each in staged().rehearsals(view, candidates, numbers):
        assert each.votes.shape == (6, 7)
        assert each.votes.dtype == torch.float32
        assert not each.votes.requires_grad
        assert float(each.votes.min()) >= 0
        assert float(each.votes.max()) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (torch.full((30,), torch.nan), "candidate 'odd': Odd.score returned nan for 30 of 30 rows"),
        (torch.zeros(3), "candidate 'odd': Odd.score must return one number for each of the 30"),
        (torch.full((30,), 2.0), "candidate 'odd': its votes are not one number from 0 to 1"),
    ],
)
def test_a_candidate_that_cannot_vote_is_named(scores: Tensor, told: str) -> None:
    class Odd(QueryStrategy):
        def score(self, view: View, budget: int) -> Tensor:
            return scores

        def votes(self, scores: Tensor, classes: int) -> Tensor:
            return scores

    with pytest.raises(ValueError, match=told):
        ballot(make_view(pool=30), {"odd": Odd()}, 3)


def test_votes_stand_in_the_order_of_the_candidates() -> None:
    view = make_view(labelled=24)
    given = {"a": Margin(), "b": Looking(Seen()), "c": Entropy()}
    votes = ballot(view, given, 5)
    assert torch.equal(votes[:, 0], Margin().votes(Margin().score(view, 5), 3))
    assert torch.equal(votes[:, 1], ranks(view.pool.rows.float()))
    assert torch.equal(votes[:, 2], Entropy().votes(Entropy().score(view, 5), 3))


def test_candidates_are_left_as_they_are() -> None:
    seen = Seen()
    strategy = Looking(seen)
    candidates: dict[str, QueryStrategy] = {"a": strategy}
    staged(5).rehearsals(make_view(labelled=24), candidates, numbers)
    assert seen.fits == 5
    assert strategy.learned == 0
    assert candidates == {"a": strategy}


def test_a_ballot_fits_only_where_it_is_told_to() -> None:
    view, seen = make_view(), Seen()
    ballot(view, {"a": Looking(seen)}, 3)
    assert seen.fits == 0
    ballot(view, {"a": Looking(seen)}, 3, fit=True)
    assert seen.fits == 1


@pytest.mark.parametrize("strategy", [Margin(), Entropy(), LeastConfidence()])
def test_votes_of_doubt_reach_from_sure_to_unsure(strategy: QueryStrategy) -> None:
    view = make_view(pool=2, classes=4)
    sure, unsure = torch.tensor([[60.0, 0, 0, 0], [0.0, 0, 0, 0]])
    head = nn.Identity()
    pool = Features(
        torch.arange(2), lambda: torch.stack([sure, unsure]), lambda inputs: inputs, head
    )
    votes = ballot(replace(view, pool=pool), {"a": strategy}, 1)
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


# FitNet as a head.


def optimum(inputs: Tensor, labels: Tensor, ridge: float) -> Any:
    """By scikit-learn, with the intercept as a column that is penalised like the others."""
    features = np.hstack([inputs.double().numpy(), np.ones((len(inputs), 1))])
    model = LogisticRegression(C=1 / (ridge * len(inputs)), fit_intercept=False, tol=1e-10)
    return model.fit(features, labels.numpy()).coef_


@pytest.mark.parametrize("ridge", [1e-1, 1e-3])
def test_the_head_is_the_ridge_solution(ridge: float) -> None:
    view = make_view(labelled=40)
    plays, views = play(staged(ridge=ridge), view)
    length = float(view.labelled.embeddings.square().sum(1).mean().sqrt())
    for each, seen in zip(plays, views, strict=True):
        torch.testing.assert_close(each.taught, seen.labelled.embeddings / length)
        head = each.fitnet
        assert isinstance(head, nn.Linear)
        expected = torch.from_numpy(optimum(each.taught, each.taught_labels, ridge)).float()
        torch.testing.assert_close(head.weight.detach(), expected[:, :-1], atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(head.bias.detach(), expected[:, -1], atol=1e-3, rtol=1e-3)
        # The candidates see the same model on the embeddings as they are.
        by = temperature(seen)
        for rows, inputs in ((seen.pool, each.played), (seen.labelled, each.taught)):
            torch.testing.assert_close(rows.logits * by, head(inputs).detach())


def test_the_scale_of_the_embeddings_makes_no_difference() -> None:
    view = make_view(labelled=24)

    def scaled(rows: Features) -> Features:
        return Features(rows.rows, lambda: rows.inputs, lambda _: 50 * rows.embeddings, rows.head)

    large = replace(view, pool=scaled(view.pool), labelled=scaled(view.labelled))
    for one, two in zip(
        play(staged(), view, Margin())[0], play(staged(), large, Margin())[0], strict=True
    ):
        torch.testing.assert_close(one.played, two.played)
        torch.testing.assert_close(one.votes, two.votes)


def test_the_task_s_own_head_is_unused_and_unchanged() -> None:
    view = make_view(labelled=24)
    before = deepcopy(view.labelled.head.state_dict())
    first, _ = play(staged(), view, Margin())
    for name, value in view.labelled.head.state_dict().items():
        assert torch.equal(value, before[name])
    with torch.no_grad():
        for each in view.labelled.head.parameters():
            each.zero_()
    again, _ = play(staged(), view, Margin())
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.votes, two.votes)


def test_labels_outside_the_taught_rows_are_unseen_by_the_candidates() -> None:
    view = make_view(labelled=24)
    first, views = play(staged(1), view, Margin())
    known = torch.isin(view.labelled.rows, views[0].labelled.rows)
    changed = replace(view, labels=torch.where(known, view.labels, (view.labels + 1) % 3))
    again, _ = play(staged(1), changed, Margin())
    assert torch.equal(first[0].votes, again[0].votes)
    assert not torch.equal(first[0].played_labels, again[0].played_labels)


def test_rows_on_which_the_model_is_too_sure_cool_it() -> None:
    view = make_view(labelled=30, classes=3)
    wrong = replace(view, labels=(view.labels + (torch.arange(30) % 3 == 0)) % 3)
    by = temperature(wrong)
    assert by > 1.2
    cool = cooled(wrong)
    torch.testing.assert_close(cool.pool.logits, wrong.pool.logits / by)
    torch.testing.assert_close(cool.labelled.logits, wrong.labelled.logits / by)
    torch.testing.assert_close(cool.pool.probs, (wrong.pool.logits / by).softmax(1))
    assert torch.equal(cool.pool.embeddings, wrong.pool.embeddings)
    assert torch.equal(cool.pool.rows, wrong.pool.rows)
    unsure = make_view(labelled=0)
    assert cooled(unsure) is unsure


# FitNet as a network.


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("validation", [0, 9])
def test_a_network_is_trained_once_on_rows_that_never_play(whole: bool, validation: int) -> None:
    view = make_view(labelled=24, validation=validation)
    trained = Trained(view.classes)
    stage = staged(4, network=True, whole=whole)
    plays, views = play(stage, replace(view, fitted=trained))
    (places,) = trained.calls
    assert places.tolist() == sorted(set(places.tolist()))
    taught = view.labelled.rows[places].tolist()
    assert len(taught) == 12
    for each, seen in zip(plays, views, strict=True):
        assert seen.labelled.rows.tolist() == taught
        assert each.taught_labels.tolist() == view.labels[places].tolist()
        assert not set(seen.pool.rows.tolist()) & set(taught)
        assert each.inputs.tolist() == seen.pool.rows.tolist()
        assert len(each.check) == (validation or 6)
    if not validation:
        assert len({tuple(each.inputs.tolist()) for each in plays}) == 4


def test_a_head_is_solved_on_the_networks_embeddings() -> None:
    view = make_view(labelled=30, validation=9)
    trained = Trained(view.classes)
    plays, _ = play(staged(network=True, ridge=1e-2), replace(view, fitted=trained))
    assert view.validation is not None
    lengths = trained.embed(view.labelled.inputs).square().sum(1)
    scale = 1 / float(lengths.mean().sqrt())
    (places,) = trained.calls
    for each in plays:
        seen = trained.embed(view.labelled.inputs[places])
        torch.testing.assert_close(each.taught, seen * scale)
        torch.testing.assert_close(each.check, trained.embed(view.validation.inputs) * scale)
        assert isinstance(each.fitnet, nn.Linear)
        expected = torch.from_numpy(optimum(each.taught, each.taught_labels, 1e-2)).float()
        torch.testing.assert_close(each.fitnet.weight.detach(), expected[:, :-1], atol=1e-3, rtol=0)


@pytest.mark.parametrize("sure", [1.0, 50.0])
def test_candidates_see_the_network_as_sure_as_it_may_be(sure: float) -> None:
    view = make_view(labelled=30)
    trained = Trained(view.classes, sure)
    _, views = play(staged(network=True), replace(view, fitted=trained))
    (places,) = trained.calls
    with torch.no_grad():
        logits = trained.head(trained.embed(view.labelled.inputs))
    tried = torch.logspace(0, 1, 65)
    losses = torch.stack(
        [nn.functional.cross_entropy(logits[places] / by, view.labels[places]) for by in tried]
    )
    by = float(tried[losses.argmin()])
    assert (by > 2) == (sure > 1)
    for seen in views:
        played = torch.isin(view.labelled.rows, seen.pool.rows)
        torch.testing.assert_close(seen.pool.logits, logits[played] / by)
        torch.testing.assert_close(
            seen.pool.embeddings, trained.embed(view.labelled.inputs[played])
        )


def test_a_whole_network_reads_images_and_every_rehearsal_has_its_own() -> None:
    view = make_view(labelled=24)
    trained = Trained(view.classes)
    plays, views = play(staged(network=True, whole=True), replace(view, fitted=trained))
    for each, seen in zip(plays, views, strict=True):
        assert torch.equal(each.played, seen.pool.inputs)
        assert torch.equal(each.taught, seen.labelled.inputs)
        assert each.check.shape[1:] == (3, 8, 8)
        for mine, given in zip(each.fitnet.parameters(), trained.network.parameters(), strict=True):
            assert torch.equal(mine, given)
            assert mine is not given
    assert len({id(each.fitnet) for each in plays}) == len(plays)


def test_without_a_network_none_is_trained() -> None:
    view = make_view(labelled=24)
    trained = Trained(view.classes)
    play(staged(), replace(view, fitted=trained))
    assert trained.calls == []
