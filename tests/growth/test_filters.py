from dataclasses import replace

import pytest
import torch

from autoal.data.rows import Rows
from autoal.data.texts import text_rows
from autoal.growth.filters import Limits, Sieve, cosines

LIMITS = Limits(shortest=2, longest=4, near=0.95, far=0.3)


def rows(*pairs: tuple[str, tuple[float, float]]) -> Rows:
    """Texts with the features that an encoder gives them."""
    found = text_rows([(text,) for text, _ in pairs], ["text"])
    return replace(found, inputs=torch.tensor([each for _, each in pairs]).float())


KNOWN = rows(("one", (1, 0)), ("two", (0, 2)), ("a made row", (-1, 0)))


def judged(*pairs: tuple[str, tuple[float, float]], limits: Limits = LIMITS) -> list[str]:
    return Sieve(limits, KNOWN, real=2).judge(rows(*pairs))


def test_words_are_counted() -> None:
    told = {text: LIMITS.of_length(text) for text in ("a", "a b", "a b c d", "a b c d e")}
    assert told == {"a": "short", "a b": "", "a b c d": "", "a b c d e": "long"}


def test_copies_are_told_whatever_their_case_and_spaces() -> None:
    other = (1, 1)
    assert judged((" ONE ", other), ("A made  row", other), ("three", other)) == ["copy"] * 2 + [""]


def test_what_is_too_near_to_any_row_is_none() -> None:
    # cos = 1 / sqrt(1 + .1), which is .953; and 1 / sqrt(1.21), which is .909.
    assert judged(("x", (1, 0.316))) == ["near"]
    assert judged(("x", (1, 0.458))) == [""]
    assert judged(("x", (-1, 0.1))) == ["near"]  # to a made row


def test_what_is_too_far_from_every_real_row_is_none() -> None:
    # The cosine to the second is .322; how near the made row is does not count.
    assert judged(("x", (-1, 0.34))) == [""]
    assert judged(("x", (-1, 0.34)), limits=replace(LIMITS, far=0.35)) == ["far"]


def test_drafts_are_compared_with_those_before_them_that_passed() -> None:
    same = (1, 1)
    assert judged(("x", same), ("y", same), ("x", (1, 0.5))) == ["", "near", "copy"]


def test_a_later_draft_is_compared_with_all_that_passed_before() -> None:
    sieve = Sieve(LIMITS, KNOWN, real=2)
    assert sieve.judge(rows(("x", (1, 1)))) == [""]
    assert sieve.judge(rows(("y", (1, 1)), ("x", (1, 0.5)))) == ["near", "copy"]


def test_at_a_limit_of_one_only_copies_are_too_near() -> None:
    limits = Limits(shortest=1, longest=4, near=1.0, far=-1.0)
    assert judged(("x", (1, 0)), ("one", (1, 0)), limits=limits) == ["", "copy"]


def test_without_features_words_in_common_count() -> None:
    known = text_rows([("the cat sat",), ("a dog",)], ["text"])
    drafts = text_rows([("the cat",), ("birds",)], ["text"])
    alike = cosines(known, drafts)
    assert alike[0, 0] == pytest.approx(2 / (3 * 2) ** 0.5, abs=1e-6)
    assert alike[1].tolist() == [0, 0]
    assert alike[:, 1].tolist() == [0, 0]


@pytest.mark.parametrize(
    "limits", [(0, 4, 0.9, 0.3), (5, 4, 0.9, 0.3), (2, 4, 1.1, 0.3), (2, 4, 0.9, -2)]
)
def test_limits_that_cannot_be_are_refused(limits: tuple[int, int, float, float]) -> None:
    with pytest.raises(ValueError, match=r"shortest|longest|near|far"):
        Limits(*limits)
