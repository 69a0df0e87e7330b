"""Run folders that should go on although one of their files is damaged."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.program import ANSWERED, DONE, judged, program
from benchmarks.attack.setting import (
    QUIET,
    SMALL,
    Attack,
    Home,
    copied,
    damaged,
    pictures,
    rounds_in,
    same_as,
)

TIMES = 600
SETTINGS = ((*SMALL,), (*SMALL, "strategy=autoal", "strategy.rehearsals=2"))
FIRST, MORE = "rounds=1", "rounds=2"
DEEP = "[" * 100_000

Array = np.ndarray[Any, Any]
Change = Callable[[Array, Array], tuple[Array, Array]]
CHANGES: dict[str, Change] = {
    "the other way round": lambda images, labels: (images[::-1], labels[::-1]),
    "one less": lambda images, labels: (images[1:], labels[1:]),
    "one more": lambda images, labels: (
        np.concatenate([images[:1], images]),
        np.concatenate([labels[:1], labels]),
    ),
    "brighter": lambda images, labels: (images + 1, labels),
}


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Random damage to every file of a run, and lines written by hand."""
    finished = {setting: home.baseline(*setting, FIRST) for setting in SETTINGS}
    longer = {setting: home.baseline(*setting, MORE) for setting in SETTINGS}
    other = home.baseline(*SMALL, FIRST, "seed=9")
    for number in range(TIMES):
        setting = SETTINGS[number % 5 == 0]
        names = _files(finished[setting])
        name = home.draw.choice([*names, *(name for name in names if name.startswith("state/"))])
        seed = home.draw.random()
        yield (
            f"{number} {name}",
            partial(_damaged, setting, name, seed, finished[setting], longer[setting], other),
        )
    for what, line in _lines().items():
        yield (
            f"line: {what}",
            partial(_written, line, finished[SETTINGS[0]], longer[SETTINGS[0]]),
        )
    for what, change in CHANGES.items():
        yield f"data: {what}", partial(_other_data, change)


def _files(run: Path) -> list[str]:
    top = run / "runs" / "run"
    return sorted(
        str(path.relative_to(top))
        for path in top.rglob("*")
        if path.is_file() and path.name != ".lock"
    )


def _damaged(
    setting: tuple[str, ...],
    name: str,
    seed: float,
    finished: Path,
    longer: Path,
    other: Path,
    folder: Path,
) -> str:
    draw = random.Random(seed)
    copied(finished, folder)
    path = folder / "runs" / "run" / name
    kind = draw.choice(("damaged",) * 7 + ("gone", "another's", "a folder"))
    content = path.read_bytes()
    path.unlink()
    if kind == "damaged":
        path.write_bytes(damaged(content, draw))
    elif kind == "another's" and (other / "runs" / "run" / name).exists():
        shutil.copy(other / "runs" / "run" / name, path)
    elif kind == "a folder":
        path.mkdir()
    return _goes_on(setting, folder, longer, path, content)


def _written(line: str, finished: Path, longer: Path, folder: Path) -> str:
    copied(finished, folder)
    path = folder / "runs" / "run" / "rounds.jsonl"
    content = path.read_bytes()
    first = content.decode().splitlines()[0]
    path.write_bytes(f"{first}\n{line}\n".encode("utf-8", "surrogateescape"))
    return _goes_on(SETTINGS[0], folder, longer, path, content)


def _goes_on(
    setting: tuple[str, ...], folder: Path, longer: Path, path: Path, content: bytes
) -> str:
    """Refused, or gone on to the rounds of an undisturbed run; the report names it in any case."""
    reported = judged(program(folder, ["runs"], module="autoal.report.__main__"))
    if reported != DONE:
        return f"report: {reported}"
    command = [*setting, MORE, *QUIET]
    end = same_as(program(folder, command), folder, longer)
    if end != ANSWERED:
        return end
    # Finished rounds are not lost: with the file restored, the run goes on.
    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)
    again = same_as(program(folder, command), folder, longer)
    if again != DONE or len(rounds_in(folder)) != len(rounds_in(longer)):
        return f"lost: put right, it does not go on: {again}"
    return end


