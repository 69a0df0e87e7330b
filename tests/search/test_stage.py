from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from autoal.strategies.uncertainty import Margin
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from autoal import Features, Known, QueryStrategy, View
from autoal.errors import UserError
from autoal.maths.regressions import Regressions
from autoal.maths.slopes import with_intercept
from autoal.query.calibration import cooled, temperature
from autoal.query.composite import Candidates
from autoal.search.rehearsal import Rehearsal
from autoal.search.stage import Stage
from autoal.testing import make_view
from autoal.testing.made import Made, make
from tests.search.made import Taught, with_labels, with_network


@dataclass
class Diary:
    """The views that a candidate saw, play by play."""

    views: list[View] = field(default_factory=list)
    budgets: list[int] = field(default_factory=list)
    fits: int = 0


class Looking(QueryStrategy):
    """Keeps what it saw, through copies too."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.learned = 0

    def __deepcopy__(self, memo: Any) -> "Looking":
        copy = Looking(self.diary)
        copy.learned = self.learned
        return copy

    def fit(self, view: View) -> None:
        self.learned += 1
        self.diary.fits += 1

    def score(self, view: View, budget: int) -> Tensor:
        self.diary.views.append(view)
        self.diary.budgets.append(budget)
        return view.pool.rows.float()


def numbers(rows: Features) -> Tensor:
    """The input of SearchNet: here, the numbers of the rows."""
    return rows.rows


def staged(count: int = 3, taught: float = 0.5, **options: Any) -> Stage:
    given = {"fitnet": "auto", "whole": False, "ridge": 1e-2, **options}
    return Stage(count, taught, **given)


def play(
    stage: Stage, view: View, *candidates: QueryStrategy
) -> tuple[Sequence[Rehearsal], Sequence[View]]:
    """The rehearsals, and what a candidate saw in each."""
    diary = Diary()
    given = Candidates({str(place): c for place, c in enumerate([Looking(diary), *candidates])})
    return stage.rehearsals(view, given, numbers), diary.views


def rows_of(inputs: Tensor, among: Known) -> list[int]:
    """The numbers of these rows, whose embeddings have another scale."""
    features = among.features
    unit, known = (nn.functional.normalize(x.float()) for x in (inputs, features.embeddings))
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
    known = dict(
        zip(view.labelled.features.rows.tolist(), view.labelled.labels.tolist(), strict=True)
    )
    plays, views = play(staged(taught=share), view)
    assert len(plays) == len(views) == 3
    for rehearsal, shown in zip(plays, views, strict=True):
        taught, played = shown.labelled.features.rows.tolist(), shown.pool.rows.tolist()
        checked = rows_of(rehearsal.check, view.labelled)
        assert (len(taught), len(played), len(checked)) == sizes
        assert sorted(taught + played + checked) == sorted(known)
        assert rows_of(rehearsal.taught, view.labelled) == taught
        assert rows_of(rehearsal.played, view.labelled) == played
        assert rehearsal.inputs.tolist() == played
        for rows, labels in (
            (taught, rehearsal.taught_labels),
            (played, rehearsal.played_labels),
            (checked, rehearsal.check_labels),
        ):
            assert labels.tolist() == [known[row] for row in rows]
        assert shown.labelled.labels.tolist() == rehearsal.taught_labels.tolist()
        assert shown.classes == rehearsal.classes == 3
        assert shown.validation is None
        assert shown.bench is None


@pytest.mark.parametrize(("count", "sizes"), [(24, (12, 12)), (4, (2, 2)), (3, (1, 2))])
def test_validation_rows_check_and_all_others_play(count: int, sizes: tuple[int, int]) -> None:
    view = make_view(labelled=count, validation=9)
    assert view.validation is not None
    plays, views = play(staged(), view)
    for rehearsal, shown in zip(plays, views, strict=True):
        taught, played = shown.labelled.features.rows.tolist(), shown.pool.rows.tolist()
        assert (len(taught), len(played)) == sizes
        assert sorted(taught + played) == view.labelled.features.rows.tolist()
        assert rows_of(rehearsal.check, view.validation) == view.validation.features.rows.tolist()
        assert rehearsal.check_labels is view.validation.labels


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
    plays, _ = play(staged(whole=True, taught=0.1), with_network(view))
    assert len(plays) == (3 if sizes else 0)
    for rehearsal in plays:
        assert tuple(map(len, (rehearsal.taught, rehearsal.played, rehearsal.check))) == sizes


@pytest.mark.parametrize("count", range(4, 12))
def test_there_is_always_a_choice(count: int) -> None:
    for validation in (0, 6):
        for share in (0.1, 0.5, 0.95):
            view = make_view(labelled=count, validation=validation)
            for rehearsal in play(staged(2, share), view)[0]:
                assert 1 <= rehearsal.budget < len(rehearsal.played)
                assert min(len(rehearsal.taught), len(rehearsal.check)) >= 1


def test_rehearsals_differ_and_come_again() -> None:
    view = make_view(labelled=24)
    first, views = play(staged(4), view)
    again, _ = play(staged(4), view)
    assert len({tuple(rehearsal.inputs.tolist()) for rehearsal in first}) == 4
    assert len({shown.seed for shown in views} | {view.seed}) == 5
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.inputs, two.inputs)
        assert torch.equal(one.votes, two.votes)
    other, _ = play(staged(4), replace(view, seed=view.seed + 1))
    assert not torch.equal(other[0].inputs, first[0].inputs)
    # More rehearsals are the same ones and others.
    longer, _ = play(staged(6), view)
    assert [rehearsal.inputs.tolist() for rehearsal in longer[:4]] == [
        rehearsal.inputs.tolist() for rehearsal in first
    ]


def test_a_third_of_what_is_played_is_chosen() -> None:
    diary = Diary()
    view = make_view(labelled=36, validation=6)
    plays = staged(2).rehearsals(view, Candidates({"a": Looking(diary)}), numbers)
    assert [rehearsal.budget for rehearsal in plays] == diary.budgets == [6, 6]


# The votes.


def test_every_candidate_votes_from_0_to_1() -> None:
    view = make_view(labelled=24, classes=4)
    names = ["margin", "entropy", "least_confidence", "kmeans", "bald", "badge", "typiclust"]
    candidates = Candidates.installed(dict.fromkeys(names))
    for rehearsal in staged().rehearsals(view, candidates, numbers):
        assert rehearsal.votes.shape == (6, 7)
        assert rehearsal.votes.dtype == torch.float32
        assert not rehearsal.votes.requires_grad
        assert float(rehearsal.votes.min()) >= 0
        assert float(rehearsal.votes.max()) <= 1 + 1e-6


def test_candidates_are_left_as_they_are() -> None:
    diary = Diary()
    strategy = Looking(diary)
    candidates = Candidates({"a": strategy})
    staged(5).rehearsals(make_view(labelled=24), candidates, numbers)
    assert diary.fits == 5
    assert strategy.learned == 0
    assert candidates.strategies == {"a": strategy}


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
    length = float(view.labelled.features.embeddings.square().sum(1).mean().sqrt())
    for rehearsal, shown in zip(plays, views, strict=True):
        torch.testing.assert_close(rehearsal.taught, shown.labelled.features.embeddings / length)
        head = rehearsal.fitnet
        assert isinstance(head, nn.Linear)
        expected = torch.from_numpy(
            optimum(rehearsal.taught, rehearsal.taught_labels, ridge)
        ).float()
        torch.testing.assert_close(head.weight.detach(), expected[:, :-1], atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(head.bias.detach(), expected[:, -1], atol=1e-3, rtol=1e-3)
        # The candidates see the same model on the embeddings as they are.
        by = temperature(shown)
        for rows, inputs in (
            (shown.pool, rehearsal.played),
            (shown.labelled.features, rehearsal.taught),
        ):
            torch.testing.assert_close(rows.logits * by, head(inputs).detach())


def rows_and_labels() -> Made:
    return make((60, 24, 0), 3, stages=False, seed=0)


def test_the_scale_of_the_embeddings_makes_no_difference() -> None:
    rows = rows_and_labels()
    large = replace(rows, activations=50 * rows.activations)
    views = rows.view(), large.view()
    first, second = (play(staged(), view, Margin())[0] for view in views)
    for one, two in zip(first, second, strict=True):
        torch.testing.assert_close(one.played, two.played)
        torch.testing.assert_close(one.votes, two.votes)


def test_the_task_s_own_head_is_unused_and_unchanged() -> None:
    rows = rows_and_labels()
    head = deepcopy(rows.head)
    labels = rows.labels.clone()
    labels[rows.pool] = -1
    view = View.of(rows.activations, head=head, labels=labels)
    first, _ = play(staged(), view, Margin())
    for name, value in head.state_dict().items():
        assert torch.equal(value, rows.head.state_dict()[name])
    other = View.of(rows.activations, head=rows.with_head(0.0).head, labels=labels)
    assert not torch.equal(other.labelled.features.logits, view.labelled.features.logits)
    again, _ = play(staged(), other, Margin())
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.votes, two.votes)


def test_labels_outside_the_taught_rows_are_unseen_by_the_candidates() -> None:
    view = make_view(labelled=24)
    first, views = play(staged(1), view, Margin())
    known = torch.isin(view.labelled.features.rows, views[0].labelled.features.rows)
    changed = with_labels(view, lambda labels: torch.where(known, labels, (labels + 1) % 3))
    again, _ = play(staged(1), changed, Margin())
    assert torch.equal(first[0].votes, again[0].votes)
    assert not torch.equal(first[0].played_labels, again[0].played_labels)


def test_rows_on_which_the_model_is_too_sure_cool_it() -> None:
    view = make_view(labelled=30, classes=3)
    wrong = with_labels(view, lambda labels: (labels + (torch.arange(30) % 3 == 0)) % 3)
    by = temperature(wrong)
    assert by > 1.2
    cool = cooled(wrong)
    torch.testing.assert_close(cool.pool.logits, wrong.pool.logits / by)
    known = wrong.labelled.features
    torch.testing.assert_close(cool.labelled.features.logits, known.logits / by)
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
    trained = Taught(view.classes)
    plays, views = play(staged(4, whole=whole), with_network(view, trained))
    (places,) = trained.calls
    assert places.tolist() == sorted(set(places.tolist()))
    taught = view.labelled.features.rows[places].tolist()
    assert len(taught) == 12
    for rehearsal, shown in zip(plays, views, strict=True):
        assert shown.labelled.features.rows.tolist() == taught
        assert rehearsal.taught_labels.tolist() == view.labelled.labels[places].tolist()
        assert not set(shown.pool.rows.tolist()) & set(taught)
        assert rehearsal.inputs.tolist() == shown.pool.rows.tolist()
        assert len(rehearsal.check) == (validation or 6)
    if not validation:
        assert len({tuple(rehearsal.inputs.tolist()) for rehearsal in plays}) == 4


def test_a_head_is_solved_on_the_networks_embeddings() -> None:
    view = make_view(labelled=30, validation=9)
    trained = Taught(view.classes)
    plays, _ = play(staged(ridge=1e-2), with_network(view, trained))
    assert view.validation is not None
    lengths = trained.embed(view.labelled.features.inputs).square().sum(1)
    scale = 1 / float(lengths.mean().sqrt())
    (places,) = trained.calls
    for rehearsal in plays:
        rows = trained.embed(view.labelled.features.inputs[places])
        torch.testing.assert_close(rehearsal.taught, rows * scale)
        torch.testing.assert_close(
            rehearsal.check, trained.embed(view.validation.features.inputs) * scale
        )
        assert isinstance(rehearsal.fitnet, nn.Linear)
        expected = torch.from_numpy(
            optimum(rehearsal.taught, rehearsal.taught_labels, 1e-2)
        ).float()
        torch.testing.assert_close(
            rehearsal.fitnet.weight.detach(), expected[:, :-1], atol=1e-3, rtol=0
        )


@pytest.mark.parametrize("sure", [1.0, 50.0])
def test_candidates_see_the_network_as_sure_as_it_may_be(sure: float) -> None:
    view = make_view(labelled=30)
    trained = Taught(view.classes, sure)
    _, views = play(staged(), with_network(view, trained))
    (places,) = trained.calls
    with torch.no_grad():
        logits = trained.head(trained.embed(view.labelled.features.inputs))
    tried = torch.logspace(0, 1, 65)
    losses = torch.stack(
        [
            nn.functional.cross_entropy(logits[places] / by, view.labelled.labels[places])
            for by in tried
        ]
    )
    by = float(tried[losses.argmin()])
    assert (by > 2) == (sure > 1)
    for shown in views:
        played = torch.isin(view.labelled.features.rows, shown.pool.rows)
        torch.testing.assert_close(shown.pool.logits, logits[played] / by)
        torch.testing.assert_close(
            shown.pool.embeddings, trained.embed(view.labelled.features.inputs[played])
        )


def test_a_whole_network_reads_images_and_every_rehearsal_has_its_own() -> None:
    view = make_view(labelled=24)
    trained = Taught(view.classes)
    plays, views = play(staged(whole=True), with_network(view, trained))
    for rehearsal, shown in zip(plays, views, strict=True):
        assert torch.equal(rehearsal.played, shown.pool.inputs)
        assert torch.equal(rehearsal.taught, shown.labelled.features.inputs)
        assert rehearsal.check.shape[1:] == (3, 8, 8)
        for mine, given in zip(
            rehearsal.fitnet.parameters(), trained.network.parameters(), strict=True
        ):
            assert torch.equal(mine, given)
            assert mine is not given
    assert len({id(rehearsal.fitnet) for rehearsal in plays}) == len(plays)


def test_a_road_through_a_network_needs_one_to_show() -> None:
    class Closed(Taught):
        """One that shows nothing of its inside."""

        def module(self) -> None:
            return None

    view = with_network(make_view(labelled=24), Closed(classes=3))
    with pytest.raises(UserError, match=r"road=unroll and road=paper go through .* road=implicit"):
        play(staged(whole=True), view)
    assert len(play(staged(), view)[0]) == 3  # its embeddings are enough


def test_without_a_network_none_is_trained() -> None:
    trained = Taught(classes=3)
    view = with_network(make_view(labelled=24), trained)
    assert view.bench is not None
    play(staged(fitnet="head"), view)
    play(staged(fitnet="auto"), replace(view, bench=replace(view.bench, deep=False)))
    assert trained.calls == []


# Labels in doubt.


def believing(view: View, trust: Tensor) -> View:
    """The view in which labelled rows have their labels as far as this."""
    rows, labels = view.labelled.features.rows, view.labelled.labels
    source = view.labelled.features.source
    assert source is not None
    beliefs = torch.zeros(len(source), view.classes).double()
    beliefs[rows] = ((1 - trust) / (view.classes - 1))[:, None].expand(-1, view.classes)
    beliefs[rows, labels] = trust
    features = copy(view.labelled.features)
    features.source = replace(source, beliefs=beliefs)
    return replace(view, labelled=Known(features, labels))


def test_labels_count_as_far_as_they_are_believed() -> None:
    view = make_view(labelled=24)
    trust = torch.linspace(0.4, 1.0, len(view.labelled)).double()
    plays, _ = play(staged(), believing(view, trust))
    by_row = dict(zip(view.labelled.features.rows.tolist(), trust.tolist(), strict=True))
    for each in plays:
        assert each.trust is not None
        rows = rows_of(each.training[0], view.labelled)
        assert each.trust.tolist() == [by_row[row] for row in rows]
        head = copy(each.fitnet)
        assert isinstance(head, nn.Linear)
        features = with_intercept(each.taught.double())
        weights = each.trust[: len(each.taught)]
        regressions = Regressions(features, each.taught_labels, view.classes, 1e-2)
        (theta,) = regressions.minimise((weights / weights.sum())[None])
        torch.testing.assert_close(head.weight.double(), theta[:, :-1], atol=1e-3, rtol=0)
    assert play(staged(), view)[0][0].trust is None
