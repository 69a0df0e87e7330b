"""What a language model alone says of texts, as a learner to compare others with."""

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
    """A language model that is asked for the class of a text, and is taught nothing.

    Labelled rows are examples in its prompt; without any, it is asked as it is (zero-shot). Every
    row whose probabilities somebody reads is a call: the test rows that are drawn, and the pool
    where a strategy reads its predictions. The embeddings are those of the encoder, and cost none.

    Args:
        preprocess: from rows as the encoder gives them to embeddings.
        class_names: what the classes are called in a prompt.
        language: the client of the model.
        words: what the data call their rows and classes.
        shots: labelled rows that are examples, at most, of all classes in turn; 0: none.
        form: of the prompts: completion, or chat, of servers without log-probabilities.
        noun: what a row is called in a prompt; null: as the data have it.
        question: what its class is called there; null: as the data have it.
        draws: of a chat, whose shares are probabilities.
        test_rows: of the test set, drawn, that are asked about; null: all.
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
        """See that a language model can read the pool's rows."""
        if written_of(pool) is None:
            raise UserError("task=prompt reads texts, and these rows are none: give data=text")

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        """Take examples; whatever was learnt before counts for nothing."""
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
        """The places of the test rows that are asked about, the same in every round and run."""
        drawn = torch.randperm(size, generator=generator(0, "prompted", size))
        return drawn[: self._test_rows].sort().values

    def _asked(self, texts: Sequence[str], examples: Sequence[Example]) -> tuple[Tensor, int]:
        """The probabilities of the classes, (n, classes), and of how many texts the model told.

        Where it did not, all classes are as likely.
        """
        found = self._classifier.probs(texts, examples)
        told = [probs for probs in found if probs is not None]
        even = (1 / len(self._classes),) * len(self._classes)
        return torch.tensor([probs or even for probs in found]), len(told)


def in_turn(labels: Tensor, count: int) -> Tensor:
    """So many places, all classes in turn, as torch's global stream has it."""
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
    return [str(each) for each in written or ()]  # as a file of a state keeps them
