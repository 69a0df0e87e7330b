"""Everything to measure on a GPU, in one command of some nine minutes.

    python -m benchmarks.gpu                  # on the card: writes results/gpu.md
    python -m benchmarks.gpu --small          # a try in small sizes, on a CPU too

Pictures of CIFAR-10's shape are made; AUTOAL_DATA=FOLDER with cifar10_10k.npz gives real ones. It
trains ResNet-18 in three ways beside a bare loop, measures rounds of the published shape at 1,000
to 20,000 labels and draws them out to the whole protocol (`experiment=paper_cifar10`), kills a run
and goes on, and lets every installed strategy score and AutoAL search by every road. Each line is
kept at once, so a command that is stopped keeps what it measured. Parts that fail are lines; what
there is no time for is left out, and said.
"""

import argparse
import time
import warnings
from collections.abc import Iterator

import torch

from benchmarks.gpu import going_on, protocol, scoring, speed
from benchmarks.gpu.scoring import guarded
from benchmarks.gpu.setting import SMALL, WHOLE, Line, Setting
from benchmarks.report import table, write

MINUTES = 9
HEAD = ["part", "what", "found", "seconds", "peak MiB"]


def lines(setting: Setting, until: float) -> Iterator[Line]:
    """All parts; the published search, which takes many minutes, comes last."""
    yield from guarded("images a second", lambda: speed.lines(setting))
    yield from guarded("rounds", lambda: protocol.lines(setting))
    yield from guarded("again", lambda: going_on.lines(setting))
    yield from guarded("scores", lambda: scoring.lines(setting, until))
    if time.monotonic() < until:
        yield from guarded("rounds", lambda: protocol.published(setting))


def row(line: Line) -> list[str]:
    """A line in the table's form."""
    seconds = "" if line.seconds is None else f"{line.seconds:.2f}"
    return [*line[:3], seconds, "" if line.memory is None else f"{line.memory:.0f}"]


def main() -> None:
    """Measure, and print each line at once, and of a GPU keep it."""
    parser = argparse.ArgumentParser(description="All that a card is to show.")
    parser.add_argument("--small", action="store_true", help="small sizes, for a try")
    parser.add_argument("--device", default=None, help="cpu or gpu; what there is by itself")
    given = parser.parse_args()
    device = given.device or ("gpu" if torch.cuda.is_available() else "cpu")
    warnings.filterwarnings("ignore")
    if device == "cpu" and hasattr(torch.compiler, "set_stance"):
        torch.compiler.set_stance("force_eager")  # a CPU would compile for minutes
    begun, rows = time.monotonic(), []
    setting = Setting.of(device, SMALL if given.small else WHOLE)
    for line in lines(setting, begun + 60 * MINUTES):
        rows.append(row(line))
        print(" | ".join(rows[-1]), flush=True)
        if device != "cpu" and not given.small:
            seconds = f"{time.monotonic() - begun:.0f} s, {setting.size}"
            text = f"{torch.cuda.get_device_name()}, {seconds}\n\n{table(HEAD, rows)}"
            write("gpu", text)


if __name__ == "__main__":
    main()
