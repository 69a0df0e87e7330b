import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoal.data.cache import NamedArrays, cached, locked


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where entries of the kind are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "autoal" / "kind"


class Made:
    """Arrays, and how often they were made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> NamedArrays:
        self.times += 1
        return {"x": np.arange(1000), "y": np.zeros((0, 3))}


@pytest.fixture
def make() -> Made:
    return Made()


def sound(arrays: NamedArrays) -> bool:
    return arrays["x"].tolist() == list(range(1000)) and arrays["y"].shape == (0, 3)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "an empty file": lambda entry: (entry / "x.npy").write_bytes(b""),
    "a short file": lambda entry: os.truncate(entry / "x.npy", 1000),
    "a file of something else": lambda entry: (entry / "x.npy").write_bytes(b"nothing of the kind"),
    "a missing file": lambda entry: (entry / "y.npy").unlink(),
    "no list of its contents": lambda entry: (entry / "contents.json").unlink(),
    "a damaged list of its contents": lambda entry: (entry / "contents.json").write_text("7"),
    "an empty list of its contents": lambda entry: (entry / "contents.json").write_text("[]"),
    "a list that lacks one of its contents": lambda entry: (entry / "contents.json").write_text(
        json.dumps({"x.npy": (entry / "x.npy").stat().st_size})
    ),
    "a long file": lambda entry: os.truncate(entry / "x.npy", 9000),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_named_and_made_anew(
    folder: Path,
    make: Made,
    damage: Callable[[Path], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sound(cached("kind", "key", make))
    damage(folder / "key")
    assert sound(cached("kind", "key", make))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder / 'key'} is damaged, and rebuilt: ")
    assert sound(cached("kind", "key", make))
    assert make.times == 2
    assert not capsys.readouterr().err


def test_an_entry_that_another_made_meanwhile_is_left_as_it_is(folder: Path, make: Made) -> None:
    def slow() -> NamedArrays:
        cached("kind", "key", make)
        return {"x": np.zeros(3)}

    assert sound(cached("kind", "key", slow))
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_nothing_half_written_is_left_of_a_writer_that_was_stopped(
    folder: Path, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(opened: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        cached("kind", "key", make)
    assert not list(folder.iterdir())


def test_what_a_dead_writer_left_is_cleaned_up_and_a_living_one_s_is_not(
    folder: Path, make: Made
) -> None:
    for name in (".part-dead", ".part-living"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.npy").write_bytes(b"half")
    with locked(folder / ".part-living"):
        cached("kind", "key", make)
    assert sorted(path.name for path in folder.iterdir()) == [".part-living", "key"]


def test_the_files_are_on_the_disk_before_the_entry_has_its_name(
    folder: Path, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def sync(opened: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{opened}")).name)
        if synced[-1] != "kind":
            assert not (folder / "key").exists()

    monkeypatch.setattr(os, "fsync", sync)
    cached("kind", "key", make)
    part = synced.pop(3)
    assert part.startswith(".part-")
    assert synced == ["x.npy", "y.npy", "contents.json", "kind"]


def test_it_is_told_where_the_cache_cannot_be_written(
    folder: Path, make: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.write_text("")
    assert sound(cached("kind", "key", make))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder / 'key'} cannot be stored, and will be rebuilt next time: ")
