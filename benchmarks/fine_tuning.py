"""The cost of Lightning when a transformer is fine-tuned: steps/s, beside those of a bare loop.

    python -m benchmarks.fine_tuning [--steps 20] [--repeat 5]

Both train the model that `task=bert` takes by default on the same batches of 16 rows, of 5 to 45
tokens, in turns, so that both see the machine in the same state. The bare loop is given batches
that are cut already. Without a GPU, seconds are those of the processor, which others do not add to.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from autoal.data.rows import Rows
from autoal.model.bert import Bert
from autoal.model.training import Training
from autoal.seeding import seeded
from benchmarks.report import keep, table

LENGTH, CLASSES = 128, 2
SHORTEST, LONGEST = 5, 45


def through_lightning(task: Bert, rows: Rows) -> float:
    """Seconds of a round's steps through `Training`, its new Trainer included."""
    return _timed(lambda: Training().fit(task, rows, lambda step: None))


def bare(task: Bert, rows: Rows) -> float:
    """Seconds of as many steps of a loop written by hand."""
    device = rows.inputs.device
    network = task.network.to(device).train()
    transformer = network.get_submodule("embed.transformer")
    batches = [_cut(rows, index) for index in torch.randperm(len(rows)).split(task.batch_size)]

    def loop() -> None:
        optimizer = torch.optim.AdamW(network.parameters(), task.learning_rate, weight_decay=0.01)
        for tokens, there, labels in batches:
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                hidden = transformer(tokens, attention_mask=there).last_hidden_state
                weights = there[:, :, None]
                pooled = (hidden * weights).sum(1) / weights.sum(1)
                loss = cross_entropy(network.head(network.dropout(pooled)), labels)
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

    return _timed(loop)


def _cut(rows: Rows, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The tokens of a batch in the form that transformers reads, on the device, and the labels."""
    ids = rows.inputs[index]
    ids = ids[:, : int((ids != 0).sum(1).max())]
    return (ids - 1).clamp(min=0).long(), (ids != 0).long(), rows.labels[index]


def _timed(act: Callable[[], object]) -> float:
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    start = clock()
    act()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - start


def _rows(count: int) -> Rows:
    """Tokens of random texts."""
    ids = torch.randint(1000, 30_000, (count, LENGTH), dtype=torch.int32)
    lengths = torch.randint(SHORTEST, LONGEST + 1, (count, 1))
    ids[torch.arange(LENGTH) >= lengths] = 0
    return Rows(ids, torch.randint(CLASSES, (count,)))


def main() -> None:
    """Measure both in turns and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    with seeded(0, "benchmark"):
        task = Bert((LENGTH,), CLASSES, nn.Identity(), steps=given.steps)
        rows = _rows(given.steps * task.batch_size)
        if torch.cuda.is_available():
            rows = Rows(rows.inputs.cuda(), rows.labels.cuda())
        ways = {"bare PyTorch loop": bare, "Task and Trainer": through_lightning}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.repeat + 1):
            for name, way in ways.items():
                with seeded(turn, "batches"):
                    seconds = way(task, rows)
                if turn:  # the first turn warms up
                    times[name].append(seconds)
    speeds = {name: given.steps / statistics.median(spent) for name, spent in times.items()}
    best = speeds["bare PyTorch loop"]
    lines = [
        [name, f"{speed:.2f}", f"{100 * speed / best:.1f} %", f"{min(spent):.2f}-{max(spent):.2f}"]
        for (name, speed), spent in zip(speeds.items(), times.values(), strict=True)
    ]
    size = f"{given.steps} steps of {task.batch_size} rows, {given.repeat} times each in turns"
    text = table(["fine-tuning MiniLM-L6", "steps/s", "of bare", "seconds"], lines)
    keep("fine_tuning", f"{text}\n\n{size}")


if __name__ == "__main__":
    main()
