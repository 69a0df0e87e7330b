"""Everything besides the settings that a result may depend on."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

PACKAGES = (
    "autoal",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "medmnist",
    "higher",
    "wandb",
    "hydra-core",
    "numpy",
    "scikit-learn",
)


def versions() -> dict[str, Any]:
    """Versions of Python and the packages, and the machine."""
    found: dict[str, Any] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    found["machine"] = f"{platform.system()} {platform.machine()}"
    found["threads"] = torch.get_num_threads()
    found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return found
