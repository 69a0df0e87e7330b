"""The cycle: a question is asked, answers are told, a model is trained and tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from autoal.cycle.history import demand_history, demand_same_data
from autoal.cycle.hooks import Advice, Growth, Stop, StopRule
from autoal.cycle.judging import by_check, by_cross_validation
from autoal.cycle.knowledge import Knowledge, Told
from autoal.cycle.plan import Plan
from autoal.cycle.pool import Pool
from autoal.cycle.sight import Sight, facts_of
from autoal.cycle.stopwatch import Stopwatch
from autoal.data.contract import Data
from autoal.data.inputs import tensor_of
from autoal.data.rows import UNKNOWN, Rows, chosen
from autoal.errors import UserError, about
from autoal.exported.model import Model
from autoal.model.learner import Learner, taught, tested
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
from autoal.record.round import CHECK, CROSS_VALIDATION, PHASES, Round
from autoal.record.sink import Sink
from autoal.record.states import packed
from autoal.seeding import derive, generator, seeded

SHOWN = 200  # characters of what torch has to say of a state
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
    if folder is not None:
        _take_up(experiment, folder)
    while (question := experiment.ask()) is not None:
        answers = oracle(question) if len(question.rows) else []
        del question  # since whoever holds its view costs a copy of the model
        done = experiment.tell(answers)
        if folder is not None:
            folder.add(done, experiment.state_dict())
        yield done


def go_on(experiment: Experiment, folder: RunFolder) -> None:
    """Bring a new experiment to where its folder is; what does not fit is refused by its file."""
    demand_fit(experiment, folder)
    if folder.rounds:
        state = folder.state()
        with folder.explained(folder.last_state):
            experiment.resume(folder.rounds, state)


def demand_fit(experiment: Experiment, folder: RunFolder) -> None:
    """Refuse a folder whose rounds cannot be those of this experiment."""
    with folder.explained(folder.record):
        demand_history(folder.rounds, experiment.plan, experiment.data)


def _take_up(experiment: Experiment, folder: RunFolder) -> None:
    """Be sure that experiment and folder are at the same round, and that more can be kept."""
    if _answers_of(folder.rounds) != _answers_of(experiment.history):
        if experiment.history:
            raise UserError(
                f"the {len(folder.rounds)} rounds of {folder.path} are not the "
                f"{len(experiment.history)} that this experiment has done: give a new one, "
                "or another folder"
            )
        go_on(experiment, folder)
    if not experiment.plan.over(len(folder.rounds)):
        folder.demand_writable()


def _answers_of(history: Sequence[Round]) -> list[Told]:
    return [Told.again(done) for done in history]


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
        stop: says why no more is to be bought, after each round.
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
        judges = data.checked if data.test is None else 0
        plan.demand_room(len(data.train), judges)
        strategy = _built("strategy", strategy)
        first = torch.zeros(0, dtype=torch.long)  # rows of the start, where they are given
        chooser: QueryStrategy | None = None
        if isinstance(start, Sized) and not isinstance(start, str):
            first = _rows_of(start, plan, len(data.train))
        elif start is not None:
            chooser = _built("start", start)
        facts = facts_of(data, learner)
        if growth is not None and "outcomes" in (strategy.reads or ()):
            raise UserError("an upper reference goes without growth: made rows have no true label")
        demand_served(strategy, facts)
        if chooser is not None:
            demand_untaught(chooser, registry.untaught)
            demand_served(chooser, facts)
        self.data = data
        self.learner = learner
        self.strategy = strategy
        self.plan = plan
        self.seed = seed
        self.sink = sink or Sink()
        self.history: list[Round] = []
        self.stopped = ""  # why no more is asked, before all rounds are done
        self._start = chooser
        self._first_rows = first
        self._stop = stop
        self._growth = growth
        # The labels that count are those that were told; the data set's own stay where they are.
        self._known = Knowledge.nothing(learner.place(data.train.without_labels()))
        self._judges = judges  # how many rows of the start are to judge the model
        self._taught = False  # the learner has learnt something
        self._ahead: _Ahead | None = None
        self._fingerprint = data.fingerprint()
        self._made: list[Rows] = []
        self._asked: _Asked | None = None

    @property
    def rows(self) -> Rows:
        """The pool's rows, those that were made among them, with the labels that were told."""
        return self._known.rows

    def predict(self, inputs: Any) -> Tensor:
        """Class probabilities of new rows, (n, classes), by the model as it is now.

        They go through whatever the pool's rows went through, an encoder too.

        Args:
            inputs: a tensor, an array, a data frame or a list of rows like those of the data.
        """
        return self.model().predict(inputs)

    def model(self) -> Model:
        """The model as it is now, for new rows in arrays and in files; it learns on with this."""
        return Model.of(self.data, self.learner)

    def resume(self, history: Sequence[Round], state: dict[str, Any]) -> None:
        """Go on after these rounds, with the state that belongs to the last of them."""
        if self.history or self._asked is not None:
            raise RuntimeError("this experiment has begun already: resume a new one")
        demand_history(history, self.plan, self.data)
        demand_same_data(self.data, state.get("data"))
        with _fitting("strategy"):
            self.strategy.load_state_dict(state["strategy"])
        if isinstance(self._stop, StopRule):
            with _fitting("stop"):
                self._stop.load_state_dict(state["stop"])
        with _fitting("rows that were made"):
            self._grow_again(state.get("made", []), sum(done.made for done in history))
        for done in history:
            self._known = self._known.after(Told.again(done))
        self.history = [*history]
        with _fitting("learner"):
            self._take_up_learner(state)
        self._taught = bool(len(self._known.pool.labelled))

    def state_dict(self) -> dict[str, Any]:
        """What must outlive a round, beside its record; of the time between two rounds."""
        if self._asked is not None:
            raise RuntimeError("a question is open: the state to keep is that before `ask`")
        state = {
            "learner": _state_of(self.learner),
            "strategy": _state_of(self.strategy),
            "data": self._fingerprint,
        }
        if self.data.labels_count:
            state["classes"] = [*self.data.classes]
        if isinstance(self._stop, StopRule):
            state["stop"] = self._stop.state_dict()
        made = [
            {"inputs": rows.inputs, "shown": rows.shown, "names": rows.names} for rows in self._made
        ]
        return state | ({"made": made} if made else {})

    def ask(self) -> Question | None:
        """The question of the next round, the same until it is answered; None when all is done."""
        if self.history and not (isinstance(self._stop, StopRule) and not self._stop.obey):
            self.stopped = self.stopped or self.history[-1].stop.get("reason", "")
        over = self.stopped or self.plan.over(len(self.history))
        if self._asked is None and not over:
            before = self._known, self._made, deepcopy(self.strategy.state_dict())
            try:
                self._asked = self._query(len(self.history))
            except BaseException:  # so that whoever asks again is answered as if for the first time
                self._known, self._made, state = before
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
        before = self._known, deepcopy(self.learner.state_dict())
        try:
            with self._asked.stopwatch.running():
                done = self._round(self._asked, answered)
        except BaseException:
            self._known, state = before
            self._reopen(self._asked, state)
            raise
        self._asked = None
        self._taught = bool(len(self._known.pool.labelled))
        self.history.append(done)
        return done

    def _reopen(self, asked: _Asked, before: dict[str, Any]) -> None:
        """Be again as before answers that led to no round, so that they can be told once more."""
        with seeded(self.seed, "reopen"):
            self.learner.load_state_dict(before)
        if self._taught:
            self._asked = asked.seeing(self._view(asked.question.number, asked.stopwatch))

    def _round(self, asked: _Asked, answered: Answers) -> Round:
        number, stopwatch = asked.question.number, asked.stopwatch
        told = Told.by(answered, asked.question, asked.judging)
        self._known = self._known.after(told)
        steps = 0
        metrics: dict[str, float] = {}
        judged = ""
        if len(self._known.pool.labelled):  # else all were declined, and there is nothing to learn
            with stopwatch.phase("train"), seeded(self.seed, number, "fit"):
                steps = self._teach()
            with stopwatch.phase("test"):
                metrics, judged = self._test(number)
        held_out = len(self.data.validation) if self.data.validation else 0
        beforehand = 0 if number else held_out  # each of which was bought once, for a label's price
        bought = int((answered.costs > 0).sum()) + beforehand
        cost = float(answered.costs.sum()) + beforehand
        done = Round(
            number=number,
            labelled=len(self._known.pool.labelled) + len(self._known.judges) + held_out,
            queried=[*told.queried],
            labels=[*told.queried.values()],
            metrics=metrics,
            seconds=_spent(stopwatch),
            steps=steps,
            notes=asked.notes,
            bought=bought,
            wrong=answered.take(~torch.isin(answered.rows, asked.judging)).wrong,
            declined=[*told.declined],
            cost=None if cost == bought else cost,
            made=asked.made,
            names=self._known.rows.named(torch.tensor([*told.queried], dtype=torch.long)),
            by=answered.by,
            given=asked.given,
            amended=dict(told.amended),
            checked=[*told.checked],
            checked_labels=[*told.checked.values()],
            judged=judged,
            people={name: dict(facts) for name, facts in answered.people.items()},
        )
        return replace(done, stop=self._advice(done, stopwatch), seconds=_spent(stopwatch))

    def _teach(self) -> int:
        """Train on all that is labelled; returns the steps."""
        first = not self._taught
        return taught(self.learner, self._known.lesson, first=first, watch=self.sink.step)

    def _take_up_learner(self, state: dict[str, Any]) -> None:
        """Be the learner of the last round; where classes joined since, another one is taught."""
        number, same = len(self.history) - 1, [*self.data.classes]
        with seeded(self.seed, "resume"):  # it may draw before it has its own
            if state.get("classes", same) == same:
                self.learner.load_state_dict(state["learner"])
        if state.get("classes", same) != same and len(self._known.pool.labelled):
            with seeded(self.seed, number, "fit"):
                self._teach()

    def _test(self, number: int) -> tuple[dict[str, float], str]:
        """The metrics, and by what else than a test set they are."""
        test, validation, judges = self.data.test, self.data.validation, self._known.judges
        metrics, judged = {}, ""
        if test is not None:
            metrics = tested(self.learner, test)
        elif len(judges):
            metrics, judged = by_check(self.learner, judges), CHECK
        elif self.data.labels_count:
            classes, seed = len(self.data.classes), derive(self.seed, number, "cross-validation")
            metrics = by_cross_validation(self.learner, self._known.lesson, classes, seed)
            judged = CROSS_VALIDATION
        if validation is not None:
            held_out = tested(self.learner, validation)
            metrics |= {f"val_{name}": value for name, value in held_out.items()}
        return metrics, judged

    def _advice(self, done: Round, stopwatch: Stopwatch) -> dict[str, Any]:
        """What `stop` says of the model as it is now, by the view that the next query sees."""
        if self._stop is None or not len(self._known.pool.labelled):
            return {}
        ahead = Stopwatch()
        with stopwatch.phase("stop"), seeded(self.seed, done.number, "stop"):
            self._ahead = _Ahead(self._view(done.number + 1, ahead), ahead)
            told = self._stop([*self.history, done], self._ahead.view)
        advice = Advice(told) if isinstance(told, str) else told
        return {name: value for name, value in advice._asdict().items() if value not in ("", None)}

    def _query(self, number: int) -> _Asked | None:
        """What to ask next; None where nothing is left."""
        ahead, self._ahead = self._ahead, None
        stopwatch = Stopwatch() if ahead is None else ahead.stopwatch
        given = self._given()
        self._known = self._known.after(Told(given=given))
        # Seeded, for strategies that draw from the global streams though they should not.
        with stopwatch.running(), seeded(self.seed, number, "query"):
            if not self._taught:
                asked = self._first(number, stopwatch)
            else:
                with stopwatch.phase("score"):
                    asked = self._next(number, stopwatch, None if ahead is None else ahead.view)
        return None if asked is None else replace(asked, given=given)

    def _given(self) -> dict[int, int]:
        """The labels of the data that count, and that nobody knew of before."""
        if not self.data.labels_count:
            return {}
        labels, left = self.data.train.labels, self._known.pool.unlabelled
        known = [row for row in left.tolist() if row < len(labels) and labels[row] != UNKNOWN]
        return {row: int(labels[row]) for row in known}

    def _first(self, number: int, stopwatch: Stopwatch) -> _Asked | None:
        """The rows of the start; others, where all that were asked about were declined."""
        judges = self._drawn_judges() if number == 0 else torch.zeros(0, dtype=torch.long)
        pool = self._known.pool.let_judge(judges)
        size = min(max(0, self.plan.start - len(pool.labelled)), len(pool.unlabelled))
        if not size and not len(pool.labelled):
            self.stopped = NOTHING_LEFT
            return None
        self.sink.begin(number)
        first = self._started(number, stopwatch, pool, size)
        if len(judges):  # in among the others, so that nobody can tell them apart
            both = torch.cat([first.rows, judges])
            mixed = torch.randperm(len(both), generator=generator(self.seed, "mixed"))
            first = Query(both[mixed], first.notes, None)
        return replace(self._asking(number, stopwatch, first, None), judging=judges)

    def _drawn_judges(self) -> Tensor:
        left = self._known.pool.unlabelled
        drawn = torch.randperm(len(left), generator=generator(self.seed, "judges"))
        return left[drawn[: self._judges]]

    def _started(self, number: int, stopwatch: Stopwatch, pool: Pool, size: int) -> Query:
        """So many rows of the pool, chosen by the start."""
        if self._start is None or not size:
            drawn = torch.randperm(len(pool), generator=generator(self.seed, "start"))
            order = torch.cat([self._first_rows, drawn[~torch.isin(drawn, self._first_rows)]])
            return Query(order[torch.isin(order, pool.unlabelled)][:size], {}, None)
        with stopwatch.phase("score"):
            # Untaught by this experiment's seed, whatever its own learner is by now.
            sight = replace(self._sight(number, stopwatch, self.learner.fresh()), pool=pool)
            return query(self._start, sight.view(self._start.reads or ()), size)

    def _next(self, number: int, stopwatch: Stopwatch, ahead: View | None) -> _Asked | None:
        """The rows of any later round, chosen by what the model says."""
        view = self._view(number, stopwatch) if ahead is None else ahead
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
        rows = self._known.rows
        question = Question(
            number,
            asked.rows,
            self.data.classes,
            shown=chosen(rows.shown, asked.rows),
            names=chosen(rows.names, asked.rows),
            keys=chosen(rows.keys, asked.rows),
            view=view,
            suggested=asked.suggested,
        )
        return _Asked(question, stopwatch, asked.notes, made)

    def _view(self, number: int, stopwatch: Stopwatch) -> View:
        """What the strategy is shown in this round."""
        return self._sight(number, stopwatch, self.learner).view(self.strategy.reads or ())

    def _sight(self, number: int, stopwatch: Stopwatch, learner: Learner) -> Sight:
        # A file's name may tell its class.
        rows = replace(self._known.rows, shown=None, names=None, keys=None)
        return Sight(learner, self.data, rows, self._known.pool, self.seed, number, stopwatch)

    def _grow_again(self, kept: Sequence[dict[str, Any]], count: int) -> None:
        for made in kept:
            rows = Rows.of(made["inputs"])
            self._grow(replace(rows, shown=made["shown"], names=made["names"]))
        if (found := sum(map(len, self._made))) != count:
            raise ValueError(f"the rounds tell of {count}, and {found} are there")

    def _grow(self, made: Rows) -> None:
        self._known = self._known.grown(self.learner.place(made))
        self._made = [*self._made, made]


