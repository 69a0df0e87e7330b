"""Progress that a person can follow."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from multiprocessing import parent_process
from time import monotonic

from rich.console import Console
from rich.progress import Progress, TaskID

from autoal.model.fitstep import FitStep
from autoal.progress import Advance, Clock, Pace, bars, bars_on, brief, lines
from autoal.record.round import CHECK, CROSS_VALIDATION, Round
from autoal.record.sink import Sink
from autoal.record.sweep import Sweep


class Terminal(Sink):
    """One live display on a terminal; one plain line a round where the output is piped.

    There, what takes long within a round has lines of its own, half a minute apart. The display of
    a sweep shows how many runs are done, and does not list their rounds, which would bury them.

    Args:
        console: where to.
        name: of the run, since several may share a terminal.
        rounds: the number of the last round; None where there is no end.
        history: the rounds that were done before.
        sweep: that the run is one of.
        clock: seconds from any beginning.
    """

    def __init__(
        self,
        console: Console,
        name: str,
        rounds: int | None,
        history: Sequence[Round] = (),
        sweep: Sweep | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self.console = console
        self.name = name
        self.rounds = rounds
        self.sweep = sweep
        self.clock = clock
        self._doing = name
        self._pace: Pace | None = None  # of the training
        self._live: Progress | None = None
        self._advised = bool(history) and advises(history[-1])
        self._listed = not (sweep and console.is_terminal)
        if console.is_terminal and parent_process() is None:  # several displays would mix
            self._open_display(history)

    def begin(self, number: int) -> None:
        self._doing, self._pace = f"{self.name}  {self._place(number)}", None
        if self._live:
            self._live.reset(self._fit, description=self._place(number))

    def step(self, step: FitStep) -> None:
        if self._live:
            state = f"epoch {step.epoch}, loss {step.loss:.3f}"
            self._live.update(self._fit, completed=step.step, total=step.steps, state=state)
            return
        if self._pace is None:
            what = f"{self._doing}, training"
            self._pace = Pace(what, step.steps, "steps", self._print, self.clock)
        self._pace.reach(step.step)

    def work(self, what: str, count: int, unit: str) -> AbstractContextManager[Advance]:
        """A display of long work within a round."""
        if self._live:
            return bars(self._live, self.clock)(what, count, unit)
        return lines(self._print, self.clock)(f"{self._doing}, {what}", count, unit)

    def end(self, finished: Round) -> None:
        seconds = f"{finished.seconds['total']:.1f} s"
        told = f"{self._place(finished.number)}  {summary(finished)}  {seconds}"
        if self._live:
            self._live.update(self._all, advance=1, state="" if self._listed else summary(finished))
        if self._listed:  # above the display, where it stays
            self._print(told if self._live else f"{self.name}  {told}")
        if advises(finished) and not self._advised:  # only once, not after every round
            rule = finished.stop.get("rule", "a rule")
            self._print(f"{self.name}  {rule} advises to stop: {finished.stop['reason']}")
        self._advised = advises(finished)

    def close(self) -> None:
        if self._live:
            self._live.stop()

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)  # one line, however long

    def _place(self, number: int) -> str:
        return f"round {number}" if self.rounds is None else f"round {number} of {self.rounds}"

    def _open_display(self, history: Sequence[Round]) -> None:
        self._live = bars_on(self.console)
        if self.sweep and self.sweep.path.exists():  # it goes with the command that began it
            done, total = len(self.sweep.done()), self.sweep.total
            left = self.sweep.left()
            state = "runs done" if left is None else f"runs done, about {brief(left)} left"
            self._live.add_task("sweep", total=total, completed=done, state=state)
        state = summary(history[-1]) if history else ""
        self._all: TaskID = self._live.add_task(
            self.name,
            total=None if self.rounds is None else self.rounds + 1,
            completed=len(history),
            state=state,
        )
        self._fit: TaskID = self._live.add_task("", total=1, state="")
        self._live.start()


def advises(finished: Round) -> bool:
    """Whether a rule gave a reason after this round to buy no more labels."""
    return "reason" in finished.stop


def summary(finished: Round) -> str:
    """The outcome of a round, in one line."""
    shown = f"labelled {finished.labelled}"
    if "accuracy" in finished.metrics:
        shown += f"  accuracy {finished.metrics['accuracy']:.4f}{_judged(finished)}"
    elif finished.queried and not finished.steps:
        shown += "  nothing is learnt yet: one class so far"
    shown += f"  {finished.taken:.0f} s of people" if finished.taken is not None else ""
    shown += f"  cost {finished.cost:.4g}" if finished.cost is not None else ""
    told = [_given(finished)] if finished.unasked else []
    if finished.wrong or (finished.unasked and finished.wrong is not None):
        told.append(f"{finished.wrong} wrong")
    if finished.ruled_out:
        told.append(f"classes of {len(finished.ruled_out)} rows ruled out")
    if finished.words:
        speaking = sum(map(any, finished.words.values()))
        told.append(f"{len(finished.words)} words, {speaking} of a class")
    told += _reliable(finished)
    return f"{shown}  {', '.join(told)}" if told else shown


def _given(finished: Round) -> str:
    """How many labels came from each source, unless a person gave all of them."""
    if not finished.machine:
        return f"{len(finished.queried) - (finished.bought or 0)} labels given unasked"
    counts = Counter(finished.sources.values())
    told = ", ".join(f"{count} by {source}" for source, count in counts.most_common())
    revised = sum(row in finished.amended for row in finished.machine)
    return told + (f", {revised} given anew" if revised else "")


def _reliable(finished: Round) -> list[str]:
    """How often each of several people agrees with the consensus."""
    shares = {name: facts.get("reliability") for name, facts in finished.persons.items()}
    return [f"{name} {share:.0%}" for name, share in shares.items() if share is not None]


def _judged(finished: Round) -> str:
    """The source of an accuracy, if it is not a test set."""
    if finished.judged == CHECK:
        low, high = (finished.metrics[f"accuracy_{end}"] for end in ("low", "high"))
        return f" ({low:.2f} to {high:.2f} by check rows)"
    return " (by cross-validation, biased)" if finished.judged == CROSS_VALIDATION else ""
