"""The contenders of the bench, and their number of seeds."""

from functools import partial

from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.search.autoal import CANDIDATES, AutoAL
from benchmarks.paired import Field, Strategies

ORACLE = "cheating_oracle"
# They read what the bench lacks, or are aliases of others.
LEFT_OUT = ("active_llm", "autoal", "ibds", "isal", "loss_prediction", ORACLE)

COMPOSED = ("refine", "tcm", "tailor", "selectal", "albl")

CLAIMED: Strategies = {
    "autoal": AutoAL,
    "prior only": partial(AutoAL, steps=0),
    "even mix": partial(AutoAL, prior={}, steps=0),
    **{name: partial(registry.build, name) for name in ("uherding", "refine", "margin", "random")},
}

OTHERS: Strategies = {
    name: partial(registry.build, name, **CANDIDATES.get(name, {}))
    for name in STRATEGIES.installed()
    if name not in (*CLAIMED, *LEFT_OUT)
}

# Strategies that are not made of others.
SINGLE = ("random", *(name for name in OTHERS if name not in COMPOSED), "uherding", "margin")

FIELDS = (
    Field(CLAIMED, 20),
    Field(OTHERS, 5),
    Field({ORACLE: partial(registry.build, ORACLE)}, 5),
)