@contextmanager
def _fitting(owner: str) -> Iterator[None]:
    """Say whose state it is that does not fit, whatever its owner makes of it."""
    try:
        yield
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
        raise UserError(f"the state does not fit the {owner} ({told})") from error


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


def _spent(stopwatch: Stopwatch) -> dict[str, float]:
    """The seconds of a round by phase, so far."""
    return {**dict.fromkeys(PHASES, 0.0), **stopwatch.seconds, "total": stopwatch.total}


def _state_of(part: Learner | QueryStrategy) -> dict[str, Any]:
    """What a part must be given back when a run goes on."""
    state = part.state_dict()
    if not isinstance(state, dict):
        found = type(state).__name__
        raise UserError(f"{type(part).__name__}.state_dict must give a dict, got {found}")
    if isinstance(part, QueryStrategy) and state:
        with about(type(part).__name__):  # whose it is, before it is one of many
            packed({"strategy": state})
    return state


@dataclass(frozen=True)
class _Asked:
    """A question that is open."""

    question: Question
    stopwatch: Stopwatch
    notes: dict[str, Any]
    made: int  # rows that joined the pool before it
    given: dict[int, int] = field(default_factory=dict)  # rows that came labelled, before it
    judging: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))

    def seeing(self, view: View | None) -> _Asked:
        """The same, with another view in the question."""
        return replace(self, question=replace(self.question, view=view))


@dataclass(frozen=True)
class _Ahead:
    """The view of the next query, which `stop` has seen already."""

    view: View
    stopwatch: Stopwatch
