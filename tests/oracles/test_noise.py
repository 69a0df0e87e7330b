from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.digits import Digits

from autoal import Answers, Arrays, Noisy, Oracle, Priced, Question, TrueLabels
from autoal.errors import UserError
from autoal.oracles.mistakes import Looks
from autoal.seeding import generator
from autoal.testing import check_oracle
from tests.oracles.made import pairs, question_of, whole

TRUTH = torch.arange(4000) % 3
MANY = list(range(4000))
DATA = Arrays((torch.randn(4000, 5, generator=torch.Generator().manual_seed(1)), TRUTH))


def silent(question: Question) -> Answers:
    """Somebody who declines everything."""
    return Answers(whole([]), whole([]))


def within(count: int, total: int, rate: float) -> bool:
    """Whether this many are within four deviations of a binomial, which one in 16,000 misses."""
    return abs(count - total * rate) <= 4 * math.sqrt(total * rate * (1 - rate))


def steps_of(oracle: Oracle, **parts: Any) -> Counter[int]:
    """How often an answer is this many classes beyond the true one."""
    return Counter(((oracle(question_of(MANY, **parts)).labels - TRUTH) % 3).tolist())


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_answers_are_wrong_at_the_rate_and_every_wrong_class_as_often(rate: float) -> None:
    answers = Noisy(TrueLabels(TRUTH), rate)(question_of(MANY))
    assert answers.wrong is not None
    assert within(answers.wrong, 4000, rate)
    steps = Counter(((answers.labels - TRUTH) % 3).tolist())
    assert all(within(steps[step], answers.wrong, 0.5) for step in (1, 2))


def test_pairs_take_a_class_for_the_next_one() -> None:
    steps = steps_of(Noisy(TrueLabels(TRUTH), 0.3, kind="pairs"))
    assert within(steps[1], 4000, 0.3)
    assert steps[2] == 0


def test_a_matrix_says_how_often_which_class_is_taken_for_which(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text("0.5,0.5,0\n0,1,0\n0.1,0.2,0.7\n")
    oracle = Noisy(TrueLabels(TRUTH), kind="matrix", matrix=str(path))
    answers = oracle(question_of(MANY))
    for row, shares in enumerate([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]]):
        said = answers.labels[row == TRUTH]
        for label, share in enumerate(shares):
            assert within(int((said == label).sum()), len(said), share)


def test_rows_that_look_alike_are_taken_for_the_same() -> None:
    looks = torch.randn(2, 400, generator=torch.Generator().manual_seed(2))
    look = torch.arange(4000) % 2
    data = Arrays((looks[look], TRUTH))
    answers = Noisy(TrueLabels(TRUTH), 0.4, kind="instance", data=data)(question_of(MANY))
    wrong = answers.labels != TRUTH
    assert within(int(wrong.sum()), 4000, 0.4)  # the normal around it is hardly ever cut off
    for one, truth in ((one, truth) for one in range(2) for truth in range(3)):
        taken = answers.labels[wrong & (look == one) & (truth == TRUTH)]
        assert taken.bincount().max() > 0.95 * len(taken)


def test_by_looks_follows_the_formula() -> None:
    looks = Looks(DATA, seed=5)
    chances = looks.chances(torch.tensor([7]), torch.tensor([1]), 0.4, person=2)[0]
    standard = (DATA.train.inputs - DATA.train.inputs.mean(0)) / DATA.train.inputs.std(
        0, correction=0
    )
    directions = torch.randn(5, 3, generator=generator(5, "noise directions", 1))
    pull = (standard[7] @ directions).tolist()
    rate = 0.4 + 0.1 * float(torch.randn(1, generator=generator(5, "noise rate", 7, 2)))
    powers = [math.exp(pull[0]), 0, math.exp(pull[2])]
    wanted = [rate * power / sum(powers) for power in powers]
    wanted[1] = 1 - rate
    assert chances.tolist() == pytest.approx(wanted, rel=1e-5)


def test_rates_differ_by_person() -> None:
    oracle = Noisy(TrueLabels(TRUTH), [0.1, 0.4])
    for person, rate in enumerate([0.1, 0.4]):
        assert within(4000 - steps_of(oracle, person=person)[0], 4000, rate)
    with pytest.raises(UserError, match="oracle=noisy knows 2 people, and person 3 is asked"):
        oracle(question_of([1], person=2))


def test_noise_follows_from_the_seed_the_row_and_the_person_alone() -> None:
    oracle = Noisy(TrueLabels(TRUTH), 0.5)
    together = pairs(oracle(question_of(MANY[:200])))
    torch.manual_seed(9)
    for row in (7, 150, 3):
        assert pairs(oracle(question_of([row, 399]))) == {
            row: together[row],
            399: pairs(oracle(question_of([399])))[399],
        }
    assert pairs(oracle(question_of(MANY[:200], number=5))) == together
    assert pairs(Noisy(TrueLabels(TRUTH), 0.5)(question_of(MANY[:200]))) == together
    assert pairs(oracle(question_of(MANY[:200], person=1))) != together
    assert pairs(Noisy(TrueLabels(TRUTH), 0.5, seed=1)(question_of(MANY[:200]))) != together


