"""Questions about something other than the class of each row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from autoal.errors import UserError
from autoal.model.learner import Learner, demand_believing
from autoal.oracles.question import Answers, Oracle, Question, layers
from autoal.query.strategy import QueryStrategy


class Asks(ABC):
    """Asks an oracle something other than the classes of a question's rows.

    Args:
        oracle: the one that answers.
        learner: must be able to learn from the answers; otherwise refused.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
    """

    name: ClassVar[str]  # in questions=
    able: ClassVar[str] = ""  # a phrase for what an oracle must allow; "": any oracle will do

    def __init__(
        self, oracle: Oracle, learner: Learner | None = None, strategy: QueryStrategy | None = None
    ) -> None:
        here = f"questions={self.name}"
        if learner is not None:
            demand_believing(learner, f"answers to {here} tell")
        if strategy is not None and "outcomes" in (strategy.reads or ()):
            raise UserError(f"{here}: {type(strategy).__name__} chooses by what labels lead to")
        for layer in layers(oracle):
            if self.able and not getattr(layer, "offers", True):
                raise UserError(
                    f"{here} asks whoever can be {self.able}, and {type(layer).__name__} "
                    "cannot: leave it out, or let people answer on the page"
                )
        self.oracle = oracle

    @abstractmethod
    def __call__(self, question: Question) -> Answers:
        """Answer a question."""
