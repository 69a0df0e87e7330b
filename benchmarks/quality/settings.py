"""The settings of the bench: data sets, labels per round, and numbers of rounds."""

from autoal import Plan
from benchmarks.paired import Setting

DESIGNED_ON = ("digits", "mnist", "mnist-one", "mnist-tailed", "waveform", "letters", "sst2")

SETTINGS = {
    "digits-low": Setting("digits", Plan(20, 10, 8), "resnet18"),
    "mnist-low": Setting("mnist", Plan(20, 10, 8)),
    "mnist-mid": Setting("mnist", Plan(200, 100, 5)),
    "mnist-one-low": Setting("mnist-one", Plan(20, 10, 8)),
    "mnist-tailed-mid": Setting("mnist-tailed", Plan(100, 50, 6)),
    "waveform-low": Setting("waveform", Plan(10, 5, 8)),
    "waveform-mid": Setting("waveform", Plan(50, 25, 6)),
    "letters-mid": Setting("letters", Plan(100, 100, 6)),
    "sst2-low": Setting("sst2", Plan(20, 10, 8)),
    "sst2-mid": Setting("sst2", Plan(200, 100, 5)),
    "pneumonia-low": Setting("pneumonia", Plan(10, 5, 8)),
    "pneumonia-mid": Setting("pneumonia", Plan(60, 30, 6)),
    "cifar10-mid": Setting("cifar10", Plan(300, 150, 5)),
    "cifar10-lite0-low": Setting("cifar10-lite0", Plan(20, 10, 8)),
    "cifar10-lite0-mid": Setting("cifar10-lite0", Plan(200, 100, 5)),
    "cifar10-lite0-tailed-mid": Setting("cifar10-lite0-tailed", Plan(100, 50, 6)),
    "bank-low": Setting("bank", Plan(20, 10, 8)),
    "bank-mid": Setting("bank", Plan(100, 50, 6)),
    "dna-low": Setting("dna", Plan(10, 5, 8)),
    "dna-mid": Setting("dna", Plan(50, 25, 6)),
    "satellite-low": Setting("satellite", Plan(12, 6, 8)),
    "qnli-mid": Setting("qnli", Plan(200, 100, 5)),
}
