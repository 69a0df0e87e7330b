"""Runs that two processes compute together, on the CPU."""

import json
import signal
from pathlib import Path
from socket import create_server
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.launch import Finished, Zygote

TWO = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp")
ONE = TWO[:1]


def lines(folder: Path) -> list[dict[str, Any]]:
    """The rounds without their seconds, which alone may differ."""
    found = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    for each in found:
        del each["seconds"]
    return found


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A pool and a test set of more blocks than one, so that there is something to share."""
    digits = load_digits()
    images = (digits.images * 15).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    train = {"train_images": images[:700], "train_labels": digits.target[:700]}
    test = {"test_images": images[700:], "test_labels": digits.target[700:]}
    np.savez(path, **train, **test)
    small = ("data=npz", f"data.path={path}", "rounds=2", "start=25", "budget=10", "logger=none")
    return (*small, "strategy=margin", "task=resnet18", "task.steps=3")


def both(train: Zygote, *argv: str, die: tuple[str | None, str | None]) -> list[Finished]:
    """Two processes of one run, as torchrun starts them."""
    with create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": "0"}
    started = [
        train.start(*argv, *TWO, die=where, environment={**place, "LOCAL_RANK": str(rank)})
        for rank, where in enumerate(die)
    ]
    return [each.finish() for each in started]


def test_a_frozen_network_queries_the_same_rows_and_is_measured_the_same_to_the_last_digit(
    train: Zygote, tmp_path: Path, quick: tuple[str, ...]
) -> None:
    frozen = (*quick, "task.network._target_=tests.networks.Frozen", f"out={tmp_path}")
    assert train.run(*frozen, *ONE, "name=one").code == 0
    first, second = both(train, *frozen, "name=two", die=(None, None))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert lines(tmp_path / "two") == lines(tmp_path / "one")
    assert (second.out, second.err) == ("", "")


def test_a_network_is_trained_as_on_one_device_and_goes_on_after_a_kill(
    train: Zygote, tmp_path: Path, quick: tuple[str, ...]
) -> None:
    """The first two batches are of 13 and 12 rows, so that the parts are uneven."""
    exact = ("task.network.dropout=0.0", "trainer.precision=64-true")
    mlp = (*quick, "task=mlp", "task.steps=20", "task.batch_size=16", *exact, f"out={tmp_path}")
    assert train.run(*mlp, *ONE, "name=one").code == 0
    first, second = both(train, *mlp, "name=two", die=("between state and rounds", None))
    assert first.code == -signal.SIGKILL
    assert second.code != -signal.SIGTERM  # it ended by itself
    first, second = both(train, *mlp, "name=two", die=(None, None))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    undisturbed = both(train, *mlp, "name=three", die=(None, None))
    assert [each.code for each in undisturbed] == [0, 0]
    one, two, three = (lines(tmp_path / name) for name in ("one", "two", "three"))
    assert two == three
    for alone, together in zip(one, two, strict=True):
        assert together["steps"] == alone["steps"]
        assert together["queried"] == alone["queried"]
        for name in ("accuracy", "nll", "ece"):
            assert together[name] == pytest.approx(alone[name], rel=1e-6)


def test_a_process_that_dies_ends_the_run_with_one_message(
    train: Zygote, tmp_path: Path, quick: tuple[str, ...]
) -> None:
    """As Lightning starts the second."""
    dying = (*quick, "task.network._target_=tests.networks.Dying", f"out={tmp_path}", "name=two")
    ended = train.run(*dying, *TWO)
    assert ended.code == 1, ended.err
    assert ended.err.startswith("error: another process of the run has ended"), ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "two" / "rounds.jsonl").exists()
