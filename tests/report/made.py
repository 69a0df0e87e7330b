"""Run folders as an experiment leaves them, made without one."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any

import yaml

from autoal.report.kept import SIGNATURE

SECONDS = {"train": 1.0, "test": 0.5, "features": 0.2, "score": 0.3, "total": 2.5}


def write_run(
    top: Path,
    name: str,
    accuracy: Sequence[float],
    *,
    strategy: str = "random",
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    rounds: int | None = None,
    start: Sequence[int] = (0, 1),
    weights: dict[str, float] | None = None,
    settled: Sequence[dict[str, float]] = (),
    seconds: dict[str, float] | None = None,
    stops: Sequence[dict[str, Any]] = (),
    judged: str = "",
    majority: float = 0.0,
    metrics: Mapping[str, Sequence[float]] | None = None,
    **config: Any,
) -> Path:
    """A folder with one round for each accuracy, two labels a round.

    Of other metrics than accuracy it has what `metrics` says.
    A rule said what `stops` has about the first rounds, and the learner chose what `settled` has.
    """
    path = top / name
    path.mkdir(parents=True)
    settings = {
        "start": {"name": "random", "size": 2},
        "budget": 2,
        "rounds": len(accuracy) - 1 if rounds is None else rounds,
        "seed": seed,
        "name": name,
        "out": str(top),
        "data": {"_target_": "autoal.datamodules.digits.Digits", "imbalance": "none"},
        "task": {"_target_": "autoal.model.task.Task", "warm_start": False},
        "strategy": {"name": strategy, **(options or {})},
        **config,
        "about": {"id": name, "versions": {"torch": "2", "machine": "here"}},
    }
    (path / "config.yaml").write_text(yaml.safe_dump(settings))
    lines: list[dict[str, Any]] = [
        {
            "round": number,
            "labelled": 2 * number + 2,
            "queried": list(start) if number == 0 else [2 * number, 2 * number + 1],
            "labels": [0, number % 3],
            "accuracy": float(value),
            "seconds": {**SECONDS, **(seconds or {})},
            "steps": 1,
            "notes": {"weights": weights} if weights and number else {},
            **({"judged": judged} if judged else {}),
            **({"majority": majority} if majority and not number else {}),
        }
        for number, value in enumerate(accuracy)
    ]
    for name, values in (metrics or {}).items():
        for line, value in zip(lines, values, strict=True):
            line[name] = value
    for line, stop in zip(lines, stops, strict=False):
        line["stop"] = stop
    for line, chosen in zip(lines, settled, strict=False):
        line["notes"]["learner"] = chosen
    (path / "rounds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def write_defects(top: Path) -> None:
    """Sound runs of two strategies, and one of each thing that may be wrong."""
    for seed in range(3):
        for strategy, gain in (("random", 0.0), ("margin", 0.1)):
            values = [0.5, 0.6 + gain, 0.7 + gain]
            write_run(top, f"{strategy}-{seed}", values, strategy=strategy, seed=seed)
    write_run(top, "copy", [0.5, 0.6, 0.7])
    write_run(top, "half", [0.5, 0.6], seed=4, rounds=2)
    diverged = write_run(top, "diverged", [0.5, 0.6], seed=6, rounds=2)
    (diverged / "error.txt").write_text("it diverged\n\nTraceback\n")
    (top / "refused").mkdir()
    (top / "refused" / "error.txt").write_text("too many\n  give fewer\n")
    (top / "margin-0" / "error.txt").write_text("a refusal of a finished run\n")
    write_run(top, "wider", [0.5, 0.6, 0.7], budget=5)
    write_run(top, "elsewhere", [0.4, 0.6, 0.7], strategy="entropy", start=(8, 9))
    write_run(top, "stranger", [0.3, 0.6, 0.7], strategy="badge")
    broken = write_run(top, "broken", [0.5], seed=5)
    (broken / "rounds.jsonl").write_text("{\n")
    weights = {"margin": 0.75, "random": 0.25}
    write_run(top, "autoal", [0.5, 0.7, 0.8], strategy="autoal", weights=weights)


def png(width: int, height: int, rest: bytes = b"") -> bytes:
    """As much of a picture as is looked at."""
    return SIGNATURE + b"\0\0\0\rIHDR" + pack(">II", width, height) + rest


TWO = (2 * 34 + 2, 34 + 2)  # pixels of two pictures of 32, side by side and framed


def keep_pictures(run: Path, *contents: bytes) -> None:
    """As the tracking keeps all that was queried in each round at a glance."""
    folder = run / "wandb" / "offline-run-1" / "files" / "media" / "images" / "media"
    folder.mkdir(parents=True)
    for number, content in enumerate(contents):
        (folder / f"queried_{9 + number}_{number}.png").write_bytes(content)


def keep_tables(
    run: Path, *contents: str, kind: str = "queried", begun: str = "offline-run-1"
) -> None:
    """As the tracking keeps texts at a glance, or rows one by one."""
    folder = run / "wandb" / begun / "files" / "media" / "table" / "media"
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        name = sha256(content.encode()).hexdigest()[:20]
        (folder / f"{kind}_{number}_{name}.table.json").write_text(content)
