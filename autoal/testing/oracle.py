"""Checks that an oracle keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import torch

from autoal.errors import Waiting
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.testing.promises import demand, keep_promises


def check_oracle(oracle: Oracle, question: Question) -> None:
    """Raise `BrokenPromiseError` for the first promise that the oracle does not keep.

    Args:
        oracle: to check.
        question: that it can answer, about several rows.
    """
    checks = {promise: partial(check, question) for promise, check in PROMISES.items()}
    keep_promises(getattr(oracle, "__name__", type(oracle).__name__), oracle, checks)


def _answered(question: Question, oracle: Oracle) -> Answers | None:
    """Its answers; None if it says that they are still awaited."""
    try:
        return answered(oracle, question)
    except Waiting:
        return None


def _answers(question: Question, oracle: Oracle) -> None:
    try:
        _answered(question, oracle)
    except ValueError as error:
        demand(False, str(error))


def _repeatable(question: Question, oracle: Oracle) -> None:
    first, second = _answered(question, oracle), _answered(question, oracle)
    if first is None or second is None:
        return
    same = torch.equal(first.rows, second.rows) and torch.equal(first.labels, second.labels)
    demand(same, "the same question got other answers the second time")


def _row_by_row(question: Question, oracle: Oracle) -> None:
    whole, half = _answered(question, oracle), torch.arange(0, len(question.rows), 2)
    part = _answered(question.of(half), oracle)
    if whole is None or part is None:
        return
    known = dict(zip(whole.rows.tolist(), whole.labels.tolist(), strict=True))
    found = dict(zip(part.rows.tolist(), part.labels.tolist(), strict=True))
    expected = {row: known[row] for row in question.rows[half].tolist() if row in known}
    demand(found == expected, "a row got another answer when fewer rows were asked about")


def _untouched(question: Question, oracle: Oracle) -> None:
    before = question.rows.clone()
    with suppress(Waiting):
        oracle(question)
    demand(torch.equal(question.rows, before), "the question's rows were changed")


PROMISES: dict[str, Callable[[Question, Oracle], None]] = {
    "the question is left as it is": _untouched,
    "it gives a class for each row that it does not decline": _answers,
    "the same question gets the same answers": _repeatable,
    "a row's answer does not depend on the others": _row_by_row,
}
