"""AutoAL: automated active learning.

The public names are loaded on first use, so that `import autoal` alone costs nothing and the
command line can refuse a misspelt option before torch is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoal.cycle.experiment import rounds
    from autoal.cycle.plan import Plan
    from autoal.cycle.pool import Pool
    from autoal.data.contract import ImageData
    from autoal.model.features import Features
    from autoal.model.task import Task
    from autoal.model.training import Training
    from autoal.oracles.question import Oracle, TrueLabels
    from autoal.query.strategy import QueryStrategy, from_order, select
    from autoal.query.view import View
    from autoal.record.round import Round

_HOMES = {
    "Features": "autoal.model.features",
    "ImageData": "autoal.data.contract",
    "Oracle": "autoal.oracles.question",
    "Plan": "autoal.cycle.plan",
    "Pool": "autoal.cycle.pool",
    "QueryStrategy": "autoal.query.strategy",
    "Round": "autoal.record.round",
    "Task": "autoal.model.task",
    "Training": "autoal.model.training",
    "TrueLabels": "autoal.oracles.question",
    "View": "autoal.query.view",
    "from_order": "autoal.query.strategy",
    "rounds": "autoal.cycle.experiment",
    "select": "autoal.query.strategy",
}

__all__ = [
    "Features",
    "ImageData",
    "Oracle",
    "Plan",
    "Pool",
    "QueryStrategy",
    "Round",
    "Task",
    "Training",
    "TrueLabels",
    "View",
    "from_order",
    "rounds",
    "select",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'autoal' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
