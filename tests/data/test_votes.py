from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autoal.data.contract import Data, Loaded
from autoal.data.rows import Rows
from autoal.data.votes import shares_of
from autoal.errors import UserError
from autoal.model.metrics import metrics_of_votes

CLASSES = ("cat", "dog")
VOTES = np.array([[3, 1], [0, 5], [2, 2]])


def rows(count: int = 3) -> Rows:
    return Rows(torch.zeros(count, 2), torch.zeros(count, dtype=torch.long))


@pytest.fixture
def npz(tmp_path: Path) -> str:
    np.savez(tmp_path / "votes.npz", counts=VOTES, names=np.array(["a"]), none=0 * VOTES)
    return str(tmp_path / "votes.npz")


def test_votes_become_shares_of_the_rows_that_are_used(npz: str) -> None:
    assert shares_of(f"{npz}:counts", rows(), CLASSES).tolist() == [
        [0.75, 0.25],
        [0, 1],
        [0.5, 0.5],
    ]
    some = rows().take(torch.tensor([2, 0]))
    assert shares_of(f"{npz}:counts", some, CLASSES).tolist() == [[0.5, 0.5], [0.75, 0.25]]


def test_columns_of_a_table_are_called_as_the_classes_are(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("row,dog,cat\n0,1,3\n1,5,0\n2,2,2\n")
    assert shares_of(str(path), rows(), CLASSES).tolist()[:2] == [[0.75, 0.25], [0, 1]]
    with pytest.raises(UserError, match="has no column 'eel'"):
        shares_of(str(path), rows(), ("cat", "eel"))
    path.write_text("dog,cat\n1,many\n")
    with pytest.raises(UserError, match="line 2: cat must be a number, got 'many'"):
        shares_of(str(path), rows(1), CLASSES)


@pytest.mark.parametrize(
    ("member", "count", "words"),
    [
        (":counts", 4, "a number for each of 4 rows and 2 classes, got .3, 2."),
        (":names", 3, "must be numbers, got <U1"),
        (":none", 3, r"row 0: \[0.0, 0.0\] are not votes"),
        ("", 3, "give file.npz:member, or a whole file.csv"),
    ],
)
def test_what_are_no_votes_is_refused(npz: str, member: str, count: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        shares_of(npz + member, rows(count), CLASSES)


def test_predictions_are_held_against_all_that_people_said() -> None:
    """By hand: the first row's class has .75 of the votes, and the other's .5."""
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    shares = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).double()
    found = metrics_of_votes(probs, shares)
    losses = [-(0.75 * log(0.9) + 0.25 * log(0.1)), -(0.5 * log(0.2) + 0.5 * log(0.8))]
    assert found["soft_accuracy"] == 0.625
    assert found["soft_nll"] == pytest.approx(sum(losses) / 2, rel=1e-6)
    sure = metrics_of_votes(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]))
    assert sure["soft_nll"] == pytest.approx(-0.5 * log(1e-12))  # and not without end


class Voted(Data):
    """Two test rows, or none."""

    classes = CLASSES

    def __init__(self, test: bool, **options: Any) -> None:
        super().__init__(**options)
        self.has_test = test

    def load(self) -> Loaded:
        train = Rows(torch.randn(8, 2), torch.arange(8) % 2)
        return Loaded(train, rows() if self.has_test else None)


def test_a_data_set_has_the_votes_on_its_test_rows(npz: str) -> None:
    data = Voted(test=True, test_votes=f"{npz}:counts")
    data.setup()
    assert data.test is not None
    assert data.test.beliefs is not None
    assert data.test.beliefs[0].tolist() == [0.75, 0.25]
    with pytest.raises(UserError, match="the data has no test rows"):
        Voted(test=False, test_votes=f"{npz}:counts").setup()
