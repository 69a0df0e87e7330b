import os
import re
from collections.abc import Callable
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoal.bounds import choice, demand_file, number, switch, text, whole
from autoal.errors import UserError


def refused(message: str, check: Callable[..., None], *given: Any, **bounds: Any) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(*given, **bounds)


def test_a_known_name_will_do() -> None:
    choice("compose", "topk", ["herding", "topk"])
    choice("compose", "topk", iter(["herding", "topk"]))  # which can be read once
    choice("compose", "topk", {"topk": 1})


def test_another_name_is_met_with_the_nearest_and_all_that_there_are() -> None:
    with pytest.raises(UserError) as error:
        choice("compose", "topp", iter(["topk", "herding"]))
    assert str(error.value) == (
        "unknown compose 'topp'; did you mean 'topk'?\n  known: herding, topk"
    )
    with pytest.raises(UserError, match=r"unknown compose '3'\n  known: herding"):
        choice("compose", 3, ["herding"])
    with pytest.raises(UserError, match="unknown compose 'None'"):
        choice("compose", None, ["herding"])


@pytest.mark.parametrize("value", [1, 5, 10**9, np.int64(3)])
def test_a_whole_number_within_its_bounds_will_do(value: Any) -> None:
    whole("k", value, least=1)
    whole("k", value)
    whole("k", -value, most=-1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0, "1.0"), (True, "True"), ("3", "'3'"), (None, "null"), ([1], "[1]"), (nan, "nan")],
)
def test_what_is_no_whole_number_is_refused(value: Any, shown: str) -> None:
    refused(f"`k` must be a whole number, got {shown}", whole, "k", value, least=0)


def test_a_whole_number_out_of_bounds_is_refused() -> None:
    refused("`k` must be at least 1, got 0", whole, "k", 0, least=1)
    refused("`k` must be at least 0, got -1", whole, "k", -1, least=0)
    refused("`k` must be at most 3, got 4", whole, "k", 4, most=3)
    refused("`k` must be at least 1 and at most 3, got 4", whole, "k", 4, least=1, most=3)
    whole("k", 1, least=1, most=1)


@pytest.mark.parametrize("value", [0.5, 1, Fraction(1, 2), np.float32(0.5), np.int64(1)])
def test_a_number_within_its_bounds_will_do(value: Any) -> None:
    number("rate", value, above=0, below=2, least=0.5, most=1)
    number("rate", value)


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "True"), ("0.5", "'0.5'"), (None, "null"), (1j, "1j"), ({}, "{}")]
)
def test_what_is_no_number_is_refused(value: Any, shown: str) -> None:
    refused(f"`rate` must be a number, got {shown}", number, "rate", value, above=0)


def test_a_number_out_of_bounds_is_refused() -> None:
    refused("`rate` must be above 0, got 0", number, "rate", 0, above=0)
    refused("`rate` must be above 0, got 0.0", number, "rate", 0.0, above=0)
    refused("`rate` must be below 1, got 1.0", number, "rate", 1.0, below=1)
    refused("`rate` must be at least 0.5, got 0.25", number, "rate", 0.25, least=0.5)
    refused("`rate` must be at most 1, got 1.5", number, "rate", 1.5, most=1)
    refused("`rate` must be at most 1 and above 0, got 2", number, "rate", 2, above=0, most=1)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_no_bounds_let_through_what_is_not_finite(value: float) -> None:
    refused(f"`rate` must be a finite number, got {value}", number, "rate", value)
    for bounds in ({"above": 0.0}, {"below": 0.0}, {"least": 0.0}, {"most": 0.0}):
        with pytest.raises(ValueError, match=f"`rate` must be .*, got {value}"):
            number("rate", value, **bounds)


def test_the_bounds_themselves_are_within_or_without() -> None:
    number("rate", 0, least=0)
    number("rate", 1, most=1)
    number("rate", 1e-30, above=0)
    number("rate", 1 - 1e-16, below=1)


def test_a_switch_is_true_or_false() -> None:
    for value in (True, False):
        switch("deep", value)
        switch("deep", value, optional=True)
    switch("deep", None, optional=True)
    refused("`deep` must be true or false, got null", switch, "deep", None)
    refused("`deep` must be true or false, got 1", switch, "deep", 1)
    refused("`deep` must be true or false, got 'true'", switch, "deep", "true")
    refused("`deep` must be true, false or null, got 0", switch, "deep", 0, optional=True)


def test_a_text_is_nothing_else() -> None:
    text("path", "a")
    text("path", None, optional=True)
    refused("`path` must be a text, got null", text, "path", None)
    refused("`path` must be a text or null, got 5", text, "path", 5, optional=True)


@pytest.mark.parametrize("value", [10**9 + 1, -(10**30), 1e308])
def test_what_no_tensor_could_hold_is_refused(value: float) -> None:
    refused(f"`k` must be of a size up to 1,000,000,000, got {value!r}", number, "k", value)
    refused("`k` must be 0 or at least 1e-30, got 1e-300", number, "k", 1e-300, above=0)


def test_a_path_without_a_file_is_refused_with_what_would_do(tmp_path: Path) -> None:
    demand_file(Path(__file__))
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", tmp_path / ("x" * 999)):
        refused(f"there is no file {path}", demand_file, path)
        refused(f"there is no file {path}; x= names one", demand_file, path, "x= names one")
