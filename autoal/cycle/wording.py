"""Words that speak for classes, learnt beside rows."""

from __future__ import annotations

from dataclasses import replace

import torch

from autoal.data.rows import Rows
from autoal.data.word import Evidence
from autoal.exported.model import Model


def with_words(lesson: Rows, evidence: Evidence, model: Model) -> Rows:
    """The lesson, followed by the words that speak for a class, each as a text.

    Args:
        lesson: labelled rows, and what is known about others.
        evidence: how much words speak for each class.
        model: reads a text like the pool's.
    """
    words = [word for word, speaks in evidence.items() if any(speaks)]
    if not words:
        return lesson
    beliefs = torch.tensor([[*evidence[word]] for word in words], dtype=torch.double)
    read = model.learner.place(model.encoded(model.reader.of(words)))
    known = replace(lesson, beliefs=lesson.believed(beliefs.shape[1]))
    return known.joined(replace(read, beliefs=beliefs))
