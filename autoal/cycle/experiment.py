"""The cycle: a question is asked, answers are told, a model is trained and tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from autoal.cycle.hooks import Growth, Stop
from autoal.cycle.plan import Plan
from autoal.cycle.pool import Pool
from autoal.cycle.sight import Sight, facts_of
from autoal.cycle.stopwatch import Stopwatch
from autoal.data.contract import Data
from autoal.data.inputs import tensor_of
from autoal.data.rows import Rows, chosen
from autoal.errors import UserError
from autoal.model.learner import Learner
from autoal.oracles.question import Answers, Oracle, Question
from autoal.query import registry
from autoal.query.strategy import (
    Query,
    QueryStrategy,
    demand_served,
    demand_untaught,
    query,
)
from autoal.query.view import View
from autoal.record.folder import RunFolder
from autoal.record.round import PHASES, Round
from autoal.record.sink import Sink
from autoal.seeding import generator, seeded

NOTHING_LEFT = "no row is left that could be asked about"


def rounds(
    experiment: Experiment, oracle: Oracle, folder: RunFolder | None = None
) -> Iterator[Round]:
    """Do the rounds that are left, with an oracle that answers at once.

    Args:
        experiment: a new one, or one whose rounds the folder has.
        oracle: answers.
        folder: has the rounds that were done before, and keeps every other before it is told.
    """
    if folder is not None and _answers_of(folder.rounds) != _answers_of(experiment.history):
        if experiment.history:
            raise UserError(
                f"the {len(folder.rounds)} rounds of {folder.path} are not the "
                f"{len(experiment.history)} that this experiment has done: give a new one, "
                "or another folder"
            )
        experiment.resume(folder.rounds, folder.state())
    while (question := experiment.ask()) is not None:
        answers = oracle(question)
        del question  # since whoever holds its view costs a copy of the model
        done = experiment.tell(answers)
        if folder is not None:
            folder.add(done, experiment.state_dict())
        yield done


def _answers_of(history: Sequence[Round]) -> list[tuple[list[int], ...]]:
    return [(done.queried, done.labels, done.declined) for done in history]


class Experiment:
    """Query, label, train and test, once a round.

    `ask` gives the next question, `tell` takes the answers and does the rest of the round. Nothing
    is trained before something is told, and all randomness follows from the seed.

    Args:
        data: its training rows are the pool.
        learner: is taught what is labelled.
        strategy: chooses the rows of every round but the first; by its name with its own options.
            One that is given as an object is copied, and what it learns stays in here.
        plan: how many rows are asked about.
        start: chooses the rows of the first round, before anything is labelled, or is a list of
            them; None: at random.
        stop: says why no more is to be bought, before each query.
        growth: makes rows that join the pool, before each query.
        seed: all randomness follows from it.
        sink: is told about the progress inside a round; its `end` is left to the caller, who knows
            when a round is safe.
    """

    def __init__(
        self,
        data: Data,
        learner: Learner,
        strategy: QueryStrategy | str,
        plan: Plan,
        *,
        start: QueryStrategy | str | Sequence[int] | None = None,
        stop: Stop | None = None,
        growth: Growth | None = None,
        seed: int = 0,
        sink: Sink | None = None,
    ) -> None:
        _demand("data", data, Data, "such as Arrays((inputs, labels))")
        _demand("learner", learner, Learner, "such as TorchLearner(network, data)")
        _demand("plan", plan, Plan, "such as Plan(start=20, budget=10, rounds=5)")
        data.setup()
        plan.demand_room(len(data.train))
        strategy = _built("strategy", strategy)
        given = torch.zeros(0, dtype=torch.long)  # rows of the start
        if isinstance(start, Sized) and not isinstance(start, str):
            given, start = _rows_of(start, plan, len(data.train)), None
        start = None if start is None else _built("start", start)
        facts = facts_of(data, learner)
        if growth is not None and "outcomes" in (strategy.reads or ()):
            raise UserError("an upper reference goes without growth: made rows have no true label")
        demand_served(strategy, facts)
        if start is not None:
            demand_untaught(start, registry.untaught)
            demand_served(start, facts)
        self.data = data
        self.learner = learner
        self.strategy = strategy
        self.plan = plan
        self.seed = seed
        self.sink = sink or Sink()
        self.history: list[Round] = []
        self.stopped = ""  # why no more is asked, before all rounds are done
        self._start = start
        self._given = given
        self._stop = stop
        self._growth = growth
        # The labels that count are those that were told; the data set's own stay where they are.
        self._rows = learner.place(data.train.without_labels())
        self._pool = Pool.of(len(data.train))
        self._made: list[Rows] = []
        self._asked: _Asked | None = None

    @property
    def rows(self) -> Rows:
        """The pool's rows, those that were made among them, with the labels that were told."""
        return self._rows

    def predict(self, inputs: Any) -> Tensor:
        """Class probabilities of new rows, (n, classes), by the model as it is now.

        They go through whatever the pool's rows went through, an encoder too.

        Args:
            inputs: a tensor, an array, a data frame or a list of rows like those of the data.
        """
        rows = self.learner.place(self.data.stored(inputs))
        if not len(rows):
            return torch.zeros(0, len(self.data.classes))
        return self.learner.look(rows, torch.arange(len(rows)), self.seed).probs.cpu()

    def resume(self, history: Sequence[Round], state: dict[str, Any]) -> None:
        """Go on after these rounds, with the state that belongs to the last of them."""
        if self.history or self._asked is not None:
            raise RuntimeError("this experiment has begun already: resume a new one")
        with seeded(self.seed, "resume"):  # whatever a learner draws before it has its state
            self.learner.load_state_dict(state["learner"])
        self.strategy.load_state_dict(state["strategy"])
        for made in state.get("made", []):
            rows = Rows.of(made["inputs"])
            self._grow(replace(rows, shown=made["shown"], names=made["names"]))
        for done in history:
            told = (done.queried, done.labels, done.declined)
            tensors = (torch.tensor(numbers, dtype=torch.long) for numbers in told)
            self._pool, self._rows = self._known(*tensors)
        self.history = [*history]

    def state_dict(self) -> dict[str, Any]:
        """What must outlive a round, beside its record; of the time between two rounds."""
        if self._asked is not None:
            raise RuntimeError("a question is open: the state to keep is that before `ask`")
        state = {"learner": self.learner.state_dict(), "strategy": self.strategy.state_dict()}
        made = [
            {"inputs": rows.inputs, "shown": rows.shown, "names": rows.names} for rows in self._made
        ]
        return state | ({"made": made} if made else {})

    def ask(self) -> Question | None:
        """The question of the next round, the same until it is answered; None when all is done."""
        over = self.stopped or len(self.history) > self.plan.rounds
        if self._asked is None and not over:
            before = self._rows, self._pool, self._made, deepcopy(self.strategy.state_dict())
            try:
                self._asked = self._query(len(self.history))
            except BaseException:  # so that whoever asks again is answered as if for the first time
                self._rows, self._pool, self._made, state = before
                self.strategy.load_state_dict(state)
                raise
        return None if self._asked is None else self._asked.question

    def tell(self, answers: Any) -> Round:
        """Take the answers to what `ask` asked, train, test, and say what the round did.

        Args:
            answers: `Answers`, or a list or array of classes in the order of the question's rows,
                by number or name, in which -1, NaN or None declines a row.
        """
        if self._asked is None:
            raise RuntimeError("nothing was asked that could be answered: call `ask` first")
        answered = Answers.of(self._asked.question, answers)
        # Whoever holds the view while the model changes costs a copy of it; nobody here does.
        self._asked = self._asked.seeing(None)
        before = deepcopy(self.learner.state_dict())
        try:
            with self._asked.stopwatch.running():
                done = self._round(self._asked, answered)
        except BaseException:
            self._reopen(self._asked, before)
            raise
        self._asked = None
        self.history.append(done)
        return done

    def _reopen(self, asked: _Asked, before: dict[str, Any]) -> None:
        """Be again as before answers that led to no round, so that they can be told once more."""
        with seeded(self.seed, "reopen"):
            self.learner.load_state_dict(before)
        if len(self._pool.labelled):
            self._asked = asked.seeing(self._view(asked.question.number, asked.stopwatch))

    def _round(self, asked: _Asked, answered: Answers) -> Round:
        number, stopwatch = asked.question.number, asked.stopwatch
        declined = asked.question.rows[~torch.isin(asked.question.rows, answered.rows)]
        pool, rows = self._known(answered.rows, answered.labels, declined)
        steps, metrics = 0, {}
        if len(pool.labelled):  # else all were declined, and there is nothing to learn yet
            first = not len(self._pool.labelled)
            with stopwatch.phase("train"), seeded(self.seed, number, "fit"):
                taught = rows.take(pool.labelled)
                steps = self.learner.fit(taught, first=first, watch=self.sink.step)
            with stopwatch.phase("test"):
                metrics = self._test()
        self._pool, self._rows = pool, rows
        held_out = len(self.data.validation) if self.data.validation else 0
        given = 0 if number else held_out  # each of which was bought once, for one label's price
        bought = int((answered.costs > 0).sum()) + given
        cost = float(answered.costs.sum()) + given
        return Round(
            number=number,
            labelled=len(pool.labelled) + held_out,
            queried=answered.rows.tolist(),
            labels=answered.labels.tolist(),
            metrics=metrics,
            seconds={**dict.fromkeys(PHASES, 0.0), **stopwatch.seconds, "total": stopwatch.total},
            steps=steps,
            notes=asked.notes,
            bought=bought,
            wrong=answered.wrong,
            declined=declined.tolist(),
            cost=None if cost == bought else cost,
            made=asked.made,
        )

    def _known(self, rows: Tensor, labels: Tensor, declined: Tensor) -> tuple[Pool, Rows]:
        """The pool and its rows once these labels are known and those rows are set aside."""
        pool = self._pool.label(rows).set_aside(declined)
        return pool, self._rows.with_labels(rows, labels)

    def _test(self) -> dict[str, float]:
        test, validation = self.data.test, self.data.validation
        metrics = {} if test is None else self.learner.test(test)
        if validation is None:
            return metrics
        held_out = self.learner.test(validation)
        return metrics | {f"val_{name}": value for name, value in held_out.items()}

    def _query(self, number: int) -> _Asked | None:
        """What to ask next; None where nothing is left, or `stop` has a reason to ask no more."""
        stopwatch = Stopwatch()
        # Seeded, for strategies that draw from the global streams though they should not.
        with stopwatch.running(), seeded(self.seed, number, "query"):
            if not len(self._pool.labelled):
                return self._first(number, stopwatch)
            with stopwatch.phase("score"):
                return self._next(number, stopwatch)

    def _first(self, number: int, stopwatch: Stopwatch) -> _Asked | None:
        """The rows of the start; others, where all that were asked about were declined."""
        left = self._pool.unlabelled
        size = min(self.plan.start, len(left))
        if not size:
            self.stopped = NOTHING_LEFT
            return None
        self.sink.begin(number)
        if self._start is None:
            drawn = torch.randperm(len(self._pool), generator=generator(self.seed, "start"))
            order = torch.cat([self._given, drawn[~torch.isin(drawn, self._given)]])
            rows = order[torch.isin(order, left)][:size]
            return self._asking(number, stopwatch, Query(rows, {}, None), None)
        with stopwatch.phase("score"):
            # Untaught by this experiment's seed, whatever its own learner is by now.
            sight = self._sight(number, stopwatch, self.learner.fresh())
            view = sight.view(self._start.reads or ())
            return self._asking(number, stopwatch, query(self._start, view, size), None)

    def _next(self, number: int, stopwatch: Stopwatch) -> _Asked | None:
        """The rows of any later round, chosen by what the model says."""
        view = self._view(number, stopwatch)
        self.stopped = self._stop(self.history, view) if self._stop else ""
        if self.stopped:
            return None
        made = self._growth(view, self.history) if self._growth else None
        if made is not None and len(made):
            self._grow(made)
            view = self._view(number, stopwatch)
        if not len(view.pool):
            self.stopped = NOTHING_LEFT
            return None
        self.sink.begin(number)
        batch = query(self.strategy, view, min(self.plan.batch(number), len(view.pool)))
        return self._asking(number, stopwatch, batch, view, len(made or ()))

    def _asking(
        self, number: int, stopwatch: Stopwatch, asked: Query, view: View | None, made: int = 0
    ) -> _Asked:
        rows = self._rows
        question = Question(
            number,
            asked.rows,
            self.data.classes,
            shown=chosen(rows.shown, asked.rows),
            names=chosen(rows.names, asked.rows),
            view=view,
            suggested=asked.suggested,
        )
        return _Asked(question, stopwatch, asked.notes, made)

    def _view(self, number: int, stopwatch: Stopwatch) -> View:
        """What the strategy is shown in this round."""
        return self._sight(number, stopwatch, self.learner).view(self.strategy.reads or ())

    def _sight(self, number: int, stopwatch: Stopwatch, learner: Learner) -> Sight:
        return Sight(learner, self.data, self._rows, self._pool, self.seed, number, stopwatch)

    def _grow(self, made: Rows) -> None:
        self._rows = self._rows.joined(self.learner.place(made.without_labels()))
        self._pool = self._pool.grown(len(made))
        self._made = [*self._made, made]


