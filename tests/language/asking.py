"""An oracle and a strategy that ask a language model, and do as if they had not."""

from torch import Tensor

from autoal import Answers, QueryStrategy, Question, TrueLabels, View
from autoal.language.asked import Request
from autoal.language.client import Client, demanded


class Asking:
    """Tells the truth, and pays for a call a row."""

    def __init__(self, labels: Tensor, language: Client | None) -> None:
        self.language, self.truth = demanded(language, "this oracle"), TrueLabels(labels)

    def __call__(self, question: Question) -> Answers:
        asked = [Request(f"row {row}") for row in question.rows.tolist()]
        assert len(list(self.language.answers(asked))) == len(asked)
        return self.truth(question)


class Chooses(QueryStrategy):
    """Takes the first rows."""

    def __init__(self, step: int = 1, language: Client | None = None) -> None:
        self.step, self.language = step, language

    def score(self, view: View, budget: int) -> Tensor:
        return -view.pool.rows.float() / self.step
