"""The checks find every broken promise of a data set, an encoder, a learner or an oracle."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autoal import Answers, Data, Encoder, Features, Learner, Loaded, Oracle, Question, Rows
from autoal.data.contract import Standardise
from autoal.data.rows import UNKNOWN
from autoal.model.fitstep import Watch
from autoal.testing import (
    BrokenPromiseError,
    check_data,
    check_encoder,
    check_learner,
    check_oracle,
)
from autoal.testing import data as of_data
from autoal.testing import encoder as of_encoder
from autoal.testing import learner as of_learner
from autoal.testing import oracle as of_oracle
from tests.model.made import NearestMean
from tests.oracles.made import question_of

Spoil = Callable[..., Any]


def broken(check: Callable[[], None]) -> str:
    """The promise that is found broken."""
    with pytest.raises(BrokenPromiseError) as error:
        check()
    found = re.search(r"breaks a promise: (.*?); ", str(error.value))
    assert found, str(error.value)
    return found[1]


# Data


class Square(Data):
    """A good data set, from which the broken ones are made."""

    classes: tuple[str, ...] = ("a", "b")

    def __init__(self, spoil: Spoil | None = None) -> None:
        super().__init__()
        self.spoil = spoil

    def load(self) -> Loaded:
        rows = Rows(torch.arange(24.0).view(12, 2), torch.arange(12) % 2)
        loaded = Loaded(rows, rows.take(torch.arange(4)))
        return self.spoil(self, loaded) if self.spoil else loaded


class Divided(Square):
    def preprocess(self) -> nn.Module:
        return Standardise(torch.zeros(2), torch.zeros(2))


def of_test(**parts: Any) -> Spoil:
    """A data set with these parts in its test rows."""

    def spoil(data: Data, loaded: Loaded) -> Loaded:
        assert loaded.test is not None
        return loaded._replace(test=replace(loaded.test, **parts))

    return spoil


def drawn(data: Data, loaded: Loaded) -> Loaded:
    return loaded._replace(train=replace(loaded.train, inputs=torch.rand(12, 2)))


def moved(data: Data, loaded: Loaded) -> Loaded:
    torch.rand(1)
    return loaded


SOUND = "its parts are rows of one kind, each of a class"
DATA = {
    "the same rows come every time, whatever the global seed": drawn,
    "the global streams stay where they are": moved,
}


def test_a_sound_data_set_passes_and_the_broken_ones_are_all_there() -> None:
    check_data(Square())
    promises = {*DATA, SOUND, "`preprocess` turns rows into finite numbers"}
    assert promises == set(of_data.PROMISES)


@pytest.mark.parametrize("promise", DATA)
def test_a_data_set_that_breaks_a_promise_is_found_out(promise: str) -> None:
    assert broken(lambda: check_data(Square(DATA[promise]))) == promise


@pytest.mark.parametrize(
    "parts",
    [
        {"labels": torch.zeros(3, dtype=torch.long)},
        {"inputs": torch.zeros(4, 3)},
        {"labels": torch.tensor([0, 1, 2, 0])},
        {"inputs": torch.full((4, 2), torch.nan)},
        {"shown": ["a"]},
    ],
)
def test_a_data_set_whose_parts_are_not_sound_is_found_out(parts: dict[str, Any]) -> None:
    assert broken(lambda: check_data(Square(of_test(**parts)))) == SOUND


def test_a_data_set_that_divides_by_nothing_is_found_out() -> None:
    expected = "`preprocess` turns rows into finite numbers"
    assert broken(lambda: check_data(Divided())) == expected


# Encoders


class Mean(Encoder):
    """A good encoder, from which the broken ones are made."""

    def __init__(self, spoil: Spoil | None = None) -> None:
        self.spoil = spoil

    def key(self) -> str:
        return "mean" if self.spoil is not keyed else str(torch.rand(1))

    def learn(self, pool: Rows, device: torch.device) -> None:
        self.middle = pool.inputs.float().mean()

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        found = rows.inputs.float().flatten(1).mean(1)[:, None] - self.middle
        return self.spoil(rows, found) if self.spoil else found

    def state_dict(self) -> dict[str, Any]:
        return {"middle": self.middle}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.middle = state["middle"]


class Absent(Mean):
    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.middle = torch.zeros(())


def keyed(rows: Rows, found: Tensor) -> Tensor:
    return found


def short(rows: Rows, found: Tensor) -> Tensor:
    return found[1:]


def infinite(rows: Rows, found: Tensor) -> Tensor:
    return found / 0


def noisy(rows: Rows, found: Tensor) -> Tensor:
    return found + torch.rand(1)


def drawing(rows: Rows, found: Tensor) -> Tensor:
    torch.rand(1)
    return found


def by_label(rows: Rows, found: Tensor) -> Tensor:
    return found + rows.labels[:, None]


def by_others(rows: Rows, found: Tensor) -> Tensor:
    return found - found.mean()


def writing(rows: Rows, found: Tensor) -> Tensor:
    rows.inputs[0] += 1
    return found


ENCODERS: dict[str, Encoder] = {
    "every row becomes one line of a tensor": Mean(short),
    "what rows become is finite": Mean(infinite),
    "`key` is a text that stays the same": Mean(keyed),
    "the same rows become the same, whatever the global seed": Mean(noisy),
    "the global streams stay where they are": Mean(drawing),
    "labels take no part": Mean(by_label),
    "a row becomes the same whichever rows stand beside it": Mean(by_others),
    "the rows are left as they are": Mean(writing),
    "`state_dict` holds all that was learnt": Absent(),
}


def test_a_sound_encoder_passes_and_the_broken_ones_are_all_there() -> None:
    check_encoder(Mean())
    assert set(ENCODERS) == set(of_encoder.PROMISES)


@pytest.mark.parametrize("promise", ENCODERS)
def test_an_encoder_that_breaks_a_promise_is_found_out(promise: str) -> None:
    assert broken(lambda: check_encoder(ENCODERS[promise])) == promise


# Learners


class Careless(NearestMean):
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> Any:
        super().fit(rows, first=first, watch=watch)


class Blind(NearestMean):
    def test(self, rows: Rows) -> dict[str, float]:
        return {"accuracy": 1.0}


class Elsewhere(NearestMean):
    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        return super().look(rows, torch.arange(len(numbers)) + 1, seed)


class Comparing(NearestMean):
    """Sees a row beside the others."""

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        middle = rows.inputs[numbers].float().mean(0)
        return super().look(replace(rows, inputs=rows.inputs.float() - middle), numbers, seed)


class Alias(NearestMean):
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        before = self.means
        super().fit(rows, first=first, watch=watch)
        before.copy_(self.means)
        self.means = before
        return 1


class Wild(NearestMean):
    """Draws from nowhere."""

    draw = 0

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        super().fit(rows, first=first, watch=watch)
        Wild.draw += 1
        self.means = self.means + Wild.draw
        return 1


class Remembering(NearestMean):
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        before = self.means
        super().fit(rows, first=first, watch=watch)
        self.means = self.means + before
        return 1


class Sharing(NearestMean):
    def fresh(self, share: float = 1.0) -> Learner:
        return self


class Forgetful(NearestMean):
    def state_dict(self) -> dict[str, Any]:
        return {"means": torch.zeros_like(self.means)}


class Drawing(NearestMean):
    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        torch.rand(1)
        return super().look(rows, numbers, seed)


class Demanding(NearestMean):
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        if len(rows.labels.unique()) < 2:
            raise RuntimeError("one class")
        return super().fit(rows, first=first, watch=watch)


class Deaf(NearestMean):
    """Says that it believes, and learns from labels alone."""

    @property
    def believes(self) -> bool:
        return True

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        return super().fit(rows.take(rows.labels != UNKNOWN), first=first, watch=watch)


class Headless(NearestMean):
    headed = True


class Other(NearestMean):
    def module(self) -> nn.Module:
        return nn.Sequential(_Bytes(), nn.Flatten(), nn.Linear(64, self.classes))


class _Bytes(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.float()


LEARNERS: dict[str, type[NearestMean]] = {
    "`fit` learns and returns its steps": Careless,
    "`test` gives finite metrics, accuracy and nll among them": Blind,
    "`look` gives embeddings and predictions of the rows asked for": Elsewhere,
    "a row is seen the same whoever stands beside it": Comparing,
    "what was looked at stays, though it is read later": Alias,
    "the global seed decides what is learnt": Wild,
    "with first=True, nothing that was learnt before counts": Remembering,
    "`fresh` gives an independent learner": Sharing,
    "`state_dict` holds all that was learnt": Forgetful,
    "looking and testing draw nothing": Drawing,
    "one row or one class will do": Demanding,
    "where it `believes`, what a row is not teaches what it is": Deaf,
    "`logits_at`, where it is `headed`, predicts the same": Headless,
    "`module`, where there is one, predicts the same": Other,
}


def test_a_sound_learner_passes_and_the_broken_ones_are_all_there(data: Data) -> None:
    check_learner(lambda: NearestMean(3), data)
    assert set(LEARNERS) == set(of_learner.PROMISES)


@pytest.mark.parametrize("promise", LEARNERS)
def test_a_learner_that_breaks_a_promise_is_found_out(promise: str, data: Data) -> None:
    assert broken(lambda: check_learner(lambda: LEARNERS[promise](3), data)) == promise


def test_what_is_no_learner_is_found_out(data: Data) -> None:
    model: Any = nn.Linear(2, 2)
    with pytest.raises(BrokenPromiseError, match="Linear is no Learner; a Task becomes one"):
        check_learner(lambda: model, data)
    with pytest.raises(BrokenPromiseError, match="when it was built, it raised TypeError"):
        check_learner(NearestMean, data)  # type: ignore[arg-type]


# Oracles


def sound(question: Question) -> list[int | None]:
    """By the row, which some are declined by."""
    return [None if row == 4 else row % 3 for row in question.rows.tolist()]


def foreign(question: Question) -> Answers:
    return Answers(question.rows + 100, question.rows % 3)


def moody() -> Oracle:
    asked: list[int] = []

    def oracle(question: Question) -> list[int]:
        asked.append(0)
        return [len(asked) % 3] * len(question.rows)

    return oracle


def by_place(question: Question) -> list[int]:
    return [place % 3 for place in range(len(question.rows))]


def turning(question: Question) -> list[int]:
    answers = [row % 3 for row in question.rows.tolist()]
    question.rows.add_(50)
    return answers


ORACLES: dict[str, Callable[[], Oracle]] = {
    "it gives a class for each row that it does not decline": lambda: foreign,
    "the same question gets the same answers": moody,
    "a row's answer does not depend on the others": lambda: by_place,
    "the question is left as it is": lambda: turning,
}


def test_a_sound_oracle_passes_and_the_broken_ones_are_all_there() -> None:
    check_oracle(sound, question_of([7, 3, 4, 9]))
    assert set(ORACLES) == set(of_oracle.PROMISES)


@pytest.mark.parametrize("promise", ORACLES)
def test_an_oracle_that_breaks_a_promise_is_found_out(promise: str) -> None:
    oracle = ORACLES[promise]()
    assert broken(lambda: check_oracle(oracle, question_of([7, 3, 4, 9]))) == promise


def test_an_oracle_that_answers_nothing_is_found_out() -> None:
    expected = "it gives a class for each row that it does not decline"
    assert broken(lambda: check_oracle(lambda question: None, question_of([7, 3]))) == expected
