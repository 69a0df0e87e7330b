"""Learners that a strategy lets learn a part of what is labelled."""

from dataclasses import replace

from torch import Tensor

from autoal import UserError, View


def seen_by_member(view: View, places: Tensor) -> View:
    """The pool and what is labelled, as a learner sees them that was taught these places alone.

    Args:
        view: on whose bench learners of the task's kind are.
        places: of the labelled rows.
    """
    if view.bench is None or view.bench.fitted is None:
        raise UserError(
            "this strategy trains learners of its own, which takes an experiment: a view of arrays "
            "has no learner"
        )
    with view.bench.phase("members"):
        return replace(view, validation=None).seen_by(view.bench.fitted(places))
