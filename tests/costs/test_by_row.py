from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autoal import Answers, TrueLabels, View
from autoal.costs.by_row import ByRow, Column
from autoal.data.rows import Rows
from autoal.errors import UserError
from tests.costs.made import data_of
from tests.oracles.made import question_of, whole


def answers_of(*rows: int) -> Answers:
    return TrueLabels(torch.zeros(20))(question_of([*rows]))


def test_what_a_row_costs_is_known_beforehand() -> None:
    costs = ByRow([1.0, 2.0, 4.0, 8.0])
    view = View.of(embeddings=torch.zeros(4, 2), labels=[0, -1, 1, -1])
    found = costs.expected(view, {})
    assert found is not None
    assert found.tolist() == [2.0, 8.0]
    assert costs.prices(question_of([3, 0]), answers_of(3, 0), whole([3, 0])).tolist() == [8.0, 1.0]
    assert costs.cheapest(Rows.of(torch.zeros(4, 2))) == 1.0


def test_one_price_for_all_tells_no_row_from_another() -> None:
    view = View.of(embeddings=torch.zeros(2, 2), labels=[-1, -1])
    assert ByRow(2.5).expected(view, {}) is None
    found = ByRow(2.5).prices(question_of([3, 0]), answers_of(3, 0), whole([3, 0]))
    assert found.tolist() == [2.5, 2.5]
    assert ByRow(2.5).cheapest(Rows.of(torch.zeros(4, 2))) == 2.5


def test_prices_of_a_file_are_those_of_the_places_that_rows_have_in_theirs(tmp_path: Path) -> None:
    share = Rows.of(torch.zeros(6, 2)).take(torch.tensor([4, 1]))
    np.savez(tmp_path / "prices.npz", cost=np.arange(6.0))
    costs, question = Column(f"{tmp_path}/prices.npz:cost"), question_of([1, 0], pool=share)
    assert costs.prices(question, answers_of(1, 0), whole([1, 0])).tolist() == [1.0, 4.0]
    assert costs.cheapest(share) == 1.0
    by_number = ByRow([7.0, 8.0])
    assert by_number.prices(question, answers_of(1, 0), whole([1, 0])).tolist() == [8.0, 7.0]


def test_too_few_prices_are_refused() -> None:
    with pytest.raises(UserError, match="there are 3 costs, and 4 rows: give one for each"):
        ByRow([1.0, 2.0, 3.0]).check(data_of(np.zeros((4, 2))))


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_prices_stand_in_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"prices.{ending}"
    values = np.array([1.5, 0.0, 3.0])
    if ending == "csv":
        path.write_text("seconds;cost\n" + "".join(f"9;{value}\n" for value in values))
    else:
        np.savez(path, cost=values, seconds=values + 9)
    costs = Column(f"{path}:cost")
    assert costs.prices(question_of([2, 0]), answers_of(2, 0), whole([2, 0])).tolist() == [3.0, 1.5]


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        ("a,cost\n1,2\n", "price", "has no column 'price'; it has a, cost"),
        ("cost\n1\n-2\n", "cost", "line 3: cost must be a number from 0 on, got '-2'"),
        ('cost\n1\n""\n', "cost", "line 3: cost must be a number from 0 on, got ''"),
        ("cost\n1\nnan\n", "cost", "line 3: cost must be a number from 0 on, got 'nan'"),
        ("cost\n1\ninf\n", "cost", "`costs` must be a finite number, got inf"),
    ],
)
def test_what_is_no_price_is_refused(tmp_path: Path, content: str, column: str, words: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        Column(f"{path}:{column}")


def test_a_file_alone_does_not_say_what_to_take_of_it() -> None:
    with pytest.raises(UserError, match=r"costs.prices=prices\.csv: give a file and what to take"):
        Column("prices.csv")


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.array(["a", "b"])])
def test_an_array_that_is_no_list_of_numbers_is_refused(tmp_path: Path, array: Any) -> None:
    np.savez(tmp_path / "prices.npz", cost=array)
    with pytest.raises(UserError, match="cost must be a list of numbers, got"):
        Column(f"{tmp_path / 'prices.npz'}:cost")


def test_a_unit_that_costs_cannot_be_in_is_refused() -> None:
    with pytest.raises(UserError, match="unknown unit 'labels'"):
        ByRow(1.0, "labels")
