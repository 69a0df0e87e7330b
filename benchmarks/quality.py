"""Does the search beat its candidates? Paired experiments, many seeds, several settings.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality --keep     # all of it, in two processes
    AUTOAL_DATA=FOLDER python -m benchmarks.quality --settings digits --seeds 3

The folder has cifar10_10k.npz, mnist.npz and pneumoniamnist.npz, in MedMNIST's layout. How AutoAL
composes its batch was chosen by `benchmarks.designs`, on MNIST and digits with other networks: what
counts most here are CIFAR-10 and PneumoniaMNIST, which no choice has seen.
"""

from functools import partial

from autoal import Plan
from autoal.query import registry
from autoal.search.autoal import CANDIDATES, AutoAL
from benchmarks.paired import Setting, Strategies, compare

SETTINGS = {
    "cifar10-low": Setting("cifar10_10k", Plan(50, 25, 5)),
    "cifar10-high": Setting("cifar10_10k", Plan(300, 150, 5)),
    "pneumonia-low": Setting("pneumoniamnist", Plan(10, 5, 6)),
    "pneumonia-high": Setting("pneumoniamnist", Plan(60, 30, 5)),
    "mnist-low": Setting("mnist", Plan(20, 10, 6)),
    "mnist-high": Setting("mnist", Plan(100, 50, 5)),
    "digits": Setting("digits", Plan(20, 10, 10), "resnet18"),
}

VARIANTS: Strategies = {
    "autoal": AutoAL,
    "prior only": partial(AutoAL, steps=0),
    "uniform mix": partial(AutoAL, prior={}, steps=0),
    "uniform prior": partial(AutoAL, prior={}),
    **{name: partial(registry.build, name, **CANDIDATES[name]) for name in CANDIDATES},
    **{name: partial(registry.build, name) for name in ("random", "maxherding")},
}

if __name__ == "__main__":
    compare("quality", SETTINGS, VARIANTS)
