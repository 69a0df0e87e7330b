"""Words that speak for classes, in an experiment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.naive_bayes import GaussianNB

from autoal import (
    Answers,
    Data,
    Experiment,
    Learner,
    Plan,
    Question,
    RunFolder,
    SklearnLearner,
    Trained,
    Training,
    TrueLabels,
    rounds,
)
from autoal.cycle.history import demand_history
from autoal.cycle.knowledge import Knowledge, Told
from autoal.cycle.wording import with_words
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.exported.model import Model
from autoal.model.logistic import Logistic
from autoal.oracles.words import Words
from tests.cycle.made import facts
from tests.oracles.worded import texts

PLAN = Plan(start=4, budget=2, rounds=3)
OCEAN = {"ocean": [2.0, 0.0, 0.0], "near": [0.0, 0.0, 0.0]}


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return texts(tmp_path)


def learner_of(data: Data) -> Learner:
    task = Logistic(data.train.shape, len(data.classes), data.preprocess(), l2=1.0)
    return Trained(task, Training(accelerator="cpu"))


def experiment_of(data: Data, learner: Learner | None = None) -> Experiment:
    return Experiment(data, learner or learner_of(data), "margin", PLAN)


def telling(words: dict[str, list[float]], data: Data) -> Any:
    """An oracle that knows the truth of rows, and repeats its words in all rounds but the first."""
    truth = TrueLabels(data.train.labels)

    def answers(question: Question) -> Answers:
        told = words if question.number else {}
        return replace(truth(question), words=told, beside=0.5 * len(told))

    return answers


def test_a_word_that_speaks_for_a_class_is_learnt_as_a_text_that_has_a_weight(data: Data) -> None:
    known = Knowledge.nothing(data.train, 3).after(Told(queried={0: 1}, words=OCEAN))
    model = Model.of(data, learner_of(data))
    lesson = with_words(known.lesson, known.words, model)
    assert lesson.labels.tolist() == [1, UNKNOWN]
    assert lesson.beliefs is not None
    assert lesson.beliefs.tolist() == [[0, 1, 0], [2, 0, 0]]
    assert torch.equal(lesson.inputs[1:], model.encoded(model.reader.of(["ocean"])).inputs)
    assert with_words(known.lesson, {"near": OCEAN["near"]}, model).beliefs is None


def test_what_a_word_speaks_for_moves_the_model_towards_it(data: Data) -> None:
    def probability(words: dict[str, list[float]]) -> float:
        experiment = experiment_of(data)
        *_, last = rounds(experiment, telling(words, data))
        assert last.cost == (2 + 0.5 * len(words) if words else None)
        return float(experiment.predict(["ocean near the street"])[0, 0])

    assert probability(OCEAN) > probability({})
    assert probability({"ocean": [0.0, 2.0, 0.0]}) < probability({})


def test_words_are_known_again_from_the_record(data: Data, tmp_path: Path) -> None:
    oracle = Words(TrueLabels(data.train.labels), data, count=2)
    whole = facts(list(rounds(experiment_of(data), oracle)))
    with RunFolder(tmp_path / "run") as folder:
        for _, done in zip(range(2), rounds(experiment_of(data), oracle, folder), strict=False):
            assert len(done.words) == 2 * (done.number > 0)
    with RunFolder(tmp_path / "run") as folder:
        list(rounds(experiment_of(data), oracle, folder))
        assert facts(folder.rounds) == whole


def test_a_learner_of_labels_alone_is_refused(data: Data) -> None:
    experiment = experiment_of(data, SklearnLearner(GaussianNB(), data))
    with pytest.raises(UserError, match="this task learns from labels alone"):
        list(rounds(experiment, telling(OCEAN, data)))


def test_a_record_with_words_of_other_classes_is_refused(data: Data) -> None:
    (first, *_) = rounds(experiment_of(data), TrueLabels(data.train.labels))
    odd = replace(first, words={"ocean": [1.0, 0.0]})
    with pytest.raises(UserError, match="the answer about the word ocean is about 2 classes"):
        demand_history([odd], PLAN, data)
