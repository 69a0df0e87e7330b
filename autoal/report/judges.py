"""By what models were judged, in words."""

from collections.abc import Iterable

from autoal.record.round import CHECK, CROSS_VALIDATION

WORDS = {"": "test set", CHECK: "check rows", CROSS_VALIDATION: "cross-validation, biased"}


def judges(judged: Iterable[str]) -> str:
    """What gave the accuracies of rounds that say this; a test set, where there is none."""
    return ", ".join(WORDS[by] for by in sorted(set(judged))) or WORDS[""]
