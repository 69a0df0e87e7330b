from autoal import Data, Experiment, Plan, TrueLabels, rounds
from autoal.testing import check_learner
from tests.model.made import NearestMean


def taught(data: Data) -> NearestMean:
    learner = NearestMean(3)
    learner.fit(data.train, first=True, watch=lambda step: None)
    return learner


def test_the_methods_that_must_be_written_will_do(data: Data) -> None:
    check_learner(lambda: NearestMean(3), data)


def test_a_learner_can_be_drawn_from_and_has_nothing_else_unless_it_says_so(
    data: Data,
) -> None:
    learner = taught(data)
    assert (learner.deep, learner.draws, learner.headed) == (False, True, False)
    assert (learner.module(), learner.training) == (None, None)
    assert learner.place(data.train) is data.train


def test_an_experiment_needs_no_network(data: Data) -> None:
    def history(strategy: str) -> list[tuple[list[int], float]]:
        plan = Plan(start=6, budget=5, rounds=3)
        experiment = Experiment(data, NearestMean(3), strategy, plan)
        done = rounds(experiment, TrueLabels(data.train.labels))
        return [(finished.queried, finished.metrics["accuracy"]) for finished in done]

    for name in ("margin", "bald", "coreset"):
        first = history(name)
        assert len({row for rows, _ in first for row in rows}) == 21
        assert first == history(name)
    assert history("margin")[-1][1] > 0.5