def _other_data(change: Change, folder: Path) -> str:
    """The rows of a run have changed by the time it goes on."""
    images, labels = pictures()
    np.savez(folder / "x.npz", train_images=images, train_labels=labels)
    command = [*SMALL, "data=npz", "data.path=x.npz", *QUIET]
    begun = judged(program(folder, [*command, FIRST]))
    if begun != DONE:
        return f"the attack itself failed: {begun}"
    others, their_labels = change(images, labels)
    np.savez(folder / "x.npz", train_images=others, train_labels=their_labels)
    for module, arguments in (
        ("autoal.command", [*command, MORE]),
        ("autoal.labels", ["runs/run", "--format", "csv"]),
    ):
        end = judged(program(folder, arguments, module=module))
        if end != ANSWERED:
            return f"{module}: {end}, with data that have changed"
    return ANSWERED


def _lines() -> dict[str, str]:
    """Variants of the second line of rounds.jsonl."""
    good = (
        '"round": 1, "labelled": 16, "queried": {rows}, "labels": {labels}, "bought": 4, '
        '"wrong": 0, "accuracy": {accuracy}, "balanced_accuracy": 0.5, "macro_f1": 0.5, '
        '"nll": 1.5, "ece": 0.1, "seconds": {seconds}, "steps": 6, "notes": {notes}'
    )
    usual = {
        "rows": "[1, 2, 3, 4]",
        "labels": "[0, 1, 2, 3]",
        "accuracy": "0.5",
        "seconds": '{"total": 1.0}',
        "notes": "{}",
    }
    changed: dict[str, dict[str, str]] = {
        "rows out of range": {"rows": "[1, 2, 3, 999999]"},
        "rows twice": {"rows": "[1, 2, 3, 3]"},
        "negative rows": {"rows": "[1, 2, 3, -4]"},
        "rows of text": {"rows": '["1", "2", "3", "4"]'},
        "rows of floats": {"rows": "[1.5, 2.5, 3.5, 4.5]"},
        "rows of booleans": {"rows": "[true, false, true, false]"},
        "rows no list": {"rows": "4"},
        "huge rows": {"rows": f"[1, 2, 3, {10**30}]"},
        "labels beyond the classes": {"labels": "[0, 1, 2, 99]"},
        "negative labels": {"labels": "[0, 1, 2, -1]"},
        "too few labels": {"labels": "[0]"},
        "labels of text": {"labels": '["a", "b", "c", "d"]'},
        "accuracy of text": {"accuracy": '"high"'},
        "accuracy NaN": {"accuracy": "NaN"},
        "accuracy infinite": {"accuracy": "Infinity"},
        "accuracy null": {"accuracy": "null"},
        "seconds a number": {"seconds": "3"},
        "seconds of text": {"seconds": '{"total": "long"}'},
        "notes a list": {"notes": "[]"},
        "deep notes": {"notes": DEEP},
    }
    lines = {
        what: "{" + _filled(good, {**usual, **change}) + "}" for what, change in changed.items()
    }
    return {
        **lines,
        "no metrics": '{"round": 1, "labelled": 16, "queried": [1], "labels": [0], "seconds": {}, '
        '"steps": 6}',
        "the third round": "{" + _filled(good, usual).replace('"round": 1', '"round": 2') + "}",
        "a list": "[]",
        "a number": "1",
        "null": "null",
        "nothing": "{}",
        "deep": DEEP,
        "half": "{" + _filled(good, usual)[:50],
        "no text": "\udcff\udcfe\udc80",
        "blank": "",
    }


def _filled(pattern: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        pattern = pattern.replace("{" + name + "}", value)
    return pattern
