"""Sinks for the progress of an experiment."""

from __future__ import annotations

from types import TracebackType

from autoal.errors import Waiting
from autoal.model.fitstep import FitStep
from autoal.oracles.question import Question
from autoal.query.batch import Query
from autoal.record.round import Round


class Sink:
    """Receives events, in the order of the methods; this one ignores them."""

    def begin(self, number: int) -> None:
        """Round `number` begins."""

    def asked(self, question: Question, query: Query) -> None:
        """Rows were chosen, but not answered yet.

        Args:
            question: about them. Whoever keeps its view costs a copy of the model.
            query: that chose them, with the scores of the strategy.
        """

    def step(self, step: FitStep) -> None:
        """A step of the round's training was taken."""

    def end(self, finished: Round) -> None:
        """The round is done and safe on disk."""

    def done(self) -> None:
        """All rounds are done."""

    def failed(self, error: Exception) -> None:
        """An error ends the run before its time."""

    def close(self) -> None:
        """Nothing more follows, whatever the outcome."""


class Sinks(Sink):
    """Several sinks as one."""

    def __init__(self) -> None:
        self._sinks: list[Sink] = []

    def __enter__(self) -> Sinks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, Waiting):
            self.failed(error)  # an interruption is no failure
        self.close()

    def add(self, sink: Sink) -> None:
        """Add another sink."""
        self._sinks.append(sink)

    def begin(self, number: int) -> None:
        for sink in self._sinks:
            sink.begin(number)

    def asked(self, question: Question, query: Query) -> None:
        for sink in self._sinks:
            sink.asked(question, query)

    def step(self, step: FitStep) -> None:
        for sink in self._sinks:
            sink.step(step)

    def end(self, finished: Round) -> None:
        for sink in self._sinks:
            sink.end(finished)

    def done(self) -> None:
        for sink in self._sinks:
            sink.done()

    def failed(self, error: Exception) -> None:
        for sink in self._sinks:
            sink.failed(error)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()
