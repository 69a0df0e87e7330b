"""AutoAL: automated active learning.

The public names are loaded on first use, so that `import autoal` alone costs nothing and the
command line can refuse a misspelt option before torch is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoal.costs.contract import Costs as Costs
    from autoal.cycle.experiment import Experiment as Experiment
    from autoal.cycle.hooks import Advice as Advice
    from autoal.cycle.hooks import Growth as Growth
    from autoal.cycle.hooks import GrowthRule as GrowthRule
    from autoal.cycle.hooks import Stop as Stop
    from autoal.cycle.hooks import StopRule as StopRule
    from autoal.cycle.plan import Plan as Plan
    from autoal.cycle.rounds import rounds as rounds
    from autoal.data.arrays import Arrays as Arrays
    from autoal.data.contract import Data as Data
    from autoal.data.contract import Loaded as Loaded
    from autoal.data.images import ImageData as ImageData
    from autoal.data.rows import Rows as Rows
    from autoal.encoders.encoded import Encoded as Encoded
    from autoal.encoders.encoder import Encoder as Encoder
    from autoal.errors import UserError as UserError
    from autoal.errors import Waiting as Waiting
    from autoal.exported.model import Model as Model
    from autoal.exported.model import export as export
    from autoal.model.estimator import SklearnLearner as SklearnLearner
    from autoal.model.features import Features as Features
    from autoal.model.fitstep import FitStep as FitStep
    from autoal.model.fitstep import Watch as Watch
    from autoal.model.learner import Learner as Learner
    from autoal.model.own import LightningLearner as LightningLearner
    from autoal.model.own import TorchLearner as TorchLearner
    from autoal.model.predictions import Given as Given
    from autoal.model.predictions import Head as Head
    from autoal.model.task import Task as Task
    from autoal.model.trained import Trained as Trained
    from autoal.model.training import Training as Training
    from autoal.oracles.crowd import Crowd as Crowd
    from autoal.oracles.model import ByModel as ByModel
    from autoal.oracles.model import Salutary as Salutary
    from autoal.oracles.noise import Noisy as Noisy
    from autoal.oracles.offered import TopK as TopK
    from autoal.oracles.offered import YesNo as YesNo
    from autoal.oracles.priced import Priced as Priced
    from autoal.oracles.question import Answers as Answers
    from autoal.oracles.question import Asking as Asking
    from autoal.oracles.question import Oracle as Oracle
    from autoal.oracles.question import Question as Question
    from autoal.oracles.truth import TrueLabels as TrueLabels
    from autoal.query.batch import select as select
    from autoal.query.strategy import QueryStrategy as QueryStrategy
    from autoal.query.strategy import Scored as Scored
    from autoal.query.strategy import from_order as from_order
    from autoal.query.view import Bench as Bench
    from autoal.query.view import Known as Known
    from autoal.query.view import View as View
    from autoal.record.folder import RunFolder as RunFolder
    from autoal.record.round import Round as Round
    from autoal.record.sink import Sink as Sink
    from autoal.run import resumed as resumed

_HOMES = {
    "autoal.costs.contract": ("Costs",),
    "autoal.cycle.experiment": ("Experiment",),
    "autoal.cycle.hooks": (
        "Advice",
        "Growth",
        "GrowthRule",
        "Stop",
        "StopRule",
    ),
    "autoal.cycle.plan": ("Plan",),
    "autoal.cycle.rounds": ("rounds",),
    "autoal.data.arrays": ("Arrays",),
    "autoal.data.contract": (
        "Data",
        "Loaded",
    ),
    "autoal.data.images": ("ImageData",),
    "autoal.data.rows": ("Rows",),
    "autoal.encoders.encoded": ("Encoded",),
    "autoal.encoders.encoder": ("Encoder",),
    "autoal.errors": (
        "UserError",
        "Waiting",
    ),
    "autoal.exported.model": ("Model", "export"),
    "autoal.model.estimator": ("SklearnLearner",),
    "autoal.model.features": ("Features",),
    "autoal.model.fitstep": ("FitStep", "Watch"),
    "autoal.model.learner": ("Learner",),
    "autoal.model.own": ("LightningLearner", "TorchLearner"),
    "autoal.model.predictions": ("Given", "Head"),
    "autoal.model.task": ("Task",),
    "autoal.model.trained": ("Trained",),
    "autoal.model.training": ("Training",),
    "autoal.oracles.crowd": ("Crowd",),
    "autoal.oracles.model": (
        "ByModel",
        "Salutary",
    ),
    "autoal.oracles.noise": ("Noisy",),
    "autoal.oracles.priced": ("Priced",),
    "autoal.oracles.offered": (
        "TopK",
        "YesNo",
    ),
    "autoal.oracles.question": (
        "Answers",
        "Asking",
        "Oracle",
        "Question",
    ),
    "autoal.oracles.truth": ("TrueLabels",),
    "autoal.query.batch": ("select",),
    "autoal.query.strategy": (
        "QueryStrategy",
        "Scored",
        "from_order",
    ),
    "autoal.query.view": (
        "Bench",
        "Known",
        "View",
    ),
    "autoal.record.folder": ("RunFolder",),
    "autoal.record.round": ("Round",),
    "autoal.record.sink": ("Sink",),
    "autoal.run": ("resumed",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("autoal")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'autoal' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
