"""Attack the program, and count its good and bad answers.

    python -m benchmarks.attack                        # all kinds; some 1,400 attempts
    python -m benchmarks.attack states kills --seed 1  # other damage, of two kinds
    python -m benchmarks.attack --share 0.05           # a small part of each

Every attempt runs the program itself in a process and a folder of its own. It is answered well by
one message and exit code 2, or by a run that is what it would have been without the attack; all
else is a fault: a traceback, a run that hangs, a silent wrong result, a round that is lost.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

os.environ["OMP_NUM_THREADS"] = "1"  # sums depend on it, and attempts share the processors

from benchmarks.attack import archives, folders, kills, plugins, requests, states, tables
from benchmarks.attack.program import ANSWERED, DONE, load
from benchmarks.attack.setting import Attack, Home

KINDS = {
    "archives": archives.attacks,
    "tables": tables.attacks,
    "folders": folders.attacks,
    "requests": requests.attacks,
    "plugins": plugins.attacks,
    "states": states.attacks,
    "kills": kills.attacks,
}
RESULTS = Path(__file__).resolve().parents[1] / "results" / "attack.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Attack; return how many attempts ended in a fault, 100 at most."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.attack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kinds", nargs="*", metavar="kind", help=f"of {', '.join(KINDS)}; all")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--share", type=float, default=1.0, help="of the attempts of each kind")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help=f"the table to {RESULTS.name}")
    given = parser.parse_args(argv)
    if unknown := {*given.kinds} - {*KINDS}:
        parser.error(f"no kind of attack: {', '.join(unknown)}")
    load()
    tables_of = {
        kind: attack(kind, given.seed, given.share, given.processes)
        for kind in given.kinds or KINDS
    }
    text = report(tables_of, f"--seed {given.seed} --share {given.share:g}")
    print(text)
    if given.write:
        RESULTS.write_text(text)
    faults = sum(len(faults_of(ends)) for ends in tables_of.values())
    return min(faults, 100)


def attack(kind: str, seed: int, share: float, processes: int) -> dict[str, str]:
    """How each attempt of a kind ended."""
    begin = time.monotonic()
    top = Path(mkdtemp(prefix=f"autoal-attack-{kind}-"))
    try:
        home = Home(top, random.Random(f"{kind} {seed}"))
        attempts = list(KINDS[kind](home))
        keep = max(1, round(share * len(attempts)))
        chosen = sorted(home.draw.sample(range(len(attempts)), keep))
        some = [attempts[place] for place in chosen]
        ends = _shared(some, top, processes)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    seconds = time.monotonic() - begin
    print(f"{kind}: {len(ends)} tried, {len(faults_of(ends))} faults, {seconds:.0f} s", flush=True)
    return ends


def _shared(attempts: list[tuple[str, Attack]], top: Path, processes: int) -> dict[str, str]:
    """The attempts, dealt evenly to forks of this process, which has done all imports."""
    workers = []
    for number in range(processes):
        worker = os.fork()
        if not worker:
            try:
                _work(attempts, number, processes, top)
            finally:
                os._exit(0)
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)
    ends: dict[str, str] = dict.fromkeys((name for name, _ in attempts), "the attack itself failed")
    for number in range(processes):
        ends |= json.loads((top / f"ends-{number}.json").read_text())
    return ends


def _work(attempts: list[tuple[str, Attack]], number: int, processes: int, top: Path) -> None:
    ends: dict[str, str] = {}
    for place in range(number, len(attempts), processes):
        name, act = attempts[place]
        folder = top / f"attempt-{place}"
        folder.mkdir()
        try:
            ends[name] = act(folder)
        except Exception as error:
            ends[name] = f"the attack itself failed: {error!r}"
        if ends[name] not in (ANSWERED, DONE):
            print(f"  {name}: {ends[name]}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    (top / f"ends-{number}.json").write_text(json.dumps(ends))


def faults_of(ends: dict[str, str]) -> dict[str, str]:
    """The attempts that were not answered well."""
    return {name: end for name, end in ends.items() if end not in (ANSWERED, DONE)}


def report(ends: dict[str, dict[str, str]], options: str) -> str:
    """The counts in a table, and every fault."""
    lines = [
        "# The program attacked",
        "",
        f"`python -m benchmarks.attack {options}`. Answered: one message, exit code 2 (a "
        "plugin's own failure: by its name, exit code 1). Gone on: finished as if nothing had "
        "happened.",
        "",
        "| attacked | tried | answered | gone on | faults |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, found in ends.items():
        counts = Counter(found.values())
        row = (kind, len(found), counts[ANSWERED], counts[DONE], len(faults_of(found)))
        lines.append(f"| {' | '.join(map(str, row))} |")
    faults = [
        f"- {kind}, {name}: {fault}"
        for kind, found in ends.items()
        for name, fault in faults_of(found).items()
    ]
    return "\n".join([*lines, "", *(faults or ["No faults."]), ""])


if __name__ == "__main__":
    sys.exit(main())
