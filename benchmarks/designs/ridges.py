"""FitNet with a tuned penalty, like that of the task's own head."""

from dataclasses import replace
from functools import partial
from typing import Any

from torch.nn.functional import one_hot

from autoal import View
from autoal.model.lesson import Lesson
from autoal.model.tuning import UNTRIED, tuned
from autoal.search.autoal import AutoAL
from autoal.search.hypergradient import Implicit


class TunedFitNet(AutoAL):
    """AutoAL whose FitNet uses the ridge that is best on held-out labelled rows."""

    def _search(self, view: View) -> dict[str, Any]:
        rows = view.labelled.features.embeddings.double()
        rows = rows / rows.square().sum(1).mean().sqrt().clamp(min=1e-12)  # as FitNet reads them
        targets = one_hot(view.labelled.labels, view.classes).double()
        taught = max(1, round(self.stage.taught * len(rows)))
        lesson = Lesson(rows, targets, None, intercept=True)
        choice = tuned(lesson, UNTRIED * lesson.unit(), tune=True, spread=False).choice
        ridge = choice.l2 / taught  # of a mean loss; that of the lesson is of a sum
        self.stage = replace(self.stage, ridge=ridge)
        self.road = partial(Implicit, ridge)
        return super()._search(view)
