"""The active-learning cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor

from autoal.data import ImageData
from autoal.features import Features, View
from autoal.oracle import Oracle
from autoal.plan import Plan
from autoal.pool import Pool
from autoal.record.round import Round
from autoal.record.sink import Sink
from autoal.seeding import derive, generator, seeded
from autoal.stopwatch import Stopwatch
from autoal.strategy import QueryStrategy, select
from autoal.task import Task
from autoal.training import Training

UNKNOWN = -1  # the label of a row that nobody was asked about


def rounds(
    data: ImageData,
    task: Task,
    strategy: QueryStrategy,
    oracle: Oracle,
    plan: Plan,
    *,
    seed: int = 0,
    training: Training | None = None,
    history: Sequence[Round] = (),
    sink: Sink | None = None,
) -> Iterator[Round]:
    """Query, label, train and test, once a round, and yield what each round did.

    Args:
        data: set up; its training images are the pool.
        task: with the weights of the last round of `history`, if there is one.
        strategy: chooses the rows of every round but the first.
        oracle: answers for them.
        plan: how many labels are bought.
        seed: all randomness follows from it.
        training: the machine's side; the default takes what is there.
        history: the rounds that were done before; the rest of the plan is yielded.
        sink: told about the progress inside a round; its `end` is left to the caller, who knows
            when a round is safe.
    """
    plan.check(len(data.train))
    experiment = _Experiment(
        data, task, strategy, oracle, plan, seed, training or Training(), sink or Sink()
    )
    return experiment.run(history)


class _Experiment:
    """What stays the same over the rounds, and what is known so far."""

    def __init__(
        self,
        data: ImageData,
        task: Task,
        strategy: QueryStrategy,
        oracle: Oracle,
        plan: Plan,
        seed: int,
        training: Training,
        sink: Sink,
    ) -> None:
        self.task = task
        self.strategy = strategy
        self.oracle = oracle
        self.plan = plan
        self.seed = seed
        self.training = training
        self.sink = sink
        self.classes = len(data.classes)
        self.images = training.place(data.train.images)
        self.test = data.test
        self.pool = Pool.of(len(data.train))
        self.labels = torch.full((len(data.train),), UNKNOWN)

    def run(self, history: Sequence[Round]) -> Iterator[Round]:
        for past in history:
            self._learn(torch.tensor(past.queried), torch.tensor(past.labels))
        for number in range(len(history), self.plan.rounds + 1):
            self.sink.begin(number)
            yield self._round(number)

    def _round(self, number: int) -> Round:
        watch = Stopwatch()
        rows = self._query(number, watch)
        answers = self._ask(rows)
        self._learn(rows, answers)
        with watch.phase("train"), seeded(self.seed, number, "fit"):
            self.task.renew(first=number == 0)
            labelled = self.pool.labelled
            steps = self.training.fit(
                self.task, self._take(labelled), self.labels[labelled], self.sink.step
            )
        with watch.phase("test"):
            metrics = self.training.test(self.task, self.test.images, self.test.labels)
        return Round(
            number=number,
            labelled=len(labelled),
            queried=rows.tolist(),
            labels=answers.tolist(),
            metrics=metrics,
            seconds={
                **{name: watch.seconds[name] for name in ("train", "test", "features", "score")},
                "total": watch.total,
            },
            steps=steps,
        )

    def _query(self, number: int, watch: Stopwatch) -> Tensor:
        if number == 0:
            stream = generator(self.seed, "start")
            return torch.randperm(len(self.pool), generator=stream)[: self.plan.start]
        # Seeded too, for strategies that draw from the global streams though they should not.
        with watch.phase("score"), seeded(self.seed, number, "query"):
            return select(self.strategy, self._view(number, watch), self.plan.budget)

    def _view(self, number: int, watch: Stopwatch) -> View:
        labelled = self.pool.labelled
        return View(
            pool=self._features(self.pool.unlabelled, number, watch),
            labelled=self._features(labelled, number, watch),
            labels=self.labels[labelled],
            classes=self.classes,
            seed=derive(self.seed, number, "view"),
        )

    def _features(self, rows: Tensor, number: int, watch: Stopwatch) -> Features:
        def embed(inputs: Tensor) -> Tensor:
            with watch.phase("features"):
                return self.training.embed(self.task, inputs)

        return Features(
            rows,
            inputs=lambda: self._take(rows),
            embed=embed,
            # Float32, as the embeddings are; a copy, so that later training does not change it.
            head=deepcopy(self.task.network.head).float(),
            dropout=self.task.network.dropout.p,
            seed=derive(self.seed, number, "features"),
        )

    def _take(self, rows: Tensor) -> Tensor:
        return self.images[rows.to(self.images.device)]

    def _ask(self, rows: Tensor) -> Tensor:
        answers = self.oracle(rows)
        if answers.shape != rows.shape:
            raise ValueError(
                f"the oracle gave {tuple(answers.shape)} answers to {len(rows)} questions"
            )
        labels = answers.long()
        wrong = answers[(labels != answers) | (labels < 0) | (labels >= self.classes)]
        if len(wrong):
            raise ValueError(
                f"the oracle answered {wrong[0]}; classes go from 0 to {self.classes - 1}"
            )
        return labels

    def _learn(self, rows: Tensor, answers: Tensor) -> None:
        self.pool = self.pool.label(rows)
        self.labels[rows] = answers
