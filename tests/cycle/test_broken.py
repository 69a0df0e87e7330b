"""Parts of somebody else's that answer wrongly are refused by name, before anything is bought."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoal import Data, Features, Given, Loaded, QueryStrategy, Rows, Scored, View
from autoal.errors import UserError
from autoal.query.composite import Candidates
from autoal.testing import make_view
from tests.cycle.made import Make, Spy, answered, asked, done, recorded
from tests.model.made import NearestMean


class Odd(Spy, QueryStrategy):
    """Answers with what it was given, for a pool of 54 rows and 3 classes."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def score(self, view: View, budget: int) -> Any:
        return self.answer


SCORES = torch.arange(54.0)
LABELS = torch.zeros(54, dtype=torch.long)
CYCLE: dict[str, Any] = {}
CYCLE["again"] = CYCLE
NESTED: list[Any] = []
for _ in range(5000):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "its scores as a Tensor, got NoneType"),
        (SCORES.tolist(), "its scores as a Tensor, got list"),
        (SCORES.numpy(), "its scores as a Tensor, got ndarray"),
        ((SCORES, {}), "its scores as a Tensor, got tuple"),
        (SCORES[1:], "one number for each of the 54 rows of the pool, got the shape"),
        (SCORES[None], "one number for each of the 54 rows of the pool, got the shape"),
        (SCORES + 1j, "its scores as plain real numbers, got torch.complex64"),
        (SCORES.to("meta"), "its scores as plain real numbers, got .* on meta"),
        (SCORES.to_sparse(), "its scores as plain real numbers, got .* torch.sparse_coo"),
        (SCORES.log(), "returned -inf for 1 of 54 rows"),
        (SCORES * torch.nan, "returned nan for 54 of 54 rows"),
        (SCORES.half() * 1e5, "returned inf for"),
        (Scored(SCORES, {}, LABELS[1:]), "labels of the shape"),
        (Scored(SCORES, {}, LABELS.float()), "its labels as whole numbers, got torch.float32"),
        (Scored(SCORES, {}, LABELS + 3), "gave the label 3; classes go from 0 to 2"),
        (Scored(SCORES, {}, LABELS - 1), "gave the label -1; classes go from 0 to 2"),
        (Scored(SCORES, {}, [0] * 54), "its labels as a Tensor, got list"),  # type: ignore[arg-type]
        (Scored(SCORES, {"a": SCORES}), "notes that JSON cannot express"),
        (Scored(SCORES, {("a", 1): 2}), "notes that JSON cannot express"),  # type: ignore[dict-item]
        (Scored(SCORES, CYCLE), "notes that JSON cannot express"),
        (Scored(SCORES, {"deep": NESTED}), "notes that JSON cannot express"),
        (Scored(SCORES, {"a": np.int64(1)}), "notes that JSON cannot express"),
        (Scored(SCORES, 3), "notes that JSON cannot express"),  # type: ignore[arg-type]
    ],
)
def test_an_odd_answer_of_a_strategy_is_refused_by_its_name(
    quick: Make, answer: Any, told: str
) -> None:
    experiment = quick(Odd(answer))
    answered(experiment)
    with pytest.raises(UserError, match=rf"Odd\.score .*{told}"):
        experiment.ask()
    assert len(experiment.history) == 1


@pytest.mark.parametrize(
    "scores",
    [
        SCORES.half(),
        SCORES.bfloat16(),
        SCORES.long(),
        SCORES > 30,
        -SCORES * 0,
        SCORES * 1e30,
        SCORES.clone().requires_grad_(),
        SCORES[None].expand(2, -1)[0],
    ],
)
def test_numbers_of_any_kind_are_scores(quick: Make, scores: Tensor) -> None:
    experiment = quick(Odd(scores))
    answered(experiment)
    assert len(asked(experiment).rows) == 5


def test_notes_are_as_they_come_back_from_the_record(quick: Make) -> None:
    notes = {1: (2, 3), "nan": float("nan"), "inner": {None: [float("inf"), True]}}
    experiment = quick(Odd(Scored(SCORES, notes)))  # type: ignore[arg-type]
    answered(experiment)
    found = answered(experiment)
    assert found.notes == {"1": [2, 3], "nan": None, "inner": {"null": [None, True]}}
    assert recorded([found]) == [found]


class Spoilt(NearestMean):
    """One of its methods gives something else."""

    def __init__(self, method: str, answer: Any) -> None:
        super().__init__(3)
        setattr(self, method, lambda *given, **named: answer)

    def fresh(self, share: float = 1.0) -> NearestMean:
        return NearestMean(3)


def features(rows: int, *, numbers: int = 60, classes: int = 3) -> Features:
    """Of rows from 6 on, with so many lines."""
    logits = torch.zeros(rows, classes)
    return Features(
        None, torch.arange(numbers), lambda: torch.zeros(rows, 4), Given(lambda: logits)
    )


