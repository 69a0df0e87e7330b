"""Learners that a strategy teaches a part of the labelled rows."""

from dataclasses import replace

from torch import Tensor

from autoal import UserError, View


def seen_by_member(view: View, places: Tensor) -> View:
    """The pool and the labelled rows, as seen by a learner taught only these places.

    Args:
        view: its bench provides learners of the task's kind.
        places: of the labelled rows.
    """
    if view.bench is None or view.bench.fitted is None:
        raise UserError(
            "this strategy trains learners of its own, which takes an experiment: a view of arrays "
            "has no learner"
        )
    with view.bench.phase("members"):
        return replace(view, validation=None).seen_by(view.bench.fitted(places))
