"""A class of somebody's own that fails; its settings name it."""

import sys
from typing import Any

from autoal import Oracle, Question


class Leaves:
    """Answers one question, and ends the process at the next."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def __call__(self, question: Question) -> Any:
        if question.number:
            sys.exit(0)
        return self.oracle(question)
