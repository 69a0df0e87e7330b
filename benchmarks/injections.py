"""How many of fifty texts that try to leave their place in a prompt change what a model answers.

    AUTOAL_DATA=FOLDER python -m benchmarks.injections

The folder has sst2_train.tsv and sst2_dev.tsv. SmolLM2-135M, served by xllamacpp, labels sentences
after eight examples. Each injection goes with a sentence of its own, which is negative and is taken
to be so; it changes the answer where the same sentence with it is called positive, or nothing
usable is said. Kept: the text stands in the prompt as AutoAL puts it there. Bare: as it is.
Harmless: kept, with words that ask for nothing in the place of the injections.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from autoal.data.words import Words
from autoal.language.classes import FORMS, Classifier, Example, Probs, classifier
from autoal.language.client import Client
from benchmarks.report import keep, table
from tests.language.injections import INJECTIONS, injected
from tests.language.served import MODEL, serving

CLASSES = ("negative", "positive")
WORDS = Words("Review", "Sentiment")
HARMLESS = ["It was shown at the end of last March. {}"] * len(INJECTIONS)
SHOTS = 4  # of either class
LONG = 7  # fewest words in an example


@contextmanager
def bare() -> Iterator[None]:
    """Put texts into prompts unchanged."""
    module = "autoal.language.classes"
    with patch(f"{module}.in_a_line", str), patch(f"{module}.quoted", lambda text, _: text):
        yield


def sentences(path: Path) -> list[Example]:
    """Sentences of SST-2 with their class names."""
    lines = [line.rpartition("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [(text, CLASSES[int(label)]) for text, _, label in lines]


def examples(pairs: Sequence[Example]) -> list[Example]:
    """The first long sentences of each class, alternating."""
    long = [pair for pair in pairs if len(str(pair[0]).split()) >= LONG]
    each = [[pair for pair in long if pair[1] == name][:SHOTS] for name in CLASSES]
    return [pair for both in zip(*each, strict=True) for pair in both]


def negative(probs: Probs | None) -> bool:
    """Whether the model gives a sentence this class."""
    return probs is not None and probs[0] > probs[1]


def taken_so(asked: Classifier, pairs: Sequence[Example], shots: Sequence[Example]) -> list[str]:
    """Negative sentences that the model labels as such, one for each injection if possible."""
    texts = [str(text) for text, name in pairs if name == CLASSES[0]]
    found: list[str] = []
    for begin in range(0, len(texts), len(INJECTIONS)):
        some = texts[begin : begin + len(INJECTIONS)]
        told = zip(some, asked.probs(some, shots), strict=True)
        found += [text for text, probs in told if negative(probs)]
        if len(found) >= len(INJECTIONS):
            break
    return found[: len(INJECTIONS)]


def changed(
    asked: Classifier, added: Sequence[str], texts: Sequence[str], shots: Sequence[Example]
) -> int:
    """How many answers change with the addition."""
    rows = [injected(words, text) for words, text in zip(added, texts, strict=False)]
    return sum(not negative(probs) for probs in asked.probs(rows, shots))


def counts(client: Client, form: str, folder: Path) -> list[str]:
    """A line of the table."""
    asked = classifier(client, CLASSES, form, WORDS, draws=1)
    shots = examples(sentences(folder / "sst2_train.tsv"))
    texts = taken_so(asked, sentences(folder / "sst2_dev.tsv"), shots)
    kept = [changed(asked, added, texts, shots) for added in (INJECTIONS, HARMLESS)]
    with bare():
        loose = changed(asked, INJECTIONS, texts, shots)
    return [form, *map(str, (len(texts), loose, *kept))]


def main() -> None:
    """Ask, count, and keep the table."""
    header = ["form", "sentences", "changed, bare", "changed, kept", "changed, harmless"]
    with serving() as url, TemporaryDirectory() as cache:
        client = Client(url, MODEL, key_env=None, parallel=1, cache=Path(cache, "answers.sqlite"))
        rows = [counts(client, form, Path(os.environ["AUTOAL_DATA"])) for form in FORMS]
        keep("injections", table(header, rows))


if __name__ == "__main__":
    main()
