"""The published protocol at its smallest: what of it is cut, and what passes through networks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision
from torchvision.models.resnet import BasicBlock, ResNet

from autoal import Plan, RunFolder, Trained, rounds
from autoal.report.measures import Spread
from benchmarks.published import protocol
from benchmarks.published.__main__ import tables
from benchmarks.published.passes import NOTE, passes
from benchmarks.published.protocol import Scale, plan_of, settings_of
from tests.report.made import write_run

SMALLEST = Scale(size=8, epochs=0.0025, rounds=19)  # one epoch of each kind
IMAGES, START, BUDGET = 60, 12, 4
POOL = IMAGES - START  # at the first query


def half_of_resnet18(weights: None) -> ResNet:
    return ResNet(BasicBlock, [1, 1, 1, 1])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Few images in the place of CIFAR-10's, a plan for these, and half of ResNet-18's layers."""
    draw = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    for part in ("train", "test"):
        parts[f"{part}_images"] = draw.integers(256, size=(IMAGES, 32, 32, 3), dtype=np.uint8)
        parts[f"{part}_labels"] = np.arange(IMAGES)[:, None] % 10
    np.savez(tmp_path / protocol.FILE, **parts)
    for folder in ("AUTOAL_DATA", "AUTOAL_BENCH", "XDG_CACHE_HOME"):
        monkeypatch.setenv(folder, str(tmp_path))
    monkeypatch.setattr(protocol, "plan_of", lambda settings: Plan(START, BUDGET, 1))
    monkeypatch.setattr(torchvision.models, "resnet18", half_of_resnet18)
    protocol.whole.cache_clear()


def queried(strategy: str) -> dict[str, int]:
    """The images of the one query."""
    _, done = rounds(*protocol.experiment(strategy, SMALLEST, "cpu", seed=0))
    return done.notes[NOTE]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("strategy", "images"),
    [
        ("random", {}),
        ("margin", {"learner": POOL}),
        ("uherding", {"learner": POOL + START}),
        # FitNet has one epoch of half of what is labelled, and is shown all of it.
        ("autoal", {"learner": POOL + START, "FitNet": START // 2 + START}),
    ],
)
def test_a_query_passes_what_the_strategy_reads_through_networks(
    strategy: str, images: dict[str, int]
) -> None:
    assert queried(strategy) == images


@pytest.mark.usefixtures("small")
def test_the_published_search_is_counted_network_by_network() -> None:
    counted = queried("autoal_paper")
    taught, played, check, plays = 6, 3, 3, 4
    # One epoch of FitNet, a look at what is labelled; and in each play, one epoch before the turn.
    fitnet = taught + START + plays * taught
    # The turn, and one more wherever a loss is told, before and after: the loss head is built of a
    # look at what is learnt, and the checked rows are looked at.
    fitnet += plays * 3 * (2 * (taught + played) + check)
    assert counted["FitNet"] == fitnet
    assert counted["learner"] == POOL + START
    # Their worth before, in the turn and after, and its gradient; then the pool.
    assert counted["SearchNet"] >= plays * 4 * played + POOL


@pytest.mark.usefixtures("small")
def test_a_run_is_counted_from_its_folder(tmp_path: Path) -> None:
    made, oracle = protocol.experiment("margin", Scale(8, 0.01, 19), "cpu", seed=0)  # two epochs
    assert made.rows.shape == (3, 8, 8)
    passed: list[int] = []
    assert isinstance(made.learner, Trained)
    stem = made.learner.task.network.embed.get_submodule("conv1")
    stem.register_forward_pre_hook(lambda layer, inputs: passed.append(len(inputs[0])))
    config = {"strategy": {"name": "margin"}, "seed": 0, "rounds": 1}
    with RunFolder(tmp_path / "run", config) as folder:
        assert len(list(rounds(made, oracle, folder))) == 2
    counted = passes(tmp_path / "run", epochs=2)
    assert counted == [2 * START + 2 * (START + BUDGET), POOL, 0, 0]
    judging = 2 * IMAGES
    assert sum(passed) == sum(counted) + judging


def test_the_protocol_is_the_presets_but_for_what_is_cut() -> None:
    whole = protocol.preset("autoal_paper")
    cut = settings_of("autoal_paper", Scale(size=16, epochs=0.1, rounds=19))
    assert plan_of(whole) == Plan(1000, 1000, 19)
    assert plan_of(cut) == Plan(40, 40, 19)
    assert (cut["task"].pop("epochs"), whole["task"].pop("epochs")) == (20, 200)
    assert (cut["strategy"].pop("steps"), whole["strategy"].pop("steps")) == (40, 400)
    for settings, epochs in ((cut, 20), (whole, 200)):
        assert settings["strategy"]["paper"].pop("warmup") == epochs
    assert (cut["task"], cut["strategy"]) == (whole["task"], whole["strategy"])
    assert (cut["data"]["crop"], whole["data"]["crop"]) == (2, 4)


def test_what_is_no_published_search_keeps_its_steps() -> None:
    assert settings_of("autoal", Scale(8, 0.05, 19))["strategy"]["steps"] == 12


def test_the_tables_say_what_was_left_out(tmp_path: Path) -> None:
    for seed in range(2):
        for strategy, accuracies in (("random", [0.2, 0.4]), ("autoal_paper", [0.2, 0.5])):
            name, last = f"{strategy}-{seed}", accuracies[1] + seed / 10
            write_run(tmp_path, name, [accuracies[0], last], strategy=strategy, seed=seed)
    found = {table.name: table for table in tables(tmp_path, Scale(size=16, epochs=0.1, rounds=19))}
    assert all(
        table.title.endswith("2,000 images of 16 x 16, 0.1 of all epochs")
        for table in found.values()
    )
    assert found["curves"].header == ["labels", "random", "autoal_paper"]
    assert found["curves"].rows[1][:2] == [4, Spread.of([0.4, 0.5])]
    # Both seeds of the published method are as good: a deviation of zero, which is not unknown.
    assert found["curves"].rows[0] == [2, Spread(0.2, 0.0), Spread(0.2, 0.0)]
    assert found["images"].rows[0] == ["random", 20 * (2 + 4), 0, 0, 0, 20 * (2 + 4)]
    assert {"results", "against_random", "against_autoal_paper", "seconds"} <= found.keys()


def test_a_single_seed_has_no_deviation(tmp_path: Path) -> None:
    write_run(tmp_path, "random", [0.2, 0.4])
    found = {table.name: table for table in tables(tmp_path, SMALLEST)}
    assert found["curves"].rows == [[2, Spread(0.2, None)], [4, Spread(0.4, None)]]


def test_it_is_told_whether_a_search_moved(tmp_path: Path) -> None:
    for seed, last in enumerate((0.7, 0.9)):
        weights = [{}, {"margin": 0.5, "badge": 0.5}, {"margin": last, "badge": 1 - last}]
        folder = write_run(tmp_path, f"a{seed}", [0.2] * 3, strategy="autoal_paper", seed=seed)
        path = folder / "rounds.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        told = [
            {**line, "notes": {"weights": own}} for line, own in zip(lines, weights, strict=True)
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in told))
    write_run(tmp_path, "random", [0.2] * 3)
    found = {table.name: table for table in tables(tmp_path, SMALLEST)}
    margin, badge = found["weights"].rows
    assert margin == ["autoal_paper", "margin", Spread(0.5, 0.0), Spread.of([0.7, 0.9]), (0.5, 0.9)]
    assert badge[:3] == ["autoal_paper", "badge", Spread(0.5, 0.0)]
