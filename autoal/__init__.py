"""AutoAL: automated active learning.

The public names are loaded on first use, so that `import autoal` alone costs nothing and the
command line can refuse a misspelt option before torch is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoal.data import ImageData
    from autoal.features import Features, View
    from autoal.loop import rounds
    from autoal.oracle import Oracle, TrueLabels
    from autoal.plan import Plan
    from autoal.pool import Pool
    from autoal.record.round import Round
    from autoal.strategy import QueryStrategy, from_order, select
    from autoal.task import Task
    from autoal.training import Training

_HOMES = {
    "Features": "autoal.features",
    "ImageData": "autoal.data",
    "Oracle": "autoal.oracle",
    "Plan": "autoal.plan",
    "Pool": "autoal.pool",
    "QueryStrategy": "autoal.strategy",
    "Round": "autoal.record.round",
    "Task": "autoal.task",
    "Training": "autoal.training",
    "TrueLabels": "autoal.oracle",
    "View": "autoal.features",
    "from_order": "autoal.strategy",
    "rounds": "autoal.loop",
    "select": "autoal.strategy",
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
