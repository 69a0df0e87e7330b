"""Sweeps on clusters that this machine plays: nothing that is finished is lost or done again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.clusters import CLUSTERS, Cluster, Harm
from benchmarks.sweeps import Ended, Sweep, disturbed, lasting, records
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


def ended(train: Zygote, cluster: Cluster, top: Path, harms: list[Harm]) -> Ended:
    """The outcome, which must be that of an undisturbed sweep."""
    found = disturbed(SWEEP, cluster, top / "runs", harms)
    alone = train.run(*SWEEP.words, f"out={top / 'alone'}")
    assert alone.code == 0, alone.err
    assert lasting(found.records) == lasting(records(top / "alone"))
    assert found.kept == found.finished > 0
    return found


@pytest.mark.parametrize("cluster", PLUGINS, indirect=True)
def test_a_run_whose_node_fails_goes_on_by_itself(
    train: Zygote, cluster: Cluster, tmp_path: Path
) -> None:
    found = ended(train, cluster, tmp_path, [*cluster.harms.values()])
    assert (found.code, found.commands) == (0, 1)


@pytest.mark.parametrize("cluster", PLUGINS, indirect=True)
def test_a_command_that_is_killed_is_completed(
    train: Zygote, cluster: Cluster, tmp_path: Path
) -> None:
    found = ended(train, cluster, tmp_path, [])
    assert (found.code, found.commands) == (-9, 2)
