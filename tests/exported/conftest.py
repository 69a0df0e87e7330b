from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from tests.launch import Zygote


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An npz file of small pictures whose classes have odd names."""
    images, labels = (load_digits().images * 15).astype(np.uint8), load_digits().target
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(
        path,
        train_images=images[:150],
        train_labels=labels[:150],
        test_images=images[150:210],
        test_labels=labels[150:210],
        classes=["zero", "one, two", 'a "quote"', "..", "a/b", "5", "6", "7", "8", "test"],
    )
    return path


@pytest.fixture(scope="session")
def irises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table for training and one for the test."""
    folder = tmp_path_factory.mktemp("irises")
    inputs, labels = load_iris(return_X_y=True)
    for name, rows in (("train", slice(0, None, 2)), ("test", slice(1, None, 2))):
        pairs = zip(inputs[rows].tolist(), labels[rows], strict=True)
        lines = [",".join(map(str, cells)) + f",kind {label}" for cells, label in pairs]
        (folder / f"{name}.csv").write_text("\n".join(["a,b,c,d,kind", *lines]) + "\n")
    return folder


@pytest.fixture(scope="session")
def mlp(train: Zygote, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, with rows held out."""
    out = tmp_path_factory.mktemp("mlp")
    options = ("data=npz", f"data.path={digits}", "data.validation=6", "task=mlp", "task.steps=5")
    sizes = ("strategy=margin", "start=12", "budget=8", "rounds=1", "logger=none")
    finished = train.run(*options, *sizes, f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return out / "run"
