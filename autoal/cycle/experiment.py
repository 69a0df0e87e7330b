"""The cycle: ask a question, take the answers, train and test a model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from autoal.costs.contract import Costs
from autoal.cycle.beginning import Beginning, Start, judges_of
from autoal.cycle.growing import Growing
from autoal.cycle.history import answers_of, demand_history, demand_same_data, said_in
from autoal.cycle.hooks import Advice, Growth, GrowthRule, Stop, StopRule
from autoal.cycle.judging import Judge
from autoal.cycle.knowledge import Knowledge, Told
from autoal.cycle.opened import Ahead, Asked
from autoal.cycle.parts import demand_part, fitting, state_of, strategy_of
from autoal.cycle.plan import Plan
from autoal.cycle.purse import Purse
from autoal.cycle.sight import Sight, facts_of
from autoal.cycle.stopwatch import Stopwatch
from autoal.cycle.wording import with_words
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN, Rows, chosen
from autoal.data.texts import written_of
from autoal.errors import UserError
from autoal.exported.model import Model
from autoal.model.learner import Learner, demand_believing, taught
from autoal.oracles.partial import concluded
from autoal.oracles.question import Answers, Question
from autoal.query.batch import Query, query
from autoal.query.strategy import QueryStrategy, Reads, demand_served
from autoal.query.view import View
from autoal.record.round import SPENT, Round
from autoal.record.sink import Sink
from autoal.seeding import seeded

NOTHING_LEFT = "no row is left that could be asked about"
NOTHING_FITS = "no label costs so little as what is left to spend"


class Experiment:
    """Query, label, train and test, once a round.

    `ask` returns the next question, `tell` takes the answers and does the rest of the round.
    Nothing is trained before the first answers, and all randomness follows from the seed.

    Args:
        data: its training rows are the pool.
        learner: learns the labelled rows.
        strategy: chooses the rows of every round but the first; a name takes default options. An
            object is copied, and what the copy learns stays here.
        plan: how many rows to ask about.
        start: chooses the rows of the first round, before anything is labelled, or is a list of
            them; None: at random.
        stop: says after each round why to stop buying labels, if so.
        growth: makes rows that join the pool before each query. A plan without end ends with the
            real rows.
        costs: of labels, charged by `Priced(oracle, costs)`; None: one each, or what the oracle
            reports.
        seed: determines all randomness.
        sink: receives the progress inside a round; the caller, who knows when a round is safe,
            calls its `end`.
    """

    def __init__(
        self,
        data: Data,
        learner: Learner,
        strategy: QueryStrategy | str,
        plan: Plan,
        *,
        start: Start = None,
        stop: Stop | None = None,
        growth: GrowthRule | Growth | None = None,
        costs: Costs | None = None,
        seed: int = 0,
        sink: Sink | None = None,
    ) -> None:
        demand_part("data", data, Data, "such as Arrays((inputs, labels))")
        demand_part("learner", learner, Learner, "such as TorchLearner(network, data)")
        demand_part("plan", plan, Plan, "such as Plan(start=20, budget=10, rounds=5)")
        data.setup()
        growing = Growing(growth, len(data.train))
        plan.demand_room(len(data.train), judges_of(data), growing.most)
        strategy, facts = strategy_of("strategy", strategy), facts_of(data, learner)
        if growth is not None and "outcomes" in (strategy.reads or ()):
            raise UserError("an upper reference allows no growth: made rows have no true label")
        demand_served(strategy, facts)
        self._purse = Purse(plan, costs)
        self._purse.check(data)
        self._beginning = Beginning.of(start, plan, data, facts, seed)
        self.data = data
        self.learner = learner
        self.strategy = strategy
        self.plan = plan
        self.seed = seed
        self.sink = sink or Sink()
        self.history: list[Round] = []
        self.stopped = ""  # why it stopped before all rounds were done
        self._stop = stop
        self._growing = growing
        # Only told labels count; the data set's own are never used.
        self._known = Knowledge.nothing(
            learner.place(data.train.without_labels()), len(data.classes)
        )
        learner.meet(self._known.rows)
        self._judge = Judge(data, seed)
        self._taught = False  # the learner has learnt something
        self._ahead: Ahead | None = None
        self._fingerprint = data.fingerprint()
        self._asked: Asked | None = None

    @property
    def rows(self) -> Rows:
        """The pool's rows, including made ones, with the labels told so far."""
        return self._known.rows

    def predict(self, inputs: Any) -> Tensor:
        """Class probabilities of new rows, (n, classes), by the current model.

        New rows are processed like the pool's, including by an encoder.

        Args:
            inputs: a tensor, an array, a data frame or a list of rows like those of the data.
        """
        return self.model().predict(inputs)

    def model(self) -> Model:
        """The current model, for new rows in arrays and files; it keeps learning with this."""
        return Model.of(self.data, self.learner)

    def resume(self, history: Sequence[Round], state: dict[str, Any]) -> None:
        """Go on after these rounds, with the state that belongs to the last of them."""
        if self.history or self._asked is not None:
            raise RuntimeError("this experiment has begun already: resume a new one")
        demand_history(history, self.plan, self.data)
        demand_same_data(self.data, state.get("data"))
        with fitting("strategy"):
            self.strategy.load_state_dict(state["strategy"])
        if isinstance(self._stop, StopRule):
            with fitting("stop"):
                self._stop.load_state_dict(state["stop"])
        self._grow_again(state, sum(done.made for done in history))
        for done in history:
            self._known = self._known.after(Told.again(done))
        self.history = [*history]
        with fitting("learner"):
            self._take_up_learner(state)
        self._taught = self._teaches

    def state_dict(self) -> dict[str, Any]:
        """State that must outlive a round, beside its record; taken between two rounds."""
        if self._asked is not None:
            raise RuntimeError("a question is open: the state to keep is that before `ask`")
        state = {
            "learner": state_of(self.learner),
            "strategy": state_of(self.strategy),
            "data": self._fingerprint,
        }
        if self.data.labels_count:
            state["grows"] = self._grown_to()
        if isinstance(self._stop, StopRule):
            state["stop"] = self._stop.state_dict()
        return state | self._growing.state_dict()

    def ask(self) -> Question | None:
        """The question of the next round, the same until answered; None when all is done."""
        if self.history and not self._advises and self.history[-1].stop.get("rule") != SPENT:
            self.stopped = self.stopped or self.history[-1].stop.get("reason", "")
        over = self.stopped or self.plan.over(len(self.history))
        if self._asked is None and not over:
            before = self._known, deepcopy(self.strategy.state_dict())
            grown = self._growing.remembered()
            try:
                self._asked = self._query(len(self.history))
            except BaseException:  # so that asking again works as if for the first time
                self._known, state = before
                self.strategy.load_state_dict(state)
                self._growing.forget(grown)
                raise
        return None if self._asked is None else self._asked.question

    @property
    def _advises(self) -> bool:
        """Whether `stop` only advises."""
        return isinstance(self._stop, StopRule) and not self._stop.obey

    def open_question(self) -> dict[str, Any]:
        """State that must outlive the time in which people answer."""
        if self._asked is None:
            return {}
        asked, question = self._asked, self._asked.question
        return {
            "number": question.number,
            "rows": question.rows,
            "suggested": question.suggested,
            "notes": asked.notes,
            "judging": asked.judging,
            "looked": asked.looked,
            "strategy": state_of(self.strategy),
            **self._growing.state_dict(self._growing.made[-1:] if asked.made else []),
        }

    def reopen(self, kept: dict[str, Any]) -> None:
        """Ask again what an ended process had asked, without another look."""
        number = len(self.history)
        if self._asked is not None or kept["number"] != number:
            raise UserError(f"the question is of round {kept['number']}, and {number} is the next")
        self.strategy.load_state_dict(kept["strategy"])
        made = sum(map(self._grow, self._growing.load_state_dict(kept)))
        given = {row: label for row, label in self._given().items() if row not in kept["rows"]}
        self._known = self._known.after(Told(given=given))
        stopwatch = Stopwatch()
        view = self._view(number, stopwatch) if self._taught else None
        self._known.pool.label(kept["rows"])  # refuses rows that cannot be asked about
        self.sink.begin(number)
        again = Query(kept["rows"], kept["notes"], kept["suggested"])
        asked = self._asking(number, stopwatch, again, view, made)
        looked = kept.get("looked", 0)  # which older runs lack
        self._asked = replace(asked, given=given, judging=kept["judging"], looked=looked)

    def tell(self, answers: Any) -> Round:
        """Take the answers to the question of `ask`, train, test, and return the round.

        Args:
            answers: `Answers`, or a list or array of classes in the order of the question's rows,
                by number or name, in which -1, NaN or None declines a row.
        """
        if self._asked is None:
            raise RuntimeError("there is no question to answer: call `ask` first")
        answered = concluded(self._asked.question, answers)
        if answered.beliefs or answered.ruled_out or answered.words:
            demand_believing(self.learner, "the answers tell")
        # Holding the view while the model changes would cost a copy of the model.
        self._asked = self._asked.seeing(None)
        before = self._known, deepcopy(self.learner.state_dict())
        grown = self._growing.remembered()
        try:
            with self._asked.stopwatch.running():
                done = self._round(self._asked, answered)
        except BaseException:
            self._known, state = before
            self._growing.forget(grown)
            self._reopen(self._asked, state)
            raise
        self._asked = None
        self._taught = self._teaches
        self.history.append(done)
        return done

    def _reopen(self, asked: Asked, before: dict[str, Any]) -> None:
        """Undo answers that led to no round, so that they can be told once more."""
        with seeded(self.seed, "reopen"):
            self.learner.load_state_dict(before)
        if self._taught:
            self._asked = asked.seeing(self._view(asked.question.number, asked.stopwatch))

    def _round(self, asked: Asked, answered: Answers) -> Round:
        number, stopwatch = asked.question.number, asked.stopwatch
        told = Told.by(answered, asked.question, asked.judging)
        self._known = self._known.after(told)
        steps = 0
        metrics: dict[str, float] = {}
        judged = ""
        if self._teaches:
            with stopwatch.phase("train"), seeded(self.seed, number, "fit"):
                steps = self._teach()
            with stopwatch.phase("test"):
                metrics, judged = self._judge.metrics(self.learner, self._known, number)
        held_out = len(self.data.validation) if self.data.validation else 0
        beforehand = 0 if number else held_out  # each bought once, at a label's price
        bought = int((answered.costs > 0).sum()) + beforehand
        with stopwatch.phase("growth") if self._growing.rule else nullcontext():
            grown = self._growing.told(answered)
        done = Round(
            number=number,
            labelled=len(self._known.pool.labelled) + len(self._known.judges) + held_out,
            queried=[*told.queried],
            labels=[*told.queried.values()],
            metrics=metrics,
            seconds=asked.spent,
            steps=steps,
            notes={**asked.notes, **self._settled(), **answered.notes},
            bought=bought,
            wrong=answered.take(~torch.isin(answered.rows, asked.judging)).wrong,
            declined=[*told.declined],
            expected=asked.expected,
            one_each=self._purse.one_each(asked.question, answered, beforehand),
            **self._purse.paid(answered, beforehand, bought),
            made=asked.made,
            looked=asked.looked,
            names=self._known.rows.named(torch.tensor([*told.queried], dtype=torch.long)),
            by=answered.by,
            given=dict(asked.given),
            amended=dict(told.amended),
            checked=[*told.checked],
            checked_labels=[*told.checked.values()],
            judged=judged,
            majority=0.0 if number else self._judge.majority,
            people={name: dict(facts) for name, facts in answered.people.items()},
            machine=sorted({*answered.rows[answered.by_machine].tolist(), *answered.revised}),
            growth=grown,
            beliefs=dict(told.beliefs),
            ruled_out=dict(told.ruled_out),
            later=sorted(answered.later - told.ruled_out.keys()),
            said={name: dict(labels) for name, labels in answered.said.items()},
            words={word: [*speaks] for word, speaks in told.words.items()},
        )
        return replace(done, stop=self._advice(done, stopwatch), seconds=asked.spent)

    @property
    def _teaches(self) -> bool:
        """Whether there is anything to learn; with people, once there are two classes."""
        classes = self._known.labelled.labels.unique()
        return len(classes) > int(self.data.labels_count)

    def _teach(self) -> int:
        """Train on all labelled rows; return the steps."""
        first = not self._taught
        lesson, words = self._known.lesson, self._known.words
        if words:
            lesson = with_words(lesson, words, self.model())
        return taught(self.learner, lesson, first=first, watch=self.sink.step)

    def _settled(self) -> dict[str, Any]:
        """The numbers that the learner chose by itself, as notes of a round."""
        chosen = self.learner.settled() if self._teaches else {}
        return {"learner": dict(chosen)} if chosen else {}

    def _take_up_learner(self, state: dict[str, Any]) -> None:
        """Restore the last round's learner; if rows or classes joined, teach a new one."""
        if state.get("grows", self._grown_to()) == self._grown_to():
            with seeded(self.seed, "resume"):  # it may draw before it has its own seed
                self.learner.load_state_dict(state["learner"])
        elif self._teaches:
            with seeded(self.seed, len(self.history) - 1, "fit"):
                self._teach()

    def _grown_to(self) -> list[Any]:
        """The numbers of rows and classes, both of which may grow where people label.

        A learner that knows fewer of either cannot go on.
        """
        return [len(self.data.train), *self.data.classes]

    def _advice(self, done: Round, stopwatch: Stopwatch) -> dict[str, Any]:
        """The advice of `stop` about the current model, by the view of the next query.

        If it does not end the run, having too little left to spend does, until a longer plan allows
        more.
        """
        if not self._teaches or (self._stop is None and self.plan.spend is None):
            return {}
        ahead, history = Stopwatch(), [*self.history, done]
        with stopwatch.phase("stop"), seeded(self.seed, done.number, "stop"):
            self._ahead = Ahead(self._view(done.number + 1, ahead), ahead)
            told = "" if self._stop is None else self._stop(history, self._ahead.view)
        advice = Advice(told) if isinstance(told, str) else told
        ends = self.plan.over(len(history)) or (advice.reason and not self._advises)
        if not ends and not self._fits(self._ahead.view, history):
            advice = Advice(NOTHING_FITS, advice.value, SPENT)
        return {name: value for name, value in advice._asdict().items() if value not in ("", None)}

    def _fits(self, view: View, history: Sequence[Round]) -> bool:
        """Whether a round may buy anything of a pool, if there is anything in it."""
        empty = not len(view.pool)
        return empty or self._purse.limits(view, history, self._known.timed) is not None

    def _query(self, number: int) -> Asked | None:
        """The next question; None if nothing is left."""
        ahead, self._ahead = self._ahead, None
        stopwatch = Stopwatch() if ahead is None else ahead.stopwatch
        given = self._given()
        if given:
            self._known = self._known.after(Told(given=given))
        # Seeded, for strategies that wrongly draw from the global streams.
        with stopwatch.running(), seeded(self.seed, number, "query"):
            if not self._taught:
                asked = self._first(number, stopwatch)
            else:
                with stopwatch.phase("score"):
                    asked = self._next(number, stopwatch, None if ahead is None else ahead.view)
        return None if asked is None else replace(asked, given=given)

    def _given(self) -> dict[int, int]:
        """The data's own labels that count and are new."""
        if not self.data.labels_count:
            return {}
        labels, left = self.data.train.labels, self._known.pool.unlabelled
        known = [row for row in left.tolist() if row < len(labels) and labels[row] != UNKNOWN]
        return {row: int(labels[row]) for row in known}

    def _first(self, number: int, stopwatch: Stopwatch) -> Asked | None:
        """The rows of the start; different ones if all were declined."""
        begin, known = self._beginning, self._known.pool
        judges = begin.judging(known) if number == 0 else torch.zeros(0, dtype=torch.long)
        pool = known.let_judge(judges)
        size = min(self._missing(number), len(pool.unlabelled))
        if not size and not self._teaches:
            self.stopped = NOTHING_LEFT
            return None

        def look(reads: Reads) -> View:
            # Untaught, from this experiment's seed, whatever its own learner has learnt.
            sight = self._sight(number, stopwatch, self.learner.fresh())
            return replace(sight, pool=pool).view(reads or ())

        self.sink.begin(number)
        with stopwatch.phase("score") if begin.chooser else nullcontext():
            first = begin.with_judges(begin.rows(pool, size, look), judges)
        return replace(self._asking(number, stopwatch, first, None), judging=judges)

    def _missing(self, number: int) -> int:
        """How many labels are missing before a model can choose."""
        missing = max(0, self.plan.start - len(self._known.pool.labelled))
        return missing or (0 if self._teaches else self.plan.batch(number))

    def _next(self, number: int, stopwatch: Stopwatch, ahead: View | None) -> Asked | None:
        """The rows of any later round, chosen with the model."""
        view = self._view(number, stopwatch) if ahead is None else ahead
        made = self._made(view, number, stopwatch)
        if made:
            view = self._view(number, stopwatch)
        rows = view.pool.rows
        over = self.plan.rounds is None and bool((rows >= len(self.data.train)).all())
        if over or not len(rows):
            self.stopped = NOTHING_LEFT
            return None
        limits = self._purse.limits(view, self.history, self._known.timed)
        if limits is None:
            self.stopped = NOTHING_FITS
            return None
        self.sink.begin(number)
        batch = self._growing.query(self.strategy, view, limits, made)
        return self._asking(number, stopwatch, batch, view, made)

    def _made(self, view: View, number: int, stopwatch: Stopwatch) -> int:
        """How many rows were made for a query and joined the pool."""

        def worth(made: Rows) -> Tensor:
            known = self._known.grown(self.learner.place(made))
            sight = self._sight(number, stopwatch, self.learner, known)
            strategy = deepcopy(self.strategy)  # it learns from rows that may never join
            tried = query(strategy, sight.view(strategy.reads or ()), 1)
            joined = torch.arange(len(self._known.pool), len(known.pool))
            return torch.tensor([*tried.scores_of(joined).values()])

        with stopwatch.phase("growth") if self._growing.rule else nullcontext():
            made = self._growing.make(view, self.history, worth)
        return 0 if made is None else self._grow(made)

    def _asking(
        self, number: int, stopwatch: Stopwatch, asked: Query, view: View | None, made: int = 0
    ) -> Asked:
        rows = self._known.rows
        question = Question(
            number,
            asked.rows,
            self.data.classes,
            shown=chosen(rows.shown, asked.rows),
            names=chosen(rows.names, asked.rows),
            keys=chosen(rows.keys, asked.rows),
            pool=rows.without_labels(),
            real=len(self.data.train),
            view=view,
            suggested=asked.suggested,
            possible=rows.possible(asked.rows),
            known=answers_of(self.history),
            said=said_in(self.history),
            evidence=self._known.words,
            **(self._second_looks(number - 1) if view else {}),
        )
        with stopwatch.paused():  # who watches may have the model look
            self.sink.asked(question, asked)
        expected = self._purse.expected(view, asked.rows, self.history)
        looked = 0 if self.plan.look is None or asked.looked is None else len(asked.looked)
        return Asked(question, stopwatch, asked.notes, made, looked=looked, expected=expected)

    def _second_looks(self, number: int) -> dict[str, Any]:
        """Lazy second looks at all labels known after this round."""
        second, known = self._judge.second, self._known
        return {
            "doubting": partial(second.doubts, self.learner, known, number),
            "expecting": partial(second.expected, self.learner, known, number),
        }

    def _view(self, number: int, stopwatch: Stopwatch) -> View:
        """The strategy's view in this round."""
        view = self._sight(number, stopwatch, self.learner).view(self.strategy.reads or ())
        return self._purse.seen(view, self._known.timed)

    def _sight(
        self, number: int, stopwatch: Stopwatch, learner: Learner, known: Knowledge | None = None
    ) -> Sight:
        known = known or self._known
        # A file's name may reveal its class; the text of a row is for the model to read.
        rows = replace(known.rows, shown=written_of(known.rows), names=None, keys=None)
        given = (self.seed, number, stopwatch, self.plan.look)
        return Sight(learner, self.data, rows, known.pool, *given)

    def _grow_again(self, state: dict[str, Any], count: int) -> None:
        found = sum(map(self._grow, self._growing.load_state_dict(state)))
        with fitting("rows that were made"):
            if found != count:
                raise ValueError(f"the rounds count {count}, and {found} exist")
            if found and state.get("grows", self._grown_to())[0] != len(self.data.train):
                raise ValueError("rows have joined the data since, which would take their numbers")

    def _grow(self, made: Rows) -> int:
        """Let rows join the pool; return how many."""
        self._known = self._known.grown(self.learner.place(made))
        return len(made)
