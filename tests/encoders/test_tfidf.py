from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import Rows
from autoal.data.texts import text_rows
from autoal.encoders import tfidf
from autoal.encoders.tfidf import Tfidf
from autoal.errors import UserError
from autoal.testing import check_encoder

CPU = torch.device("cpu")
ADJECTIVES = ("good", "fine", "great", "bad", "dull", "weak")
NOUNS = ("film", "plot", "cast", "score", "scene")
SENTENCES = [f"a {adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]


def texts(*lines: str) -> Rows:
    return text_rows([(line,) for line in lines], ("body",))


def pairs(*both: tuple[str, str]) -> Rows:
    return text_rows(both, ("question", "answer"))


def encoded(encoder: Tfidf, pool: Rows, rows: Rows) -> Tensor:
    encoder.learn(pool, CPU)
    return encoder.encode(rows, CPU)


def test_it_keeps_the_promises_of_encoders() -> None:
    check_encoder(Tfidf(), texts(*SENTENCES), texts("a good film", "nothing known"))


def test_features_have_the_angles_of_weighed_terms_where_no_axis_is_left_out() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    expected = torch.from_numpy(weights.fit_transform(SENTENCES).toarray()).float()
    found = encoded(Tfidf(), texts(*SENTENCES), texts(*SENTENCES))
    torch.testing.assert_close(found @ found.T, expected @ expected.T, atol=1e-4, rtol=0)


def test_a_text_without_a_known_word_is_zero_and_others_have_the_length_one() -> None:
    lengths = encoded(Tfidf(), texts(*SENTENCES), texts("a dull plot", "zzz", "")).norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([1.0, 0.0, 0.0]))


def test_a_text_becomes_the_same_whichever_stand_beside_it() -> None:
    encoder = Tfidf(components=5)
    both = encoded(encoder, texts(*SENTENCES), texts("a dull plot", "a good film"))
    assert torch.equal(encoder.encode(texts("a good film"), CPU)[0], both[1])


def test_twins_are_one_point_and_opposites_are_further_apart_than_kin() -> None:
    reviews = [f"{line} a {line}" for line in SENTENCES]
    found = encoded(Tfidf(), texts(*reviews), texts("good film", "good film", "good plot", "weak"))
    assert torch.equal(found[0], found[1])
    assert found[0] @ found[2] > found[0] @ found[3]


@pytest.mark.parametrize(
    ("lines", "options", "width"),
    [
        (["one two", "one two", "one"], {}, 2),  # of three texts two differ
        (["alone", "apart"], {}, 2),  # no word stands in two
        (["the same"] * 5, {}, 1),
        (SENTENCES, {"components": 3}, 3),
        (SENTENCES, {"features": 4}, 4),
        (SENTENCES, {"min_df": 30, "ngrams": 1}, 10),  # in as many as no word stands
    ],
)
def test_there_are_no_more_axes_than_the_pool_has(
    lines: Sequence[str], options: dict[str, Any], width: int
) -> None:
    assert encoded(Tfidf(**options), texts(*lines), texts("one")).shape == (1, width)


@pytest.mark.parametrize("lines", [[""], ["a", "b"], ["!", "?"]])
def test_a_pool_without_words_is_refused(lines: list[str]) -> None:
    with pytest.raises(UserError, match="no text of the pool has a word of two letters"):
        Tfidf().learn(texts(*lines), CPU)


def test_two_texts_are_compared_axis_by_axis_or_read_as_one() -> None:
    pool = pairs(*zip(SENTENCES, SENTENCES[::-1], strict=True))
    rows = pairs(("a good film", "a good film"), ("a good film", "a bad plot"))
    same, other = encoded(Tfidf(), pool, rows).sum(1)  # of products: a cosine
    torch.testing.assert_close(same, torch.tensor(1.0))
    assert other < 0.5
    joined = Tfidf(pairs="joined")
    assert not torch.equal(*encoded(joined, pool, rows))
    assert "film bad" not in joined.state_dict()["terms"]


def test_what_is_learnt_from_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "FITTED", 4)
    encoder = Tfidf(ngrams=1, min_df=1)
    encoder.learn(texts(*SENTENCES), CPU)
    assert len(encoder.state_dict()["terms"]) <= 8


def test_a_row_of_a_hundred_thousand_characters_is_read() -> None:
    found = encoded(Tfidf(), texts(*SENTENCES), texts("good film " * 10_000))
    assert found.isfinite().all()


def test_rows_that_are_no_texts_are_refused() -> None:
    with pytest.raises(UserError, match="Tfidf encodes texts"):
        Tfidf().learn(Rows.of(torch.zeros(4, 7)), CPU)
