"""The active-learning cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autoal.cheating import Cheating
from autoal.cycle.plan import Plan
from autoal.cycle.pool import Pool
from autoal.cycle.stopwatch import Stopwatch
from autoal.data.contract import ImageData
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.networks import Ready
from autoal.model.task import Task
from autoal.model.training import Training
from autoal.oracles.model import Labeler
from autoal.oracles.question import Oracle, TrueLabels
from autoal.query.strategy import QueryStrategy, select
from autoal.query.view import View
from autoal.record.round import Round
from autoal.record.sink import Sink
from autoal.seeding import derive, generator, seeded

UNKNOWN = -1  # the label of a row that nobody was asked about


def rounds(
    data: ImageData,
    task: Task,
    strategy: QueryStrategy,
    oracle: Oracle,
    plan: Plan,
    *,
    labeler: Labeler | None = None,
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
        plan: how many rows are labelled.
        labeler: labels the rows that the strategy chooses in the oracle's place.
        seed: all randomness follows from it.
        training: the machine's side; the default takes what is there.
        history: the rounds that were done before; the rest of the plan is yielded.
        sink: told about the progress inside a round; its `end` is left to the caller, who knows
            when a round is safe.
    """
    plan.check(len(data.train))
    strategy.check(validation=data.validation.labels if data.validation else None)
    if isinstance(strategy, Cheating):
        strategy.check_pool(len(data.train))
    experiment = _Experiment(
        data, task, strategy, oracle, plan, labeler, seed, training or Training(), sink or Sink()
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
        labeler: Labeler | None,
        seed: int,
        training: Training,
        sink: Sink,
    ) -> None:
        self.task = task
        self.deep = any(
            True for _ in task.network.embed.parameters()
        )  # more than a head is trained
        self.understudy = deepcopy(task)  # now, before it has a trainer
        self.strategy = strategy
        self.oracle = oracle
        self.labeler = labeler
        self.plan = plan
        self.seed = seed
        self.training = training
        self.sink = sink
        self.classes = len(data.classes)
        self.stages = "stages" in (strategy.reads or ())
        self.images = training.place(data.train.images)
        self.test = data.test
        self.validation = data.validation
        self.held_out = len(data.validation) if data.validation else 0
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
        rows, given, notes = self._query(number, watch)
        answers = self._answers("oracle", self.oracle(rows), rows) if given is None else given
        self._learn(rows, answers)
        with watch.phase("train"), seeded(self.seed, number, "fit"):
            self.task.renew(first=number == 0)
            labelled = self.pool.labelled
            steps = self.training.fit(
                self.task, self._take(labelled), self.labels[labelled], self.sink.step
            )
        with watch.phase("test"):
            metrics = self._test()
        return Round(
            number=number,
            labelled=len(labelled) + self.held_out,
            queried=rows.tolist(),
            labels=answers.tolist(),
            metrics=metrics,
            seconds={
                **{name: watch.seconds[name] for name in ("train", "test", "features", "score")},
                **notes.pop("seconds", {}),
                "total": watch.total,
            },
            steps=steps,
            notes=notes,
            bought=(len(rows) if given is None else 0) + (0 if number else self.held_out),
            wrong=self.oracle.wrong(rows, answers) if isinstance(self.oracle, TrueLabels) else None,
        )

    def _test(self) -> dict[str, float]:
        metrics = self.training.test(self.task, self.test.images, self.test.labels)
        if self.validation is None:
            return metrics
        held_out = self.training.test(self.task, self.validation.images, self.validation.labels)
        return metrics | {f"val_{name}": value for name, value in held_out.items()}

    def _query(self, number: int, watch: Stopwatch) -> tuple[Tensor, Tensor | None, dict[str, Any]]:
        """The rows of this round, labels for which nobody is asked, and the strategy's notes."""
        if number == 0:
            stream = generator(self.seed, "start")
            return torch.randperm(len(self.pool), generator=stream)[: self.plan.start], None, {}
        # Seeded too, for strategies that draw from the global streams though they should not.
        with watch.phase("score"), seeded(self.seed, number, "query"):
            view = self._view(number, watch)
            rows = self._select(number, view)
            notes = self.strategy.notes(view)
            if self.labeler is None:
                return rows, None, notes
            return rows, self._answers("labeler", self.labeler(view, rows), rows), notes

    def _select(self, number: int, view: View) -> Tensor:
        if isinstance(self.strategy, Cheating):
            return self.strategy.cheat(view, self.plan.budget, partial(self._outcome, number))
        return select(self.strategy, view, self.plan.budget)

    def _outcome(self, number: int, rows: Tensor, judges: Tensor) -> float:
        """The loss after this round's very training with these rows; for upper references alone.

        On the validation rows, or else on the judges.
        """
        if not isinstance(self.oracle, TrueLabels):
            raise UserError("an upper reference needs data of which all labels are known")
        task, labels = self.understudy, self.labels.clone()
        labels[rows] = self.oracle(rows)
        labelled = self.pool.label(rows).labelled
        task.load_state_dict(self.task.state_dict())
        with seeded(self.seed, number, "fit"):
            task.renew(first=False)
            self.training.fit(task, self._take(labelled), labels[labelled], lambda step: None)
        if self.validation is not None:
            judging = self.validation.images, self.validation.labels
        else:
            judging = self._take(judges), self.oracle(judges)
        return self.training.test(task, *judging)["nll"]

    def _view(self, number: int, watch: Stopwatch) -> View:
        labelled = self.pool.labelled
        look = partial(self._features, number=number, watch=watch)
        held_out = self.validation
        return View(
            pool=look(self.images, self.pool.unlabelled),
            labelled=look(self.images, labelled),
            labels=self.labels[labelled],
            classes=self.classes,
            seed=derive(self.seed, number, "view"),
            validation=look(held_out.images, torch.arange(len(held_out))) if held_out else None,
            validation_labels=held_out.labels if held_out else None,
            fitted=partial(self._fitted, number, watch) if self.deep else None,
            training=self.training,
        )

    def _fitted(
        self, number: int, watch: Stopwatch, places: Tensor
    ) -> tuple[Callable[[Features], Features], nn.Module]:
        """A network of the task's kind, trained on these places of the labelled rows alone."""
        rows, task = self.pool.labelled[places], self.understudy
        with seeded(self.seed, number, "fitnet"):
            task.renew(first=True)
            # The task's own training, shortened as the rows are fewer.
            share = len(rows) / len(self.pool.labelled)
            task.steps = max(1, round(self.task.steps * share))
            task.epochs = self.task.epochs and max(1, round(self.task.epochs * share))
            images = self.images[rows.to(self.images.device)]
            self.training.fit(task, images, self.labels[rows], lambda step: None)

        def look(features: Features) -> Features:
            inputs, seed = features.inputs, derive(self.seed, number, "fitnet")
            return self._seen_by(task, features.rows, lambda: inputs, seed, watch)

        return look, Ready(deepcopy(task.preprocess), deepcopy(task.network))

    def _features(self, images: Tensor, rows: Tensor, number: int, watch: Stopwatch) -> Features:
        """What the network, as it is now, says about these rows of the images."""
        seed = derive(self.seed, number, "features")
        return self._seen_by(self.task, rows, lambda: images[rows.to(images.device)], seed, watch)

    def _seen_by(
        self, task: Task, rows: Tensor, inputs: Callable[[], Tensor], seed: int, watch: Stopwatch
    ) -> Features:
        def embed(inputs: Tensor) -> Tensor:
            with watch.phase("features"):
                return self.training.embed(task, inputs, self.stages)

        network = task.network
        return Features(
            rows,
            inputs=inputs,
            embed=embed,
            # Float32, as the embeddings are; a copy, so that later training does not change it.
            head=deepcopy(network.head).float(),
            dropout=network.dropout.p,
            seed=seed,
            width=network.head.in_features if self.stages else None,
        )

    def _take(self, rows: Tensor) -> Tensor:
        return self.images[rows.to(self.images.device)]

    def _answers(self, who: str, answers: Tensor, rows: Tensor) -> Tensor:
        """The answers as labels, if they can be some."""
        if answers.shape != rows.shape:
            raise ValueError(
                f"the {who} gave {tuple(answers.shape)} answers to {len(rows)} questions"
            )
        labels = answers.long()
        wrong = answers[(labels != answers) | (labels < 0) | (labels >= self.classes)]
        if len(wrong):
            raise ValueError(
                f"the {who} answered {wrong[0]}; classes go from 0 to {self.classes - 1}"
            )
        return labels

    def _learn(self, rows: Tensor, answers: Tensor) -> None:
        self.pool = self.pool.label(rows)
        self.labels[rows] = answers