def test_whoever_errs_keeps_the_truth_the_costs_and_what_was_declined() -> None:
    inner = Priced(TrueLabels(torch.tensor([0, -1, 2])), torch.tensor([0.5, 1.0, 2.0]))
    answers = Noisy(inner, 1.0)(question_of([2, 1, 0]))
    assert answers.rows.tolist() == [2, 0]
    assert answers.truth is not None
    assert answers.truth.tolist() == [2, 0]
    assert answers.costs.tolist() == [2.0, 0.5]
    assert answers.wrong == 2
    nothing = Noisy(silent, 0.5)(question_of([1, 2]))
    assert (len(nothing.rows), nothing.labels.dtype, nothing.wrong) == (0, torch.long, None)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"`rate` must be at least 0 and at most 1, got {rate}"):
        Noisy(TrueLabels(TRUTH), rate)


def test_no_person_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="`labels` names no file: give one for each person"):
        Noisy(TrueLabels(torch.zeros(3)), labels=[], data=Digits())


def test_what_people_said_is_read_from_members_and_columns(tmp_path: Path) -> None:
    data = Arrays((torch.randn(4, 2), [0, 1, 2, 0]), classes=["ant", "bee", "cat"])
    np.savez(tmp_path / "said.npz", ann=np.array([[2], [1], [2], [0]], dtype=np.uint8))
    (tmp_path / "said.csv").write_text("ben,eve\nbee,1\n,0\ncat,2\nant,2\n")
    labels = [f"{tmp_path}/said.npz:ann", f"{tmp_path}/said.csv:ben", f"{tmp_path}/said.csv:eve"]
    oracle = Noisy(TrueLabels(data.train.labels), labels=labels, data=data)
    said = [pairs(oracle(question_of([0, 1, 2, 3], person=person))) for person in range(3)]
    assert said == [{0: 2, 1: 1, 2: 2, 3: 0}, {0: 1, 2: 2, 3: 0}, {0: 1, 1: 0, 2: 2, 3: 2}]
    answers = oracle(question_of([3, 0]))
    assert (answers.rows.tolist(), answers.wrong) == ([3, 0], 1)


def test_what_people_said_follows_rows_that_were_shuffled_and_left_out(tmp_path: Path) -> None:
    data = Digits(imbalance="step", imbalance_ratio=4)
    data.setup()
    assert data.train.places is not None
    every = np.full(data.train.whole, 0)
    every[data.train.places.numpy()] = data.train.labels.numpy()
    np.savez(tmp_path / "said.npz", ann=every)
    labels = f"{tmp_path}/said.npz:ann"
    answers = Noisy(TrueLabels(data.train.labels), labels=labels, data=data)(
        Question(0, torch.arange(len(data.train)), data.classes)
    )
    assert answers.wrong == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0.5,0.5\n", "has 1 lines of 2 shares"),
        ("0.5,0.5,0\n0,1,0\n0.1,0.2,0.6\n", "line 3: its shares sum to 0.9, not to 1"),
        ("0.5,0.5,0\n0,1,0\n-0.1,0.2,0.9\n", "'-0.1' is not a share, a number from 0 to 1"),
        ("0.5,0.5,0\n0,x,0\n0,0,1\n", "'x' is not a share"),
        ("1,0\n0,1\n", "the matrix is of 2 classes, and the data has 3"),
    ],
)
def test_a_matrix_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        Noisy(TrueLabels(TRUTH), kind="matrix", matrix=str(path), data=DATA)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("said.npz", "give a file and what to take from it, such as file.npz:member"),
        ("{}/said.npz:bob", "it has no bob, only ann"),
        ("{}/nothing.npz:ann", "there is no file"),
        ("{}/said.npz:ann", "has 3 labels, but the data set 4,000 rows"),
        ("{}/said.csv:ann", r"labels\[1\]: 'dog' is not one of the classes"),
        ("{}/said.csv:ben", r"labels\[0\]: 7.0 is not a class: they go from 0 to 2"),
    ],
)
def test_labels_of_people_that_do_not_fit_are_refused(
    tmp_path: Path, place: str, message: str
) -> None:
    np.savez(tmp_path / "said.npz", ann=np.array([0, 1, 2]))
    (tmp_path / "said.csv").write_text("ann,ben\n0,7\ndog,1\n")
    with pytest.raises(UserError, match=message):
        Noisy(TrueLabels(TRUTH), labels=place.format(tmp_path), data=DATA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "matrix"}, "kind=matrix and matrix=, the path of its file, go together"),
        ({"matrix": "m.csv"}, "go together"),
        ({"kind": "instance"}, "labels= and kind=instance need `data`"),
        ({"kind": "all"}, "kind"),
        ({"rate": []}, "give a rate for each person"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((UserError, ValueError), match=message):
        Noisy(TrueLabels(TRUTH), **options)


def test_whoever_errs_keeps_the_promises_of_oracles() -> None:
    known = torch.tensor([0, -1, 2, 1, 1, -1, 0, 2, 2, 0])
    for kind in ("symmetric", "pairs"):
        check_oracle(Noisy(TrueLabels(known), 0.4, kind), question_of([7, 1, 3, 0, 9, 4]))
