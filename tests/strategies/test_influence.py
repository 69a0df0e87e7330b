from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.influence import Ibds, Influence, Isal, Salutary, rechecked
from sklearn.linear_model import Ridge
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from autoal import Known, QueryStrategy, Scored, TrueLabels, View
from autoal.errors import UserError
from autoal.maths.regressions import Regressions
from autoal.maths.slopes import influences, mean_gradient, with_intercept
from autoal.oracles.model import Salutary as SalutaryOracle
from autoal.oracles.question import Question
from autoal.query.batch import query
from autoal.query.strategy import Facts
from autoal.testing import check_strategy, make_view
from tests.maths.alone import Regression
from tests.strategies.made import noted, scored

BUDGET = 5
BUILD: list[type[Influence]] = [Salutary, Isal, Ibds]


@pytest.fixture
def view() -> View:
    return make_view(pool=40, labelled=24, validation=20, width=6)


def inputs(embeddings: Tensor) -> Tensor:
    return with_intercept(normalize(embeddings.float()))


def parts(known: Known) -> tuple[Tensor, Tensor]:
    """The features that a surrogate reads, and their labels."""
    return inputs(known.features.embeddings), known.labels


def judges(view: View) -> tuple[Tensor, Tensor]:
    assert view.validation is not None
    return parts(view.validation)


def suggested(strategy: Influence, view: View) -> Tensor:
    """The labels that the strategy itself would give to the whole pool."""
    answer = strategy.score(view, BUDGET)
    assert isinstance(answer, Scored)
    assert answer.labels is not None
    return answer.labels


def fitted(rows: Tensor, labels: Tensor, penalty: float, size: int) -> tuple[Regression, Tensor]:
    """On these rows, each of the weight that it has among `size`."""
    weights = rows.new_full((len(rows),), 1 / size)
    head = Regression(rows, labels, 3, weights, penalty / size)
    return head, head.minimise()


def benefits(view: View, penalty: float = 1.0) -> Tensor:
    """The influences of the pool's rows on the loss of the validation rows."""
    size = len(view.labelled)
    head, theta = fitted(*parts(view.labelled), penalty, size)
    slope = head.solve(theta, mean_gradient(*judges(view), theta)) / size
    return influences(inputs(view.pool.embeddings), theta, slope)


def true_fall(view: View, places: Tensor, labels: Tensor, penalty: float = 1.0) -> float:
    """Of the validation loss, by training again from nothing."""
    (rows, known), size = parts(view.labelled), len(view.labelled)
    _, before = fitted(rows, known, penalty, size)
    more = torch.cat([rows, inputs(view.pool.embeddings[places])])
    _, after = fitted(more, torch.cat([known, labels]), penalty, size)
    check, asked = judges(view)
    losses = (cross_entropy(check @ theta.T, asked) for theta in (before, after))
    return float(next(losses) - next(losses))


@pytest.mark.parametrize(
    "strategy", [Salutary(folds=5, recheck=3), Isal(folds=5, recheck=3), Ibds(folds=5)]
)
def test_promises_are_kept_where_labelled_rows_judge(strategy: Influence) -> None:
    check_strategy(strategy)


@pytest.mark.parametrize("penalty", [0.3, 1.0])
def test_the_score_is_the_benefit_of_the_best_class_and_that_class_the_label(
    view: View, penalty: float
) -> None:
    strategy = Salutary(penalty, recheck=0)
    expected = benefits(view, penalty)
    scores = scored(strategy, view, BUDGET)
    torch.testing.assert_close(scores, expected.amax(1).float(), rtol=1e-4, atol=1e-6)
    assert torch.equal(suggested(strategy, view), expected.argmax(1))
    assert len(expected.argmax(1).unique()) > 1


def test_the_labels_do_not_depend_on_what_was_asked_before(view: View) -> None:
    expected = suggested(Salutary(), view)
    strategy = Salutary()
    strategy.score(make_view(pool=40, labelled=12, validation=6, width=6, seed=1), BUDGET)
    assert torch.equal(suggested(strategy, view), expected)
    assert torch.equal(suggested(strategy, view), expected)


