"""The common parts of attempts: their folders and random draws, and the result of a sound run."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.program import DONE, Ended, judged, program

Attack = Callable[[Path], str]  # tries something in an empty folder, and returns how it ended

QUIET = ("logger=none", "out=runs", "name=run")
SMALL = ("start=12", "budget=4", "task=mlp", "task.steps=6", "strategy=margin")


@dataclass
class Home:
    """Shared by all attempts of a kind."""

    top: Path
    draw: random.Random
    _baselines: dict[tuple[str, ...], Path] = field(default_factory=dict)

    def baseline(self, *arguments: str) -> Path:
        """The folder that an undisturbed run of these arguments worked in."""
        if arguments not in self._baselines:
            folder = self.top / f"baseline-{len(self._baselines)}"
            folder.mkdir()
            ended = program(folder, [*arguments, *QUIET])
            if judged(ended) != DONE:
                raise RuntimeError(f"the undisturbed run failed: {ended.err}")
            self._baselines[arguments] = folder
        return self._baselines[arguments]


def rounds_in(folder: Path, name: str = "run") -> list[dict[str, Any]]:
    """The rounds of a run, without their seconds."""
    path = folder / "runs" / name / "rounds.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rounds = [json.loads(line) for line in lines]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in rounds]


def same_as(ended: Ended, folder: Path, baseline: Path) -> str:
    """Answered well, or gone on to the same rounds as an undisturbed run."""
    end = judged(ended)
    if end == DONE and rounds_in(folder) != rounds_in(baseline):
        return "silent: the rounds are not those of an undisturbed run"
    return end


def copied(baseline: Path, folder: Path) -> None:
    """A copy of an undisturbed run, in the attempt's own folder."""
    shutil.copytree(baseline, folder, dirs_exist_ok=True)


def pictures(count: int = 90, classes: int = 3, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Small grey pictures, classified by the brightness of their left half, and their classes."""
    stream = np.random.default_rng(0)
    labels = np.arange(count) % classes
    images = stream.integers(0, 80, (count, size, size), dtype=np.uint8)
    images[:, :, : size // 2] += (labels * (160 // classes)).astype(np.uint8)[:, None, None]
    return images, labels


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with damage of the kind that a disk or a person may do."""
    kind = draw.choice(("cut", "flip", "flips", "hole", "twice", "zeros", "garbage", "empty"))
    if kind == "empty" or len(content) < 4:
        return b""
    place = draw.randrange(len(content))
    if kind == "cut":
        return content[:place]
    if kind == "hole":
        return content[:place] + content[place + draw.randint(1, 64) :]
    if kind == "twice":
        return content[:place] + content[max(0, place - draw.randint(1, 64)) :]
    if kind == "zeros":
        return content[:place] + bytes(64) + content[place + 64 :]
    if kind == "garbage":
        return draw.randbytes(draw.randint(1, 2000))
    changed = bytearray(content)
    for _ in range(1 if kind == "flip" else draw.randint(2, 20)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)