@pytest.mark.parametrize(
    ("method", "answer", "told"),
    [
        ("fit", None, r"Spoilt\.fit must return the steps it took, got None"),
        ("fit", -1, r"Spoilt\.fit must return the steps it took, got -1"),
        ("fit", 2.5, r"Spoilt\.fit must return the steps it took, got 2\.5"),
        ("test", None, r"Spoilt\.test must give `accuracy` and `nll`, got NoneType"),
        ("test", {"accuracy": 1.0}, r"Spoilt\.test must give `accuracy` and `nll`, got \['acc"),
        ("test", {"accuracy": torch.ones(1), "nll": 1.0}, "must give finite numbers, got accuracy"),
        ("test", {"accuracy": 1.0, "nll": float("nan")}, "must give finite numbers, got nll=nan"),
        ("look", None, r"Spoilt\.look must give Features, got NoneType"),
        ("look", features(60), r"Spoilt\.look gave features of other rows than it was asked for"),
        ("state_dict", [], r"Spoilt\.state_dict must give a dict, got list"),
        ("state_dict", None, r"Spoilt\.state_dict must give a dict, got NoneType"),
    ],
)
def test_an_odd_answer_of_a_learner_is_refused_by_its_name(
    make: Make, method: str, answer: Any, told: str
) -> None:
    experiment = make(learner=Spoilt(method, answer))
    go = experiment.state_dict if method == "state_dict" else partial(done, experiment)
    with pytest.raises(UserError, match=told):
        go()


def test_whole_metrics_are_numbers_too(make: Make) -> None:
    learner = Spoilt("test", {"accuracy": 1, "nll": np.float32(0.5)})
    assert answered(make(learner=learner)).metrics == {"accuracy": 1.0, "nll": 0.5}


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda found: found.embeddings, r"activations of 2 axes for 60 rows, got \(59, 4\)"),
        (lambda found: found.probs, r"logits of 2 axes for 60 rows, got \(59, 3\)"),
    ],
)
def test_a_look_with_too_few_lines_is_refused(
    read: Callable[[Features], Tensor], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        read(features(59))


def test_a_state_that_is_no_mapping_is_refused_by_its_name(quick: Make) -> None:
    strategy = Odd(SCORES)
    strategy.state_dict = lambda: [1]  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(UserError, match=r"Odd\.state_dict must give a dict, got list"):
        quick(strategy).state_dict()


ROWS = Rows(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))


class Set(Data):
    """Loads what it was given."""

    def __init__(self, loaded: Any, classes: Any = ("a", "b")) -> None:
        super().__init__()
        self.loaded = loaded
        self.classes = classes

    def load(self) -> Loaded:
        return self.loaded


def labelled(labels: Any) -> Rows:
    return Rows(torch.zeros(4, 2), labels)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (Set([ROWS]), r"Set\.load must give a Loaded, got list"),
        (Set(Loaded(torch.zeros(4))), r"Set: train must be Rows of tensors, got Tensor"),  # type: ignore[arg-type]
        (Set(Loaded(ROWS, [ROWS])), r"Set: test must be Rows of tensors, got list"),  # type: ignore[arg-type]
        (Set(Loaded(None)), r"Set: train must be Rows of tensors, got NoneType"),  # type: ignore[arg-type]
        (Set(Loaded(labelled([0, 1, 0, 1]))), "Set: the labels of train must be whole .*got list"),
        (
            Set(Loaded(labelled(torch.zeros(4)))),
            "the labels of train must be whole .*got torch.float32",
        ),
        (
            Set(Loaded(labelled(torch.tensor([0, 1])))),
            r"Set: train has 4 rows, and labels of \(2,\)",
        ),
        (Set(Loaded(labelled(torch.tensor([0, 1, 2, 0])))), r"Set: the label of train\[2\] is 2"),
        (Set(Loaded(labelled(torch.tensor([0, 1, -2, 0])))), r"Set: the label of train\[2\] is -2"),
        (Set(Loaded(ROWS), ("a", "a")), "Set: a class is named twice: a, a"),
        (Set(Loaded(ROWS), (0, 1)), "Set: `classes` must be texts, got"),
        (Set(Loaded(ROWS), "ab"), "Set: `classes` must be texts, got"),
        (Set(Loaded(ROWS), ()), "the data have no class"),
        (Set(Loaded(ROWS), ("a",)), "the data have one class, 'a': nothing can be learnt"),
    ],
)
def test_odd_data_are_refused(data: Data, told: str) -> None:
    with pytest.raises(UserError, match=told):
        data.setup()


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        (None, "its votes are a NoneType, not a Tensor"),
        ([0.5] * 54, "its votes are a list, not a Tensor"),
        (torch.ones(3), "its votes are not one number from 0 to 1 for each row"),
        (SCORES, "its votes are not one number from 0 to 1 for each row"),
        (SCORES * torch.nan, "its votes are not one number from 0 to 1 for each row"),
    ],
)
def test_odd_votes_are_refused_by_the_candidates_name(votes: Any, told: str) -> None:

    odd = Odd(SCORES)
    odd.votes = lambda scores, classes: votes  # type: ignore[method-assign]
    with pytest.raises(UserError, match=f"candidate 'odd': {told}"):
        Candidates({"odd": odd}).votes(make_view(pool=54), 3)


@pytest.mark.parametrize(
    ("oracle", "told"),
    [
        (lambda question: None, "no list of answers to 6 questions"),
        (lambda question: {}, "no list of answers to 6 questions"),
        (lambda question: [0], "1 answers to 6 questions"),
        (lambda question: ["x"] * 6, "'x'"),
        (lambda question: torch.full((6,), 9), "9"),
        (lambda question: torch.full((6,), 0.5), "0.5"),
    ],
)
def test_odd_answers_of_an_oracle_are_refused(
    quick: Make, oracle: Callable[..., Any], told: str
) -> None:
    experiment = quick()
    with pytest.raises(UserError, match=told):
        done(experiment, oracle)
    assert len(experiment.history) == 0
