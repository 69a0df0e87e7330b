from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from autoal import Arrays, Experiment, Plan, TrueLabels, rounds
from autoal.errors import UserError
from autoal.model.estimator import SklearnLearner
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.seeding import seeded
from autoal.testing import check_learner

FOREST = RandomForestClassifier(5)
BAG = BaggingClassifier(GaussianNB(), 4, max_features=3)


@pytest.fixture
def data() -> Arrays:
    stream = np.random.default_rng(0)
    labels = np.arange(90) % 3
    rows = stream.normal(size=(90, 5)) + 3 * np.eye(3, 5)[labels]
    return Arrays((rows[:60], labels[:60]), test=(rows[60:], labels[60:]))


def taught(estimator: Any, data: Arrays, rows: torch.Tensor | None = None) -> SklearnLearner:
    learner = SklearnLearner(estimator, data)
    with seeded(0, "fit"):
        numbers = torch.arange(60) if rows is None else rows
        learner.fit(data.train.take(numbers), first=True, watch=lambda step: None)
    return learner


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GaussianNB(),
        FOREST,
        BAG,
        BaggingClassifier(LogisticRegression(), 3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_estimator_keeps_the_promises_of_a_learner(estimator: Any, data: Arrays) -> None:
    check_learner(lambda: SklearnLearner(estimator, data), data)


def test_it_predicts_what_the_estimator_predicts(data: Arrays) -> None:
    learner = taught(LogisticRegression(), data)
    own = LogisticRegression().fit(data.train.inputs.numpy(), data.train.labels.numpy())
    expected = torch.from_numpy(own.predict_proba(data.train.inputs.numpy())).float()
    found = learner.look(data.train, torch.arange(60), 0)
    torch.testing.assert_close(found.probs, expected)
    assert torch.equal(found.embeddings, data.train.inputs)
    score = own.score(data.test.inputs.numpy(), data.test.labels.numpy())  # type: ignore[union-attr]
    assert learner.test(data.test)["accuracy"] == pytest.approx(score)  # type: ignore[arg-type]


def test_a_draw_is_what_one_member_predicts(data: Arrays) -> None:
    learner = taught(FOREST, data)
    features = learner.look(data.train, torch.arange(60), 0)
    assert features.drawn_probs.shape == (5, 60, 3)
    torch.testing.assert_close(features.drawn_probs.mean(0), features.probs, atol=1e-5, rtol=0)
    assert float(features.drawn_probs.var(0).max()) > 0
    columns = taught(BAG, data).look(data.train, torch.arange(60), 0)
    torch.testing.assert_close(columns.drawn_probs.mean(0), columns.probs, atol=1e-5, rtol=0)


def test_a_class_that_no_labelled_row_has_is_improbable_and_no_error(data: Arrays) -> None:
    some = (data.train.labels != 1).nonzero().flatten()
    for estimator in (LogisticRegression(), FOREST, BAG):
        learner = taught(estimator, data, some)
        features = learner.look(data.train, torch.arange(60), 0)
        assert float(features.probs[:, 1].max()) < 1e-6
        assert np.isfinite(learner.test(data.test)["nll"])  # type: ignore[arg-type]
        if learner.draws:
            assert features.drawn_probs.shape[1:] == (60, 3)


# They, or candidates of theirs, ask the head about other embeddings, and there is none.
HEADED = ("alfamix", "dropquery", "refine")


@pytest.mark.parametrize("strategy", HEADED)
def test_a_strategy_that_reads_a_head_is_refused_for_an_estimator(
    strategy: str, data: Arrays
) -> None:
    learner = SklearnLearner(FOREST, data)
    with pytest.raises(
        UserError, match=r"asks the head of the model.*give a network with a linear"
    ):
        Experiment(data, learner, strategy, Plan(12, 4, 1))


@pytest.mark.parametrize("strategy", ["alfamix", "dropquery"])
def test_a_candidate_that_reads_a_head_is_refused_by_its_name(strategy: str, data: Arrays) -> None:
    mixture = registry.build("autoal", candidates={"margin": {}, strategy: {}})
    with pytest.raises(UserError, match=f"candidate '{strategy}'"):
        Experiment(data, SklearnLearner(FOREST, data), mixture, Plan(12, 4, 1))


@pytest.mark.parametrize(
    "strategy", [name for name in STRATEGIES.installed() if name not in (*HEADED, "active_llm")]
)
def test_every_strategy_works_with_an_ensemble(strategy: str, data: Arrays) -> None:
    data.validation = data.test
    options = {"tries": 2} if strategy == "cheating_oracle" else {}
    if strategy == "autoal":
        options = {"steps": 1, "rehearsals": 2}
    chosen = registry.build(strategy, **options)
    experiment = Experiment(data, SklearnLearner(FOREST, data), chosen, Plan(12, 4, 1))
    history = list(rounds(experiment, TrueLabels(data.train.labels)))
    assert [len(finished.queried) for finished in history] == [12, 4]


def test_a_strategy_that_reads_draws_is_refused_for_an_estimator_that_has_none(
    data: Arrays,
) -> None:
    learner = SklearnLearner(LogisticRegression(), data)
    with pytest.raises(UserError, match=r"Bald reads draws of the model.*BaggingClassifier"):
        Experiment(data, learner, "bald", Plan(12, 4, 1))
    with pytest.raises(UserError, match="candidate 'bald'"):
        Experiment(data, learner, "autoal", Plan(12, 4, 1))


def test_a_bag_of_estimators_without_probabilities_gives_no_draws(data: Arrays) -> None:
    bag = SklearnLearner(BaggingClassifier(SVC(), 3), data)
    with pytest.raises(UserError, match="Bald reads draws of the model"):
        Experiment(data, bag, "bald", Plan(12, 4, 1))
    history = list(
        rounds(Experiment(data, bag, "margin", Plan(12, 4, 1)), TrueLabels(data.train.labels))
    )
    assert [done.labelled for done in history] == [12, 16]


def test_the_class_of_an_estimator_is_none(data: Arrays) -> None:
    with pytest.raises(UserError, match=r"give an estimator, GaussianNB\(\), not its class"):
        SklearnLearner(GaussianNB, data)


def test_an_estimator_that_cannot_predict_is_refused_in_its_own_words(data: Arrays) -> None:
    neighbours = SklearnLearner(KNeighborsClassifier(30), data)
    experiment = Experiment(data, neighbours, "margin", Plan(20, 4, 1))
    with pytest.raises(UserError, match=r"KNeighborsClassifier cannot predict: .*neighbors"):
        list(rounds(experiment, TrueLabels(data.train.labels)))


def test_the_seed_of_the_experiment_decides_what_has_no_random_state(data: Arrays) -> None:
    def history(seed: int, estimator: Any) -> list[float]:
        experiment = Experiment(
            data, SklearnLearner(estimator, data), "random", Plan(12, 4, 1), seed=seed
        )
        return [
            finished.metrics["nll"]
            for finished in rounds(experiment, TrueLabels(data.train.labels))
        ]

    np.random.seed(1)
    first = history(0, make_pipeline(StandardScaler(), RandomForestClassifier(3)))
    np.random.seed(2)
    assert history(0, make_pipeline(StandardScaler(), RandomForestClassifier(3))) == first
    assert history(1, make_pipeline(StandardScaler(), RandomForestClassifier(3))) != first


def test_an_experiment_goes_on_from_its_state_without_unpickling(data: Arrays) -> None:
    truth = TrueLabels(data.train.labels)
    whole = Experiment(data, SklearnLearner(FOREST, data), "bald", Plan(12, 4, 2))
    states = []
    for _ in rounds(whole, truth):
        states.append(deepcopy(whole.state_dict()))
    resumed = Experiment(data, SklearnLearner(FOREST, data), "bald", Plan(12, 4, 2))
    resumed.resume(whole.history[:2], states[1])
    (last,) = rounds(resumed, truth)
    assert (last.queried, last.metrics) == (whole.history[2].queried, whole.history[2].metrics)
    assert all(isinstance(value, torch.Tensor | int) for value in states[1]["learner"].values())


def test_the_users_estimator_is_never_fitted(data: Arrays) -> None:
    estimator = LogisticRegression()
    taught(estimator, data)
    assert not hasattr(estimator, "coef_")


@pytest.mark.parametrize("estimator", [LinearSVC(), object()])
def test_an_estimator_without_probabilities_is_refused(estimator: Any, data: Arrays) -> None:
    with pytest.raises(UserError, match=r"has no predict_proba.*CalibratedClassifierCV"):
        SklearnLearner(estimator, data)
    assert SklearnLearner(CalibratedClassifierCV(LinearSVC()), data)


def test_what_the_estimator_refuses_is_told_in_its_words(data: Arrays) -> None:
    with pytest.raises(UserError, match=r"LogisticRegression cannot learn: .*C"):
        taught(LogisticRegression(C=-1.0), data)


def test_nothing_taught_is_nothing_known(data: Arrays) -> None:
    features = SklearnLearner(FOREST, data).look(data.train, torch.arange(3), 0)
    assert torch.equal(features.probs, torch.full((3, 3), 1 / 3))