def test_a_query_suggests_the_labels_of_the_rows_that_it_asks_about(view: View) -> None:
    found, labels = query(Salutary(), view, BUDGET), suggested(Salutary(), view)
    assert found.suggested is not None
    assert torch.equal(found.suggested, labels[torch.searchsorted(view.pool.rows, found.rows)])


def test_who_gives_labels_says_so() -> None:
    assert [build.suggests for build in BUILD] == [True, True, False]
    assert scored(Ibds(), make_view(labelled=0), BUDGET).tolist() == [0] * 60
    nothing = Salutary().score(make_view(labelled=0), BUDGET)
    assert isinstance(nothing, Scored)
    assert nothing.labels is None  # a surrogate of nothing gives none


def test_isal_scores_the_prediction_of_the_tasks_model(view: View) -> None:
    predicted = view.pool.probs.argmax(1)
    expected = benefits(view).gather(1, predicted[:, None]).flatten()
    scores = scored(Isal(recheck=0), view, BUDGET)
    torch.testing.assert_close(scores, expected.float(), rtol=1e-4, atol=1e-6)
    assert (expected < benefits(view).amax(1)).any()
    assert torch.equal(suggested(Isal(), view), predicted)


def test_ibds_foresees_influences_as_scikit_learns_ridge_regression_does(view: View) -> None:
    (rows, labels), size = parts(view.labelled), len(view.labelled)
    head, theta = fitted(rows, labels, 2.0, size)
    slope = head.solve(theta, mean_gradient(*judges(view), theta)) / size
    known = influences(rows, theta, slope).gather(1, labels[:, None]).flatten()
    middle = known.mean()
    line = Ridge(alpha=2.0, fit_intercept=False).fit(rows.numpy(), (known - middle).numpy())
    expected = line.predict(inputs(view.pool.embeddings).numpy()) + float(middle)
    scores = scored(Ibds(penalty=2.0), view, BUDGET)
    torch.testing.assert_close(scores, torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-6)
    explained = line.score(rows.numpy(), (known - middle).numpy())
    assert noted(Ibds(penalty=2.0), view)["explained"] == pytest.approx(explained, abs=1e-4)


def test_the_best_rows_are_scored_by_the_fall_that_they_really_bring(view: View) -> None:
    labels = benefits(view).argmax(1)
    strategy = Salutary(recheck=40)
    scores = scored(strategy, view, BUDGET)
    best = scores.argsort(descending=True)[:BUDGET]
    for place in best.tolist():
        fall = true_fall(view, torch.tensor([place]), labels[[place]])
        assert float(scores[place]) == pytest.approx(fall, rel=1e-3)
    assert BUDGET <= noted(strategy, view, BUDGET)["rechecked"] < 40


def test_the_notes_tell_the_predicted_and_the_true_fall_of_the_batch(view: View) -> None:
    found = query(Salutary(recheck=0), view, BUDGET)
    places = torch.searchsorted(view.pool.rows, found.rows)
    expected = benefits(view)
    labels = expected.argmax(1)[places]
    notes = found.notes
    assert notes["predicted_fall"] == pytest.approx(float(expected.amax(1)[places].sum()), rel=1e-4)
    assert notes["realised_fall"] == pytest.approx(true_fall(view, places, labels), rel=1e-4)
    assert notes["realised_fall"] > 0
    assert notes["rechecked"] == 0
    _, theta = fitted(*parts(view.labelled), 1.0, len(view.labelled))
    check, asked = judges(view)
    assert notes["validation_loss"] == pytest.approx(float(cross_entropy(check @ theta.T, asked)))


def test_salutary_rows_lower_the_loss_more_than_other_rows_do(view: View) -> None:
    labels = benefits(view).argmax(1)
    best = scored(Salutary(), view, BUDGET).argsort(descending=True)
    first, last = (true_fall(view, part, labels[part]) for part in (best[:5], best[-5:]))
    assert first > 2 * last


