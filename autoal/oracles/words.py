"""Questions about words, beside those about rows: for which class does a word speak, if for any?

They are labelled features (Druck et al., 2008; Settles, 2011): what a word speaks for is learnt as
a text of this word alone, whose class is known.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from torch.nn.functional import one_hot

from autoal import bounds
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN
from autoal.data.texts import Text, written_of
from autoal.data.vocabulary import Vocabulary
from autoal.data.word import Evidence, Word
from autoal.encoders.encoded import Encoded
from autoal.errors import UserError
from autoal.maths.presence import presence_gains, speaking_for
from autoal.model.learner import Learner
from autoal.oracles.asks import Asks
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.query.strategy import QueryStrategy
from autoal.query.view import View

FLOOR = 0.1  # bits that a text must tell by a word, or in a simulation the word speaks for none


class Words(Asks):
    """Asks in every round, beside its rows, for which classes some words speak.

    They are those of the largest gain: by the model's probabilities of the pool's rows, the bits
    that the presence of the word and the class of a text tell of each other. Each is asked about
    once.

    People answer on the page. Where the oracle tells nothing of words, as in a simulation, a word
    speaks for the class whose training rows have it most above what all rows do, if they tell
    `FLOOR` bits by that.

    Args:
        oracle: answers about rows; and about words, if people do.
        data: texts, one of each row.
        count: words of a round.
        price: of an answer about a word, in what a label costs.
        weight: of a word that speaks for a class, in rows that the model learns.
        learner: learns from words, too; refused if it does not.
        strategy: that chooses the rows; one that sees true outcomes is refused.
    """

    name = "words"
    able = "asked about words"

    def __init__(
        self,
        oracle: Oracle,
        data: Data,
        count: int = 5,
        price: float = 0.25,
        weight: float = 1.0,
        learner: Learner | None = None,
        strategy: QueryStrategy | None = None,
    ) -> None:
        super().__init__(oracle, learner, strategy)
        bounds.whole("count", count, least=1)
        bounds.number("price", price, least=0)
        bounds.number("weight", weight, above=0)
        data.setup()
        _demand_words(data)
        self.data = data
        self.count = count
        self.price = price
        self.weight = weight

    def __call__(self, question: Question) -> Answers:
        if question.view is None:  # no model tells yet which words are worth it
            return answered(self.oracle, question)
        gains = self._chosen(question.view, question.evidence)
        answers = answered(self.oracle, replace(question, words=(*gains,)))
        none = [0.0] * len(self.data.classes)
        said = answers.words or self._true  # a simulation has nobody who says it
        told = {word.text: said.get(word.text, none) for word in gains} | dict(answers.words)
        bits = {word.text: gain for word, gain in gains.items()}
        return replace(
            answers,
            words={word: [self.weight * each for each in speaks] for word, speaks in told.items()},
            beside=answers.beside or self.price * len(bits),
            notes={**answers.notes, self.name: {"price": self.price, "gain": bits}},
        )

    def _chosen(self, view: View, known: Evidence) -> dict[Word, float]:
        """The words of most gain that nobody was asked about, with what each gains."""
        real = view.pool.rows.cpu() < len(self.data.train)  # words of made rows are not counted
        rows, probs = view.pool.rows.cpu()[real], view.pool.probs.cpu().double()[real]
        gains = presence_gains(self._vocabulary.sums(rows, probs), probs.sum(0))
        for place, word in enumerate(self._vocabulary.words):
            gains[place] *= word not in known
        best = gains.argsort(descending=True, stable=True)[: self.count]
        return {
            self._vocabulary.word(place, rows): float(gains[place])
            for place in best[gains[best] > 0].tolist()
        }

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """The words of the data."""
        return Vocabulary(written_of(self.data.train) or ())

    @cached_property
    def _true(self) -> dict[str, list[float]]:
        """What every word speaks for, by the true labels of the training rows."""
        labels, classes = self.data.train.labels, len(self.data.classes)
        rows = (labels != UNKNOWN).nonzero().flatten()
        truth = one_hot(labels[rows], classes).double()
        best, bits = speaking_for(self._vocabulary.sums(rows, truth), truth.sum(0))
        speaks = one_hot(best, classes) * (bits >= FLOOR)[:, None]
        return dict(zip(self._vocabulary.words, speaks.double().tolist(), strict=True))


def _demand_words(data: Data) -> None:
    """Refuse rows that are no single texts, and an encoder that cannot read a word."""
    texts = written_of(data.train)
    if texts is None:
        raise UserError("questions=words asks about words of texts, and these rows are none")
    if isinstance(texts[0], Text):
        raise UserError(
            f"questions=words asks about words of one text a row, and these have "
            f"{len(texts[0].parts)}: give data.text= with one column"
        )
    if isinstance(data, Encoded) and not data.encoder.new_rows:
        raise UserError(
            f"questions=words has words learnt as texts, which {type(data.encoder).__name__} "
            "cannot encode: give encoder=tfidf or sentence"
        )
