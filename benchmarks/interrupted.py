"""Runs that ask a language model, killed at random moments: is anything lost, or paid for twice?

    AUTOAL_DATA=FOLDER python -m benchmarks.interrupted [--kills 30] [--seed 0]

The folder has sst2_train.tsv and sst2_dev.tsv. In half of the runs SmolLM2-135M, served by
xllamacpp, labels what is queried; in the other half it makes the rows. Each run is killed once, by
SIGKILL, at a moment drawn over the length of an undisturbed run, and started again by the same
command. Its record must be that of an undisturbed run that finds the same answers, as a server
draws otherwise each time; and the server counts what it was asked.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import keep, table
from tests.language.door import Door, Reply, opened
from tests.language.served import serving

PARALLEL = 2  # concurrent calls
ROWS = ("start=8", "budget=6", "rounds=3", "data.share=0.001", "task=logistic", "strategy=margin")
KINDS = {
    "labelled": (*ROWS, "oracle=language", "oracle.noun=Review", "oracle.question=Sentiment"),
    "made": (*ROWS, "growth=language", "growth.title=Movie review snippets"),
}
# Fields that differ between two identical runs: times, and what earlier calls had cached.
FLEETING = ("seconds", "cached", "calls", "cost", "tokens_in", "tokens_out")


@dataclass(frozen=True)
class Ended:
    """The outcome of a run."""

    record: list[dict[str, Any]]
    seconds: float
    asked: int  # calls that the server answered
    twice: int  # of these, calls it had answered before
    same: bool = False  # equal to an undisturbed run that finds the same answers


def main() -> None:
    """Kill, resume, compare, and keep the counts."""
    parser = argparse.ArgumentParser(description="Runs that ask a language model, killed.")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given, data = parser.parse_args(), Path(os.environ["AUTOAL_DATA"]).resolve()
    draw = random.Random(given.seed)
    with TemporaryDirectory() as top, forwarding() as door:
        annotator = _annotator(Path(top), data)
        commands = {
            "labelled": [*KINDS["labelled"], *_setting(data, door)],
            "made": [*KINDS["made"], *_setting(data, door), f"growth.annotator={annotator}"],
        }
        whole = {
            kind: run(door, command, Path(top, kind), None) for kind, command in commands.items()
        }
        killed: dict[str, list[Ended]] = {kind: [] for kind in commands}
        for number in range(given.kills):
            kind = [*commands][number % len(commands)]
            moment = draw.uniform(0.5, whole[kind].seconds)
            folder = Path(top, f"{kind}-{number}")
            done = run(door, commands[kind], folder, moment)
            again = run(door, commands[kind], Path(top, f"{folder.name}-again"), None, folder)
            killed[kind].append(replace(done, same=done.record == again.record))
            print(f"{number + 1} of {given.kills}", end="\r", flush=True)
    rows = [_line(kind, whole[kind], killed[kind]) for kind in commands]
    head = ["runs", "killed", "same record", "calls, undisturbed", "most", "answered twice, most"]
    keep("interrupted", f"{PARALLEL} calls at a time.\n\n{table(head, rows)}")


def run(
    door: Door,
    command: Sequence[str],
    folder: Path,
    moment: float | None,
    answers: Path | None = None,
) -> Ended:
    """A run in a folder of its own, killed after so many seconds, if at all, and then finished.

    Args:
        door: to the server.
        command: of the run.
        folder: which is made.
        moment: seconds after which it is killed; None: it is not.
        answers: the folder of a run whose answers it finds; None: it finds none.
    """
    folder.mkdir()
    if answers is not None:
        (folder / "cache").symlink_to(answers / "cache")
    before, begun = len(door.bodies), time.monotonic()
    if moment is not None:
        _program(folder, command, moment)
    _program(folder, command, None)
    asked = [json.dumps(body, sort_keys=True) for body in door.bodies[before:]]
    lines = (folder / "runs/run/rounds.jsonl").read_text().splitlines()
    record = [_lasting(json.loads(line)) for line in lines]
    seconds = time.monotonic() - begun
    return Ended(record, seconds, len(asked), len(asked) - len({*asked}))


@contextmanager
def forwarding() -> Iterator[Door]:
    """A proxy that counts the requests before they reach the real server."""
    with serving() as url, opened() as door:

        def says(body: dict[str, Any]) -> Reply:
            path = "completions" if "prompt" in body else "chat/completions"
            request = urllib.request.Request(
                f"{url}/{path}",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                return Reply(answer.read().decode())

        door.says = says
        yield door


def _setting(data: Path, door: Door) -> list[str]:
    return [
        *_data(data),
        *("logger=none", "name=run", f"language.url={door.url}", "language.model=parrot"),
        f"language.parallel={PARALLEL}",
    ]


def _data(data: Path) -> list[str]:
    paths = (f"data.path={data}/sst2_train.tsv", f"data.test_path={data}/sst2_dev.tsv")
    return ["data=sst2", *paths, "encoder=sentence"]


def _annotator(top: Path, data: Path) -> Path:
    """The folder of a model that labels made rows."""
    top.joinpath("annotator").mkdir()
    options = ("task=logistic", "strategy=random", "start=500", "rounds=0", "data.share=0.01")
    _program(top / "annotator", [*_data(data), *options, "logger=none", "name=run"], None)
    return top / "annotator/runs/run/model"


def _program(folder: Path, command: Sequence[str], moment: float | None) -> None:
    """The program in a process of its own, killed after this many seconds, or run to its end."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "autoal", *command]
    log = (folder / "log").open("a")
    process = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        code = process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return
    if code:
        raise RuntimeError((folder / "log").read_text()[-2000:])


def _lasting(value: Any) -> Any:
    """A record without the fields that differ between two identical runs."""
    if isinstance(value, dict):
        return {name: _lasting(part) for name, part in value.items() if name not in FLEETING}
    return [_lasting(part) for part in value] if isinstance(value, list) else value


def _line(kind: str, whole: Ended, killed: Sequence[Ended]) -> list[str]:
    same = sum(each.same for each in killed)
    asked, twice = max(each.asked for each in killed), max(each.twice for each in killed)
    return [kind, *map(str, (len(killed), same, whole.asked, asked, twice))]


if __name__ == "__main__":
    main()
