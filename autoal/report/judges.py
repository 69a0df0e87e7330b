"""The judges of models, in words."""

from collections.abc import Iterable

from autoal.record.round import CHECK, CROSS_VALIDATION

WORDS = {"": "test set", CHECK: "check rows", CROSS_VALIDATION: "cross-validation, biased"}


def axis(metric: str, judged: str) -> str:
    """The title of a results axis, by the source of the results."""
    by = CROSS_VALIDATION in judged  # a method, not rows
    return f"{metric} {'by' if by else 'on the'} {judged}"


def judges(judged: Iterable[str], majorities: Iterable[float] = ()) -> str:
    """The source of the accuracies of these rounds; a test set, unless they say otherwise.

    Args:
        judged: by what else than a test set, of each round.
        majorities: the shares of the largest class among the test rows, 0 where nobody tells.
    """
    told = ", ".join(WORDS[by] for by in sorted(set(judged))) or WORDS[""]
    shares = sorted({f"{100 * share:.1f}" for share in majorities if share}, key=float)
    ends = " to ".join(dict.fromkeys((shares[0], shares[-1]))) if shares else ""
    return told + (f" ({ends} % of one class)" if ends else "")