def test_predictions_that_lead_are_checked_until_the_batch_is() -> None:
    truth = {4: 0.1, 0: 0.3, 2: 0.5}
    asked: list[int] = []

    def fall(place: int) -> float:
        asked.append(place)
        return truth[place]

    predicted = torch.tensor([0.6, 0.05, 0.55, 0.2, 0.9])
    scores, count = rechecked(predicted, fall, budget=2, limit=5)
    # The two that lead, 4 and 0, fall behind the third, which is checked and leads; then 0 does.
    assert asked == [4, 0, 2]
    assert scores.tolist() == pytest.approx([0.3, 0.05, 0.5, 0.2, 0.1])
    assert count == 3
    asked.clear()
    scores, count = rechecked(predicted, fall, budget=2, limit=1)
    assert (asked, count) == ([4], 1)
    assert scores.tolist() == pytest.approx([0.6, 0.05, 0.55, 0.2, 0.1])
    assert predicted[4] == pytest.approx(0.9)  # left as it was


def test_rows_are_checked_in_the_order_of_their_numbers_where_they_are_equal() -> None:
    scores, _ = rechecked(torch.ones(3), lambda place: 2.0 + place, 2, 2)
    assert scores.tolist() == [2, 3, 1]


def test_many_rows_are_checked_unasked_only_where_that_is_cheap(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(strategy: Salutary) -> Any:
        return noted(strategy, view, BUDGET)["rechecked"]

    assert BUDGET <= checked(Salutary()) <= 3 * BUDGET
    size = 24 * 7 * 3  # labelled rows, width with the intercept, classes
    monkeypatch.setattr("autoal.strategies.surrogate.AFFORDABLE", 4 * size)
    assert checked(Salutary()) == 4
    monkeypatch.setattr("autoal.strategies.surrogate.AFFORDABLE", size - 1)
    assert checked(Salutary()) == 0
    assert checked(Salutary(recheck=2)) == 2


def test_without_validation_rows_each_labelled_row_judges_those_fitted_without_it(
    view: View,
) -> None:
    alone = replace(view, validation=None)
    (rows, labels), size = parts(view.labelled), len(view.labelled)
    head, theta = fitted(rows, labels, 1.0, size)
    gradient, loss = torch.zeros_like(theta), 0.0
    for place in range(size):  # as many folds as rows: nothing depends on how they are drawn
        others = torch.arange(size) != place
        _, without = fitted(rows[others], labels[others], 1.0, size)
        gradient += mean_gradient(rows[[place]], labels[[place]], without) / size
        loss += float(cross_entropy(rows[[place]] @ without.T, labels[[place]])) / size
    slope = head.solve(theta, gradient) / size
    expected = influences(inputs(view.pool.embeddings), theta, slope).amax(1)
    strategy = Salutary(folds=size)
    scores = scored(strategy, alone, BUDGET)
    torch.testing.assert_close(scores, expected.float(), rtol=1e-4, atol=1e-6)
    notes = noted(strategy, alone, BUDGET)
    assert notes["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert notes["rechecked"] == 0
    assert notes["realised_fall"] > 0
    assert not torch.equal(scores, scored(Salutary(folds=3), alone, BUDGET))


@pytest.mark.parametrize("build", BUILD)
def test_the_surrogate_may_learn_what_the_model_predicts(
    view: View, build: Callable[..., Influence]
) -> None:
    known = view.labelled
    predicted = replace(view, labelled=Known(known.features, known.features.probs.argmax(1)))
    theta, expected, other = (
        build(targets=targets).surrogate(seen).theta
        for targets, seen in (("predictions", view), ("labels", predicted), ("labels", view))
    )
    assert torch.equal(theta, expected)
    assert not torch.allclose(theta, other)


def test_labelled_rows_judge_by_their_labels_whatever_the_surrogate_learns(view: View) -> None:
    known, size = view.labelled, len(view.labelled)
    rows, labels = parts(known)
    predicted, loss = known.features.probs.argmax(1), 0.0
    assert not torch.equal(predicted, labels)
    for place in range(size):
        others = torch.arange(size) != place
        _, without = fitted(rows[others], predicted[others], 1.0, size)
        loss += float(cross_entropy(rows[[place]] @ without.T, labels[[place]])) / size
    strategy = Salutary(folds=size, targets="predictions")
    notes = noted(strategy, replace(view, validation=None), BUDGET)
    assert notes["validation_loss"] == pytest.approx(loss, rel=1e-4)


def test_what_the_model_predicts_is_read_only_where_it_is_learnt() -> None:
    assert "probs" in Salutary(targets="predictions").reads
    assert "probs" not in Salutary().reads


def test_validation_rows_judge_where_there_are_some(view: View) -> None:
    with_folds = scored(Salutary(folds=4), view, BUDGET)
    assert torch.equal(with_folds, scored(Salutary(), view, BUDGET))


@pytest.mark.parametrize("build", BUILD)
def test_without_validation_rows_both_ways_out_are_told(build: Callable[..., Influence]) -> None:
    alone = make_view()
    ways = "data.validation=N, or the option folds=5"
    with pytest.raises(UserError, match=ways):
        build().score(alone, BUDGET)
    with pytest.raises(UserError, match=ways):
        build().check(Facts(60, 3))
    build().check(Facts(60, 3, validation=torch.tensor([0, 1])))
    build(folds=5).check(Facts(60, 3))


def of_one_class(known: Known | None) -> Known:
    """The same rows, of class 1."""
    assert known is not None
    return Known(known.features, torch.ones_like(known.labels))


def test_validation_rows_of_one_class_are_refused(view: View) -> None:
    same = replace(view, validation=of_one_class(view.validation))
    with pytest.raises(UserError, match="all 20 validation rows are of one class"):
        Salutary().score(same, BUDGET)
    assert same.validation is not None
    with pytest.raises(UserError, match="all 20 validation rows are of one class"):
        Salutary().check(Facts(60, 3, validation=same.validation.labels))
    alone = replace(view, validation=None)  # and with folds, not needed
    expected = scored(Salutary(folds=4), alone, BUDGET)
    assert torch.equal(scored(Salutary(folds=4), same, BUDGET), expected)


def test_no_labels_are_given_by_labelled_rows_of_one_class(view: View) -> None:
    same = replace(view, labelled=of_one_class(view.labelled))
    found = query(Salutary(), same, BUDGET)
    asked = Question(1, found.rows, ("a", "b", "c"), view=same, suggested=found.suggested)
    oracle = SalutaryOracle(TrueLabels(torch.zeros(1000).long()), Salutary())
    with pytest.raises(UserError, match=r"all 24 labelled rows are of one class.*larger start="):
        oracle(asked)
    assert scored(Salutary(), same, BUDGET).isfinite().all()


def test_a_surrogate_that_does_not_converge_says_so_with_its_gradient(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Tensor:
        raise RuntimeError("the regression did not converge: its gradient has the norm 0.25")

    monkeypatch.setattr(Regressions, "minimise", fail)
    with pytest.raises(UserError, match=r"gradient has the norm 0\.25; a larger strategy.penalty"):
        Salutary().score(view, BUDGET)


@pytest.mark.parametrize("build", BUILD)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": 0.0}, "`penalty` must be above 0, got 0"),
        ({"penalty": -1.0}, "`penalty` must be above 0, got -1"),
        ({"penalty": float("nan")}, "`penalty` must be above 0, got nan"),
        ({"folds": 1}, "`folds` must be 0 or at least 2, got 1"),
        ({"folds": -3}, "`folds` must be at least 0, got -3"),
    ],
)
def test_options_that_cannot_be_are_refused(
    build: Callable[..., QueryStrategy], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_a_negative_number_of_rows_to_check_is_refused() -> None:
    with pytest.raises(ValueError, match="`recheck` must be at least 0, got -1"):
        Salutary(recheck=-1)
