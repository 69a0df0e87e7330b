"""The state of a run, as shown on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autoal.model.fitstep import FitStep
from autoal.record.config import read_config
from autoal.record.layout import CONFIG, ROUNDS
from autoal.record.round import Round
from autoal.settings import Settings


@dataclass
class Standing:
    """The finished rounds, and the running training."""

    run: str  # its name
    folder: str  # as in the command
    strategy: str = ""
    rounds: int | None = None  # the number of the last one
    plan: int | None = None  # labels, by then
    history: list[Round] = field(default_factory=list)
    taught: str = ""  # when the model was trained, in UTC
    training: FitStep | None = None

    @classmethod
    def of(cls, folder: Path, history: Sequence[Round], judges: int = 0) -> Standing:
        """The standing of a run folder.

        Args:
            folder: of the run.
            history: the finished rounds.
            judges: extra labels, of rows that judge the model.
        """
        path = folder / CONFIG
        settings = read_config(path).settings if path.exists() else {}
        record = folder / ROUNDS
        at = record.stat().st_mtime if history and record.exists() else None
        return cls(
            folder.name,
            str(folder),
            strategy=settings.get("strategy", {}).get("name", ""),
            rounds=settings.get("rounds"),
            plan=_plan(settings, judges),
            history=[*history],
            taught="" if at is None else _time(datetime.fromtimestamp(at, UTC)),
        )

    def end(self, finished: Round) -> None:
        """Add a finished round."""
        self.history.append(finished)
        self.taught, self.training = _time(datetime.now(UTC)), None

    def told(self) -> dict[str, Any]:
        """The part that a page shows."""
        last = self.history[-1] if self.history else None
        step = self.training
        return {
            "run": self.run,
            "folder": self.folder,
            "strategy": self.strategy,
            "rounds": self.rounds,
            "plan": self.plan,
            "model": last and {"round": last.number, "at": self.taught, "labels": last.labelled},
            "training": step and {"step": step.step, "steps": step.steps},
            "curve": [point for done in self.history if (point := _point(done))],
            "judged": _judge(last),
            "checked": sum(len(done.checked) for done in self.history),
            "advice": _advice(last),
        }


def _plan(settings: Settings, judges: int) -> int | None:
    """The number of labels when all rounds are done."""
    budget, rounds = settings.get("budget"), settings.get("rounds")
    plan = settings.get("plan") or {}
    if budget is None or rounds is None or plan.get("spend") or plan.get("minutes"):
        return None
    later = sum(budget) if isinstance(budget, list) else budget * rounds
    return judges + int(settings["start"]["size"]) + int(later)


def _point(done: Round) -> dict[str, float] | None:
    """A point of the learning curve."""
    ends = {"accuracy": "accuracy", "low": "accuracy_low", "high": "accuracy_high"}
    found = {end: done.metrics[name] for end, name in ends.items() if name in done.metrics}
    return {"labels": done.labelled, **found} if "accuracy" in found else None


def _judge(last: Round | None) -> str:
    """The judge that measures the curve."""
    if last is None or "accuracy" not in last.metrics:
        return ""
    return last.judged or "test"


def _advice(last: Round | None) -> dict[str, Any] | None:
    """The advice to stop buying labels, if any."""
    if last is None or not last.stop.get("reason"):
        return None
    return {name: last.stop.get(name) for name in ("rule", "value", "reason")}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
