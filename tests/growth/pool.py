"""A small pool of texts, and experiments in which it grows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from autoal import Arrays, Data, Experiment, Plan, Question, Rows, Trained
from autoal.cycle.hooks import GrowthRule
from autoal.encoders.encoded import Encoded
from autoal.encoders.tfidf import Tfidf
from autoal.growth.texts import TextGrowth
from autoal.model.logistic import Logistic
from autoal.query.view import View

CLASSES = ("bad", "good")
PLAN = Plan(start=6, budget=4, rounds=3)
WORDS = ["film", "actor", "plot", "town", "music", "scene", "end", "cast", "tale", "light"]


def texts(count: int = 40) -> list[str]:
    """Texts of seven words each, the first of which determines the class."""
    first = ("awful", "lovely")
    words = [[WORDS[row * step % 10] for step in (1, 3, 7, 9)] for row in range(count)]
    return [" ".join([first[row % 2], *words[row], f"n{row}", "too"]) for row in range(count)]


def data_of(count: int = 40, pairs: bool = False, classes: Sequence[str] = CLASSES) -> Data:
    """The texts as an encoder sees them; the first half of them, and then the others, as pairs."""
    every: list[Any] = texts(count)
    if pairs:
        every = [(text, text.upper()) for text in every]
    data = Arrays((every, torch.arange(count) % len(classes)), classes=classes)
    encoded = Encoded(data, Tfidf(components=8, min_df=1), torch.device("cpu"))
    encoded.setup()
    return encoded


def experiment_of(data: Data, growth: GrowthRule | None = None, **parts: Any) -> Experiment:
    learner = Trained(Logistic(data.train.shape, 2, data.preprocess(), l2=1.0))
    strategy = parts.pop("strategy", "margin")
    return Experiment(data, learner, strategy, parts.pop("plan", PLAN), growth=growth, **parts)


def by_first_word(question: Question) -> list[int]:
    """A strategy that reads the texts, real and made ones."""
    assert question.shown is not None
    return [int("lovely" in str(text).lower().split()) for text in question.shown]


def view_of(data: Data, labelled: Sequence[int] = (0, 1, 2, 3)) -> View:
    """A growth's view of a pool in which some rows are labelled."""
    seen: list[View] = []

    class Looking(TextGrowth):
        def make(self, view: View, number: int) -> list[Any]:
            seen.append(view)
            return []

    plan = Plan(len(labelled), 2, 1)
    experiment = experiment_of(data, Looking(data, plan), plan=plan, start=[*labelled])
    first = experiment.ask()
    assert first is not None
    experiment.tell(by_first_word(first))
    experiment.ask()
    return seen[0]


def written(rows: Rows) -> list[str]:
    return [*map(str, rows.shown or ())]


def lines(folder: Path) -> list[str]:
    return (folder / "generated.jsonl").read_text().splitlines()
