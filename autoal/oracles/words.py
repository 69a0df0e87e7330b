"""Questions about words, beside those about rows: for which class does a word speak, if for any?

They are labelled features (Druck et al., 2008; Settles, 2011): a word is learnt as a text that
consists of this word alone and has the class it speaks for.
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

FLOOR = 0.1  # least bits that a word must tell about a text to speak for a class in a simulation


class Words(Asks):
    """Asks in every round, beside its rows, for which classes some words speak.

    It chooses the words of the largest gain: the bits, by the model's probabilities for the pool,
    that the presence of the word and the class of a text tell about each other. Each word is asked
    about once.

    People answer on the page. If the oracle says nothing about words, as in a simulation, a word
    speaks for the class most over-represented among the training rows that contain it, if that
    tells at least `FLOOR` bits.

    Args:
        oracle: answers about rows; and about words, if people do.
        data: texts, one for each row.
        count: words in a round.
        price: of an answer about a word, as a share of a label's.
        weight: of a word that speaks for a class, in rows.
        learner: must be able to learn from words; otherwise refused.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
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
        if question.view is None:  # no model yet to say which words are worth asking about
            return answered(self.oracle, question)
        gains = self._chosen(question.view, question.evidence)
        answers = answered(self.oracle, replace(question, words=(*gains,)))
        none = [0.0] * len(self.data.classes)
        said = answers.words or self._true  # in a simulation nobody says it
        told = {word.text: said.get(word.text, none) for word in gains} | dict(answers.words)
        bits = {word.text: gain for word, gain in gains.items()}
        return replace(
            answers,
            words={word: [self.weight * each for each in speaks] for word, speaks in told.items()},
            beside=answers.beside or self.price * len(bits),
            notes={**answers.notes, self.name: {"price": self.price, "gain": bits}},
        )

    def _chosen(self, view: View, known: Evidence) -> dict[Word, float]:
        """The words of largest gain not asked about yet, with their gains."""
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
        """The class that every word speaks for, by the training rows' true labels."""
        labels, classes = self.data.train.labels, len(self.data.classes)
        rows = (labels != UNKNOWN).nonzero().flatten()
        truth = one_hot(labels[rows], classes).double()
        best, bits = speaking_for(self._vocabulary.sums(rows, truth), truth.sum(0))
        speaks = one_hot(best, classes) * (bits >= FLOOR)[:, None]
        return dict(zip(self._vocabulary.words, speaks.double().tolist(), strict=True))


def _demand_words(data: Data) -> None:
    """Refuse rows that are not single texts, and an encoder that cannot read a word."""
    texts = written_of(data.train)
    if texts is None:
        raise UserError("questions=words asks about words of texts, and these rows are not texts")
    if isinstance(texts[0], Text):
        raise UserError(
            f"questions=words asks about words of one text a row, and these have "
            f"{len(texts[0].parts)}: give data.text= with one column"
        )
    if isinstance(data, Encoded) and not data.encoder.new_rows:
        raise UserError(
            f"questions=words teaches words as texts, which {type(data.encoder).__name__} "
            "cannot encode: give encoder=tfidf or sentence"
        )
