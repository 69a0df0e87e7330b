"""The cost of text encoders beside bare loops, and of a round of linear active learning.

    AUTOAL_DATA=FOLDER OMP_NUM_THREADS=2 python -m benchmarks.text_speed [--rows 67349]

The folder has sst2_train.tsv. Bare and ours take turns, so that other work on the machine slows
both; the ratio is that of their fastest turns. The bare loop of a transformer sorts all sentences
by their length and pads each batch to its longest; that of TF-IDF is scikit-learn's pipeline.
Then: a round at the features of 67,349 sentences, from the query to the test, and the memory beyond
the features of many made sentences that TF-IDF learns from and encodes.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from autoal import Arrays, Encoder, Experiment, Plan, Rows, TrueLabels
from autoal.data.texts import text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.sentence import Sentence
from autoal.encoders.tfidf import Tfidf
from autoal.model.bert import FEW
from autoal.model.networks import MLP
from autoal.model.own import TorchLearner
from autoal.model.transformers import network_of, tokenizer_of
from autoal.model.whereabouts import OFFLINE, model_folder
from autoal.seeding import generator
from benchmarks.photos import own_memory, peak, seconds
from benchmarks.report import keep, table

CPU = torch.device("cpu")
TURNS = 3
WHOLE = 67_349  # sentences of SST-2
MANY = 1_000_000
WIDTH = 384  # columns of MiniLM's embeddings


def sentences(folder: Path, count: int) -> list[str]:
    """Sentences of SST-2, evenly spread over its file."""
    lines = (folder / "sst2_train.tsv").read_text(encoding="utf-8").splitlines()[1:]
    step = max(1, len(lines) // count)
    return [line.rpartition("\t")[0] for line in lines[::step]][:count]


def texts(lines: Sequence[str]) -> Rows:
    """The same as a data set holds them."""
    return text_rows([(line,) for line in lines], ("sentence",))


def ours(encoder: Encoder, rows: Rows) -> None:
    """Learn from the rows and encode them."""
    encoder.learn(rows, CPU)
    encoded_rows(encoder, rows, CPU)


def sklearn_pipeline(lines: Sequence[str]) -> None:
    """TF-IDF and its axes, with the same options as ours."""
    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=20_000)
    make_pipeline(weights, TruncatedSVD(256, random_state=0)).fit_transform(lines)


@torch.no_grad()
def bare_loop(lines: Sequence[str]) -> None:
    """All sentences sorted by length, passed through the network in batches, and pooled."""
    folder = model_folder(OFFLINE)
    tokenizer, network = tokenizer_of(folder), network_of(folder)
    ids = sorted(tokenizer(list(lines), truncation=True, max_length=128)["input_ids"], key=len)
    for begin in range(0, len(ids), FEW):
        batch = tokenizer.pad({"input_ids": ids[begin : begin + FEW]}, return_tensors="pt")
        hidden, there = network(**batch).last_hidden_state, batch["attention_mask"][:, :, None]
        (hidden * there).sum(1) / there.sum(1)


def beside(bare: Callable[[], None], own: Callable[[], None]) -> list[str]:
    """The fastest seconds of both, and the speed of ours relative to the bare one."""
    turns = [(seconds(bare), seconds(own)) for _ in range(TURNS)]
    fastest = [min(turn) for turn in zip(*turns, strict=True)]
    return [*(f"{spent:.1f}" for spent in fastest), f"{fastest[0] / fastest[1]:.0%}"]


def speed(every: Sequence[str], some: Sequence[str]) -> str:
    """Both encoders beside their bare loops, the slow one on fewer sentences."""
    rows, few = texts(every), texts(some)
    compared = {
        "tfidf": (rows, partial(sklearn_pipeline, every), lambda: ours(Tfidf(), rows)),
        "sentence, MiniLM": (few, partial(bare_loop, some), lambda: ours(Sentence(), few)),
    }
    found = [
        [name, f"{len(read):,}", *beside(bare, own)] for name, (read, bare, own) in compared.items()
    ]
    return table(["encoder", "sentences", "bare, s", "ours, s", "as fast as bare"], found)


def a_round() -> str:
    """Random features with the shape of SST-2's, and a linear head."""
    stream = generator(0, "round")
    features, labels = torch.randn(WHOLE, WIDTH, generator=stream), torch.arange(WHOLE) % 2
    data = Arrays((features, labels), (features[:872], labels[:872]), classes=2)
    data.setup()
    learner = TorchLearner(MLP((WIDTH,), 2, hidden=()), data)
    experiment = Experiment(data, learner, "uherding", Plan(start=100, budget=100, rounds=2))
    oracle = TrueLabels(data.train.labels)

    def one() -> None:
        question = experiment.ask()
        assert question is not None
        experiment.tell(oracle(question))

    spent = [seconds(one) for _ in range(3)]
    header = ["start, s", "first round, s", "second round, s"]
    return table(header, [[f"{each:.1f}" for each in spent]])


def made(count: int) -> list[str]:
    """Sentences of 12 words, some of them rare."""
    draws = torch.rand(count, 12, generator=generator(0, "words")).pow(3).mul(50_000).long()
    return [" ".join(f"word{number}" for number in line) for line in draws.tolist()]


def memory(count: int) -> str:
    """The peak memory while TF-IDF learns from made sentences and encodes them."""
    rows, encoder = texts(made(count)), Tfidf()
    before = own_memory()
    with peak() as held:
        learning = seconds(lambda: encoder.learn(rows, CPU))
        encoding = seconds(lambda: [len(block) for block in encoder.stream(rows, CPU)])
    found = [f"{size / 2**30:.2f}" for size in (before, held())]
    header = ["sentences", "memory before, GiB", "at the peak, GiB", "learning, s", "encoding, s"]
    return table(header, [[f"{count:,}", *found, f"{learning:.0f}", f"{encoding:.0f}"]])


def main() -> None:
    """Measure everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=WHOLE, help="of SST-2, by the transformer")
    parser.add_argument("--many", type=int, default=MANY, help="made ones, of which memory is told")
    given, folder = parser.parse_args(), Path(os.environ["AUTOAL_DATA"])
    every, some = (sentences(folder, count) for count in (WHOLE, given.rows))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        parts = {
            "Sentences of SST-2": lambda: speed(every, some),
            f"A round at {WHOLE:,} rows of {WIDTH} columns, uherding": a_round,
            "Memory of tfidf": lambda: memory(given.many),
        }
        found = [f"## {title}\n\n{measure()}" for title, measure in parts.items()]
    keep("text_speed", "\n\n".join([f"Threads of torch: {torch.get_num_threads()}.", *found]))


if __name__ == "__main__":
    main()
