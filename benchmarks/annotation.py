"""How well a small language model labels, what its confidence is worth, and what others learn.

    AUTOAL_DATA=FOLDER python -m benchmarks.annotation [--seeds 3] [--rows 400]

The folder has sst2_train.tsv and sst2_dev.tsv. A seed draws rows out of the former: 20 that people
have labelled, of which the prompts' examples are, and those that SmolLM2-135M, served by
xllamacpp, labels as `oracle=language` has it do. Then the rows of which it is least sure go to
people, who are right. A logistic regression that tunes itself learns each of these sets of labels,
and the 20 beside them, on embeddings of MiniLM; the latter file judges it.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from autoal.datamodules.glue import Sst2
from torch import Tensor

from autoal import Answers, Data, Encoded, Trained, Training
from autoal.data.rows import chosen
from autoal.encoders.sentence import Sentence
from autoal.language.classes import classifier
from autoal.language.client import Client
from autoal.model.fitstep import unwatched
from autoal.model.learner import taught, tested
from autoal.model.logistic import Logistic
from autoal.oracles.annotator import asked_of
from autoal.oracles.examples import examples_among
from autoal.report.measures import Spread
from autoal.seeding import generator, seeded
from benchmarks.report import keep, table
from tests.language.served import MODEL, serving

START, SHOTS = 20, 8
SHARE = 0.01  # rows of SST-2 that a seed draws
SURE = (0.5, 0.6, 0.7, 0.8, 0.9)
ROUTED = (0.0, 0.1, 0.25, 0.5, 1.0)  # shares of the model's labels that go to people


class Labelled(NamedTuple):
    """The model's view of the rows of a pool."""

    data: Data  # embeddings by MiniLM
    start: Tensor  # the rows that people have labelled
    rows: Tensor  # the rows that it labelled
    probs: Tensor  # (rows, classes)

    @property
    def truth(self) -> Tensor:
        return self.data.train.labels[self.rows]

    @property
    def right(self) -> Tensor:
        return self.probs.argmax(1) == self.truth

    @property
    def confidence(self) -> Tensor:
        return self.probs.max(1).values


def labelled(client: Client, folder: Path, seed: int, count: int) -> Labelled:
    """Let the model label rows of this seed's pool."""
    files = folder / "sst2_train.tsv", folder / "sst2_dev.tsv"
    data = Encoded(Sst2(*map(str, files), share=SHARE, split_seed=seed), Sentence(), CPU)
    data.setup()
    order = torch.randperm(len(data.train), generator=generator(seed, "annotation"))
    start, rows = order[:START], order[START : START + count]
    known = Answers(start, data.train.labels[start])
    places = start[torch.tensor(examples_among(known, SHOTS))]
    shown = asked_of(chosen(data.train.shown, places))
    names = [data.classes[label] for label in data.train.labels[places].tolist()]
    asked = classifier(client, data.classes, "completion", data.words)
    found = asked.probs(asked_of(chosen(data.train.shown, rows)), [*zip(shown, names, strict=True)])
    return Labelled(data, start, rows, torch.tensor([probs or (0.5, 0.5) for probs in found]))


def routed(by: Labelled, share: float) -> Tensor:
    """The labels, with people's in place of those of which the model is least sure."""
    labels = by.probs.argmax(1)
    least = by.confidence.argsort(stable=True)[: round(share * len(labels))]
    labels[least] = by.truth[least]
    return labels


def noisy(by: Labelled, seed: int) -> Tensor:
    """Labels with as many errors as the model's, in random places."""
    wrong = torch.rand(len(by.rows), generator=generator(seed, "noise")).argsort()
    labels = by.truth.clone()
    some = wrong[: int((~by.right).sum())]
    labels[some] = 1 - labels[some]
    return labels


def accuracy(by: Labelled, labels: Tensor, seed: int) -> float:
    """The accuracy of the model that learns these labels."""
    rows = torch.cat([by.start, by.rows])
    known = torch.cat([by.data.train.labels[by.start], labels])
    lesson = by.data.train.without_labels().with_labels(rows, known).take(rows)
    with seeded(seed, "annotation"):
        task = Logistic(by.data.train.shape, 2, by.data.preprocess())
        learner = Trained(task, Training(accelerator="cpu"))
        taught(learner, lesson, first=True, watch=unwatched)
    assert by.data.test is not None
    return tested(learner, by.data.test)["accuracy"]


def told(values: Sequence[float]) -> str:
    """Percentages over the seeds; empty without values."""
    if not values:
        return ""
    spread = Spread.of([100 * value for value in values])
    return f"{spread.mean:.1f}" + ("" if spread.deviation is None else f" ± {spread.deviation:.1f}")


def by_confidence(every: Sequence[Labelled]) -> str:
    """How sure the model is of a share of the labels, and how many of these are right."""
    rows = []
    for least in SURE:
        sure = [by.confidence >= least for by in every]
        shares = [float(one.float().mean()) for one in sure]
        pairs = zip(every, sure, strict=True)
        right = [float(by.right[one].float().mean()) for by, one in pairs if one.any()]
        rows.append([f"{least:g}", told(shares), told(right)])
    return table(["accept", "labels taken, %", "of which right, %"], rows)


def by_routing(every: Sequence[Labelled]) -> str:
    """The accuracy as more and more labels come from people."""
    kinds = {f"least sure {share:.0%} by people": share for share in ROUTED}
    found = {name: [routed(by, share) for by in every] for name, share in kinds.items()}
    noise = "as many wrong as the model's, at random"
    found[noise] = [noisy(by, seed) for seed, by in enumerate(every)]
    rows = []
    for name, labels in found.items():
        pairs = [*zip(every, labels, strict=True)]
        right = [float((given == by.truth).float().mean()) for by, given in pairs]
        models = [accuracy(by, given, seed) for seed, (by, given) in enumerate(pairs)]
        people = "" if name == noise else f"{round(kinds[name] * len(every[0].rows))}"
        rows.append([name, people, told(right), told(models)])
    return table(["labels", "by people", "right, %", "accuracy of the model, %"], rows)


def main() -> None:
    """Label, learn, and keep the tables."""
    parser = argparse.ArgumentParser(description="How right a small language model labels.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=400)
    given, folder = parser.parse_args(), Path(os.environ["AUTOAL_DATA"])
    with serving() as url, TemporaryDirectory() as cache:
        client = Client(url, MODEL, key_env=None, parallel=1, cache=Path(cache, "answers.sqlite"))
        every = [labelled(client, folder, seed, given.rows) for seed in range(given.seeds)]
        seconds = client.spent.seconds / client.spent.calls
    keep(
        "annotation",
        f"{given.rows} rows of SST-2, {given.seeds} seeds, {seconds:.2f} s a call.\n\n"
        f"{by_confidence(every)}\n\n{by_routing(every)}",
    )


CPU = torch.device("cpu")

if __name__ == "__main__":
    main()