def _demand(name: str, value: Any, kind: type, example: str) -> None:
    """Refuse what is no part of an experiment, before it is used like one."""
    if not isinstance(value, kind):
        found = f"the class {value.__name__}" if isinstance(value, type) else repr(type(value))
        raise UserError(f"`{name}` must be a {kind.__name__}, {example}, got {found}")


def _rows_of(start: Sized, plan: Plan, size: int) -> Tensor:
    """The rows of a start that is given; refused unless they are as many of the pool as planned."""
    rows = tensor_of(start, "the rows of a start")
    if len(rows) != plan.start:
        raise UserError(f"the start has {len(rows)} rows, and the plan says start={plan.start}")
    Pool.of(size).label(rows)
    return rows


def _built(name: str, strategy: Any) -> QueryStrategy:
    if isinstance(strategy, str):
        return registry.build(strategy)
    _demand(name, strategy, QueryStrategy, "or the name of one")
    return deepcopy(strategy)


@dataclass(frozen=True)
class _Asked:
    """A question that is open."""

    question: Question
    stopwatch: Stopwatch
    notes: dict[str, Any]
    made: int  # rows that joined the pool before it

    def seeing(self, view: View | None) -> _Asked:
        """The same, with another view in the question."""
        return replace(self, question=replace(self.question, view=view))
