"""A language model's own predictions for texts, as a baseline learner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from autoal.bounds import whole
from autoal.data.rows import Rows
from autoal.data.texts import written_of
from autoal.data.words import PLAIN, Words
from autoal.errors import UserError
from autoal.language.classes import FORMS, Example, classifier
from autoal.language.client import Client, demanded
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.learner import ASKED, Learner
from autoal.model.metrics import evaluation_metrics
from autoal.model.predictions import Given
from autoal.seeding import generator

RAREST = 1e-7  # probability that counts, so that no log loss is infinite


class Prompted(Learner):
    """A language model that is asked for the class of a text, and never trained.

    Labelled rows are examples in its prompt; without any, it is asked zero-shot. Every row whose
    probabilities somebody reads takes a call: the drawn test rows, and the pool if a strategy reads
    its predictions. The embeddings come from the encoder, and take no calls.

    Args:
        preprocess: from rows as the encoder gives them to embeddings.
        class_names: the names of the classes in a prompt.
        language: the model's client.
        words: the data's names for its rows and classes.
        shots: most labelled rows to use as examples, from all classes in turn; 0: none.
        form: of the prompts: completion, or chat for servers without log-probabilities.
        noun: the name of a row in a prompt; null: the data's own.
        question: the name of its class there; null: the data's own.
        draws: answers drawn in a chat, whose shares are probabilities.
        test_rows: how many rows of the test set to draw and ask about; null: all.
    """

    def __init__(
        self,
        preprocess: nn.Module,
        class_names: Sequence[str],
        language: Client | None = None,
        words: Words = PLAIN,
        *,
        shots: int = 0,
        form: str = FORMS[0],
        noun: str | None = None,
        question: str | None = None,
        draws: int = 5,
        test_rows: int | None = 200,
    ) -> None:
        whole("shots", shots, least=0, most=1000)
        if test_rows is not None:
            whole("test_rows", test_rows, least=1)
        asked = demanded(language, "task=prompt")
        own = words.but(noun=noun, question=question)
        self._classifier = classifier(asked, class_names, form, own, draws, "task.form")
        self._preprocess = preprocess
        self._classes = tuple(class_names)
        self._shots = shots
        self._test_rows = test_rows
        self._examples: tuple[Example, ...] = ()

    @property
    def draws(self) -> bool:
        return False

    def meet(self, pool: Rows) -> None:
        """Check that a language model can read the pool's rows."""
        if written_of(pool) is None:
            raise UserError("task=prompt reads texts, and these rows are none: give data=text")

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        """Take examples, forgetting earlier ones."""
        chosen = rows.take(in_turn(rows.labels, self._shots))
        names = [self._classes[label] for label in chosen.labels.tolist()]
        self._examples = tuple(zip(_texts(chosen), names, strict=True))
        return 0

    def test(self, rows: Rows) -> dict[str, float]:
        judges = rows.take(self._judging(len(rows)))
        probs, told = self._asked(_texts(judges), self._examples)
        metrics = evaluation_metrics(len(self._classes))
        metrics.update(probs.clamp(min=RAREST).log(), judges.labels)
        found = {name: float(value) for name, value in metrics.compute().items()}
        return {**found, ASKED: float(len(judges)), "unanswered": float(len(judges) - told)}

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        examples = self._examples

        @torch.no_grad()
        def embedded() -> Tensor:
            inputs = rows.inputs[numbers.to(rows.inputs.device)]
            return self._preprocess(inputs).flatten(1).float()

        def logits() -> Tensor:
            probs, _ = self._asked(_texts(rows.take(numbers)), examples)
            return probs.clamp(min=RAREST).log()

        width = rows.inputs[:1].flatten(1).shape[1] if stages else None
        return Features(rows, numbers, embedded, Given(logits), width=width)

    def fresh(self, share: float = 1.0) -> Prompted:
        untaught = copy(self)
        untaught._examples = ()
        return untaught

    def state_dict(self) -> dict[str, Any]:
        return {"examples": [list(example) for example in self._examples]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._examples = tuple((text, name) for text, name in state["examples"])

    def _judging(self, size: int) -> Tensor:
        """The places of the test rows to ask about, the same in every round and run."""
        drawn = torch.randperm(size, generator=generator(0, "prompted", size))
        return drawn[: self._test_rows].sort().values

    def _asked(self, texts: Sequence[str], examples: Sequence[Example]) -> tuple[Tensor, int]:
        """The probabilities of the classes, (n, classes), and how many texts the model answered.

        Without an answer, all classes are equally likely.
        """
        found = self._classifier.probs(texts, examples)
        told = [probs for probs in found if probs is not None]
        even = (1 / len(self._classes),) * len(self._classes)
        return torch.tensor([probs or even for probs in found]), len(told)


def in_turn(labels: Tensor, count: int) -> Tensor:
    """This many places, from all classes in turn, drawn from torch's global stream."""
    earlier: Counter[int] = Counter()  # rows of each class
    turns = {}
    for place in torch.randperm(len(labels)).tolist():
        label = int(labels[place])
        turns[place] = earlier[label]
        earlier[label] += 1
    return torch.tensor(sorted(turns, key=turns.__getitem__)[:count], dtype=torch.long)


def _texts(rows: Rows) -> list[str]:
    written = written_of(rows)
    if written is None and len(rows):
        raise UserError("task=prompt reads texts, and these rows are none")
    return [str(each) for each in written or ()]  # plain strings, as a state file keeps them
