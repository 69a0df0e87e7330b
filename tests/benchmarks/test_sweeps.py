"""Sweeps on clusters that this machine plays: nothing that is finished is lost or done again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.clusters import CLUSTERS, Cluster
from benchmarks.sweeps import Sweep, disturbed, lasting, records
from tests.launch import Zygote

SWEEP = Sweep("random", "0", rounds=4, steps=200)
PLUGINS = {
    "submitit": "hydra_plugins.hydra_submitit_launcher",
    "ray": "hydra_plugins.hydra_ray_launcher",
}


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """That of a launcher, which leaves nothing running."""
    pytest.importorskip(PLUGINS[request.param], reason=f"no extra for {request.param}")
    made = CLUSTERS[request.param](tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("cluster", PLUGINS, indirect=True)
def test_runs_go_on_after_their_node_fails_and_after_their_command_is_killed(
    train: Zygote, cluster: Cluster, tmp_path: Path
) -> None:
    """By themselves after the first, and when the command is given again after the second."""
    found = disturbed(SWEEP, cluster, tmp_path / "runs", [*cluster.harms.values()], killed=True)
    alone = train.run(*SWEEP.words, f"out={tmp_path / 'alone'}")
    assert alone.code == 0, alone.err
    assert lasting(found.records) == lasting(records(tmp_path / "alone"))
    assert found.kept == found.finished > 0
    assert (found.code, found.commands) == (-9, 2)
