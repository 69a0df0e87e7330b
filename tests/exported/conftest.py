import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
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


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of noise, whose names tell which is bright."""
    folder, noise = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(24):
        name, least = ("dark", 0) if number % 2 else ("bright", 100)
        pixels = noise.integers(least, least + 150, (12, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name} {number}.png")
    return folder


@pytest.fixture(scope="session")
def photos(train: Zygote, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose pictures were labelled in files; one of them was declined."""
    out = tmp_path_factory.mktemp("photos")
    options = (
        *("data=unlabelled", f"data.path={pictures}", "data.classes=[dark,bright]", "data.check=4"),
        *("data.size=8", "encoder=patches", "encoder.count=8", "encoder.image=8", "task=logistic"),
        *("start=random", "start.size=6", "strategy=margin", "budget=4", "rounds=1"),
        *("oracle=files", "stop=none", "logger=none", f"out={out}", "name=run"),
    )
    while (finished := train.run(*options)).code == 75:
        answer(out / "run" / "to_label.csv")
    assert finished.code == 0, finished.err
    return out / "run"


def answer(path: Path) -> None:
    """Fill a file in by the names of its pictures, but for one, about which somebody is unsure."""
    table = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        for place, line in enumerate(table):
            word = "unsure" if len(table) == 10 and place == 9 else line["name"].split()[0]
            writer.writerow({**line, "label": word})


@pytest.fixture
def kept(train: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the cache in which the runs of `train` keep things."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(train.folder / ".cache"))
