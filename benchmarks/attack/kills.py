"""Runs killed at any moment, again and again, and started by the same command."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.attack.program import DONE, judged, program
from benchmarks.attack.setting import QUIET, SMALL, Attack, Home, rounds_in

SETTINGS = {
    "network": (*SMALL, "rounds=3"),
    "search": (*SMALL, "strategy=autoal", "rounds=2"),
    "frozen": ("task=frozen", "task.steps=6", "start=12", "budget=4", "strategy=badge", "rounds=2"),
    "grown": (*SMALL, "task.warm_start=true", "strategy=tod", "rounds=3"),
}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KILLS = 120
TRACKED = 6  # runs that W&B tracks as well
SWEEPS = 6
# A run may leave these; anything else is litter of a kill.
LEFT = {
    *("config.yaml", "rounds.jsonl", "memory.json", "state", "model", ".lock", "wandb"),
    *("learning_curve.svg", "weights.svg", "learner.svg"),
}


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Each is killed up to three times, at moments drawn over the length of an undisturbed run."""
    lengths = {}
    for name, setting in SETTINGS.items():
        begin = time.monotonic()
        home.baseline(*setting)
        lengths[name] = time.monotonic() - begin
    for number in range(KILLS):
        name = home.draw.choice(list(SETTINGS))
        blows = [
            (home.draw.uniform(0.02, lengths[name]), home.draw.choice(SIGNALS))
            for _ in range(home.draw.randint(1, 3))
        ]
        baseline = home.baseline(*SETTINGS[name])
        tracked = number < TRACKED
        yield f"{number} {name}", partial(_killed, SETTINGS[name], blows, baseline, tracked)
    for number in range(SWEEPS):
        moment = home.draw.uniform(1, 8)
        yield f"sweep {number}", partial(_sweep, moment, home.draw.choice(SIGNALS))


def _killed(
    setting: tuple[str, ...],
    blows: Sequence[tuple[float, int]],
    baseline: Path,
    tracked: bool,
    folder: Path,
) -> str:
    command = [*setting, *QUIET]
    if tracked:
        command = [word.replace("logger=none", "logger.mode=offline") for word in command]
    done = 0
    for blow in blows:
        program(folder, command, kill=blow)
        found = len(rounds_in(folder))
        if found < done:
            return f"lost: {done} rounds were {found}"
        done = found
    end = judged(program(folder, command))
    if end != DONE:
        return f"not gone on: {end}"
    if rounds_in(folder) != rounds_in(baseline):
        return "silent: the rounds are not those of an undisturbed run"
    litter = {path.name for path in (folder / "runs" / "run").iterdir()} - LEFT
    states = {path.name for path in (folder / "runs" / "run" / "state").iterdir()} - {"tracked"}
    wanted = {path.name for path in (baseline / "runs" / "run" / "state").iterdir()}
    if litter or states != wanted:
        return f"litter: {litter | states}"
    return DONE


def _sweep(moment: float, number: int, folder: Path) -> str:
    """Four runs, two at a time; one of them is impossible, and the sweep is killed in between."""
    command = [
        *("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "logger=none", "out=runs"),
        *("task=linear", "task.steps=4", "start=12", "budget=4", "rounds=2"),
        *("strategy=margin,random", "seed=0,1", "name=${strategy.name}-${seed}"),
    ]
    program(folder, command, kill=(moment, number))
    before = {name: len(rounds_in(folder, name)) for name in _names()}
    end = judged(program(folder, command))
    after = {name: len(rounds_in(folder, name)) for name in _names()}
    if end != DONE:
        return end
    if any(after[name] < max(3, before[name]) for name in after):
        return f"lost: {before} were {after}"
    return DONE


def _names() -> list[str]:
    return [f"{strategy}-{seed}" for strategy in ("margin", "random") for seed in (0, 1)]
