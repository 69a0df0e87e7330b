"""Clusters simulated on this machine, for sweeps that are disturbed."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from tests.slurm import Slurm

# Ray yields to whatever else a machine does, with its priority and by ending workers.
ALONE = {"RAY_worker_niceness": "0", "RAY_memory_monitor_refresh_ms": "0"}
Harm = Callable[[], None]


class Cluster(ABC):
    """A place where the runs of a sweep are done."""

    packages: ClassVar[tuple[str, ...]]  # options that send runs there
    options: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    @abstractmethod
    def harms(self) -> dict[str, Harm]:
        """The mishaps that it can suffer while a sweep runs, by name."""

    def cancel(self) -> None:
        """End the jobs that a command left behind."""

    def close(self) -> None:
        """Clean up."""


class OnSlurm(Cluster):
    """Jobs of an array, submitted through submitit."""

    packages = ("submitit", "hydra-submitit-launcher")
    options = ("hydra/launcher=submitit_slurm", "hydra.launcher.max_num_timeout=3")

    def __init__(self, top: Path) -> None:
        self.slurm = Slurm(top / "slurm")
        self.environment = self.slurm.environment

    @property
    def harms(self) -> dict[str, Harm]:
        return {
            "a node fails": lambda: self.slurm.jobs("RUNNING")[0].fail(),
            "the time limit comes": self.warn,
        }

    def warn(self) -> None:
        """Warn the first job that has run for a while that its time is nearly over."""
        while not (ready := [job for job in self.slurm.jobs("RUNNING") if job.awaits("USR2")]):
            time.sleep(0.02)
        ready[0].tell("USR2")

    def cancel(self) -> None:
        self.slurm.cancel()

    def close(self) -> None:
        self.slurm.cancel()


class OnRay(Cluster):
    """Tasks of Ray on two nodes."""

    packages = ("ray", "hydra-ray-launcher")

    def __init__(self, top: Path) -> None:
        from ray.cluster_utils import Cluster as Nodes

        os.environ.update(ALONE)
        head = {"num_cpus": 1, "include_dashboard": False}
        self.nodes = Nodes(initialize_head=True, head_node_args=head)
        self.second = self.nodes.add_node(num_cpus=1)
        self.environment = {"RAY_DEDUP_LOGS": "0"}
        self.options = (
            "hydra/launcher=ray",
            f"hydra.launcher.ray.init.address={self.nodes.address}",
            "+hydra.launcher.ray.init.object_store_memory=null",
        )

    @property
    def harms(self) -> dict[str, Harm]:
        return {"a node fails": self.lose}

    def lose(self) -> None:
        """Lose one node, and replace it as a managed cluster would."""
        self.nodes.remove_node(self.second, allow_graceful=False)
        self.second = self.nodes.add_node(num_cpus=1)

    def close(self) -> None:
        self.nodes.shutdown()


CLUSTERS: dict[str, type[OnSlurm | OnRay]] = {"submitit": OnSlurm, "ray": OnRay}
