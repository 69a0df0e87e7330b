"""Pictures that are held and pictures that stay on the disk are the same rows."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from autoal.datamodules.folder import Folder
from autoal.datamodules.medmnist import MedMnist
from autoal.datamodules.npz import Npz
from autoal.datamodules.shards import Shards
from autoal.datamodules.unlabelled import Unlabelled
from PIL import Image

from autoal import Data, Encoded
from autoal.data.cache import cache_folder
from autoal.data.lazy import LazyTensor
from autoal.encoders.patches import Patches
from autoal.errors import UserError
from tests.datamodules.made import write_corrupt_picture, write_npz
from tests.launch import Zygote

CPU = torch.device("cpu")


def noise(number: int, height: int = 20) -> Image.Image:
    drawn = np.random.default_rng(number).integers(256, size=(height, 16, 3), dtype=np.uint8)
    return Image.fromarray(drawn)


def write_folder(path: Path) -> Path:
    """Pictures of several sizes and formats in two classes."""
    for number in range(30):
        folder = path / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        ending = ("png", "jpg", "webp")[number % 3]
        noise(number, 20 + number).save(folder / f"{number:02}.{ending}")
    return path


def write_shards(path: Path, numbers: bool = True) -> Path:
    """Thirty pictures of several sizes, in shards of 11, 12 and 7."""
    path.mkdir()
    for shard, (begin, end) in enumerate(((0, 11), (11, 23), (23, 30))):
        with tarfile.open(path / f"{shard}.tar", "w") as tar:
            for number in range(begin, end):
                label = f"{number % 3}" if numbers else "abc"[number % 3]
                _add(tar, f"{number:04}.jpg", _jpeg(number))
                _add(tar, f"{number:04}.cls", label.encode())
    return path


def _jpeg(number: int) -> bytes:
    content = io.BytesIO()
    noise(number, 20 + number).save(content, "JPEG")
    return content.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def write_own(path: Path) -> Path:
    write_npz(path)
    return path


def medmnist(path: Path, memory: str) -> Data:
    return MedMnist("organcmnist", root=str(path.parent), check=False, memory=memory)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


WAYS: dict[str, tuple[Callable[[Path], Path], Callable[[Path, str], Data]]] = {
    "folder": (write_folder, lambda path, memory: Folder(str(path), size=8, memory=memory)),
    "shards": (write_shards, lambda path, memory: Shards(str(path), size=8, memory=memory)),
    "npz": (write_own, lambda path, memory: Npz(str(path), memory=memory, validation=3)),
    "medmnist": (write_own, medmnist),
    "photos": (write_folder, lambda path, memory: Unlabelled(str(path), size=8, memory=memory)),
    "an npz of one's own": (write_own, lambda path, memory: Unlabelled(str(path), memory=memory)),
}


@pytest.fixture(params=list(WAYS))
def both(request: pytest.FixtureRequest, tmp_path: Path) -> list[Data]:
    """One data set, held and on the disk."""
    write, make = WAYS[request.param]
    path = write(tmp_path / "organcmnist.npz")
    found = [make(path, memory) for memory in ("ram", "disk")]
    for data in found:
        data.setup()
    return found


def test_rows_on_the_disk_are_those_that_are_held(both: list[Data]) -> None:
    ram, disk = both
    assert isinstance(disk.train.inputs, LazyTensor)
    assert not isinstance(ram.train.inputs, LazyTensor)
    for first, second in ((ram.train, disk.train), (ram.test, disk.test)):
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert torch.equal(first.inputs, second.inputs)
            assert torch.equal(first.labels, second.labels)
            assert first.named(torch.arange(len(first))) == second.named(torch.arange(len(second)))
            assert first.fingerprint() == second.fingerprint()
            assert first.keys == second.keys
    assert ram.classes == disk.classes
    assert ram.remembered() == disk.remembered()


def test_what_is_computed_of_them_is_the_same_and_kept_once(both: list[Data]) -> None:
    inputs = both[0].train.inputs[:5]
    ready = [data.preprocess().eval()(inputs) for data in both]
    assert torch.equal(*ready)
    seen = [Encoded(data, Patches(count=8, size=3, image=8), CPU) for data in both]
    for encoded in seen:
        encoded.setup()
    assert torch.equal(seen[0].train.inputs, seen[1].train.inputs)
    assert len(list((cache_folder() / "features").iterdir())) == 1


def test_pictures_that_were_kept_without_their_digests_are_read_without_keys(
    tmp_path: Path,
) -> None:
    path = write_folder(tmp_path / "pictures")
    new, old = (Folder(str(path), size=8, memory="ram") for _ in range(2))
    new.setup()
    for entry in (cache_folder() / "decoded").iterdir():
        for file in entry.glob("*_digests.npy"):
            file.unlink()
        contents = json.loads((entry / "contents.json").read_text())
        left = {name: size for name, size in contents.items() if "digests" not in name}
        (entry / "contents.json").write_text(json.dumps(left))
    old.setup()
    assert new.train.keys is not None
    assert old.train.keys is None
    assert torch.equal(old.train.inputs, new.train.inputs)


def test_pictures_are_decoded_when_they_are_read_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_folder(tmp_path / "pictures")
    data = Folder(str(path), size=8, memory="disk")
    data.setup()
    read: list[str] = []
    read_bytes = Path.read_bytes

    def watched(path: Path) -> bytes:
        read.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    again = Folder(str(path), size=8, memory="disk")  # whose pictures were looked through
    again.setup()
    assert not read
    some = torch.tensor([4, 2, 7])
    assert torch.equal(again.train.take(some).inputs.float(), data.train.inputs[some].float())
    assert len(read) == 6


@pytest.mark.parametrize("memory", ["ram", "disk"])
def test_a_broken_picture_is_named_or_left_out(
    memory: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_folder(tmp_path / "pictures")
    (path / "cat" / "0.png").write_bytes((path / "cat" / "00.png").read_bytes())
    write_corrupt_picture(path)
    with pytest.raises(UserError, match=r"cannot read .*broken\.png.*\n.*data\.corrupt=skip"):
        Folder(str(path), memory=memory).setup()
    data = Folder(str(path), memory=memory, corrupt="skip")
    data.setup()
    assert len(data.train) + len(data.test or ()) == 31
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize("memory", ["ram", "disk"])
def test_a_broken_member_of_a_shard_is_named_or_left_out(memory: str, tmp_path: Path) -> None:
    path = write_shards(tmp_path / "shards")
    with tarfile.open(path / "3.tar", "w") as tar:
        _add(tar, "0099.jpg", _jpeg(99)[:200])
        _add(tar, "0099.cls", b"1")
    with pytest.raises(
        UserError, match=r"cannot read .*3\.tar/0099\.jpg: .*\n.*data\.corrupt=skip"
    ):
        Shards(str(path), memory=memory).setup()
    data = Shards(str(path), memory=memory, corrupt="skip")
    data.setup()
    assert len(data.train) + len(data.test or ()) == 30


def test_a_picture_that_is_gone_when_it_is_read_is_named(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "pictures")
    data = Folder(str(path), size=8, memory="disk")
    data.setup()
    gone = path / data.train.named(torch.tensor([3]))[0]
    gone.unlink()
    assert len(data.train.inputs[:3].float()) == 3
    with pytest.raises(UserError, match=rf"cannot read {gone}: there is no file"):
        data.train.inputs.float()


def test_shards_have_names_or_numbers_for_classes(tmp_path: Path) -> None:
    numbers, names = (
        Shards(str(write_shards(tmp_path / kind, kind == "numbers")), size=8)
        for kind in ("numbers", "names")
    )
    for data in (numbers, names):
        data.setup()
    assert numbers.classes == ("class 0", "class 1", "class 2")
    assert names.classes == ("a", "b", "c")
    assert torch.equal(numbers.train.labels, names.train.labels)
    assert torch.equal(numbers.train.inputs, names.train.inputs)
    name, label = numbers.train.named(torch.arange(1))[0], int(numbers.train.labels[0])
    assert int(name.rpartition("/")[2].removesuffix(".jpg")) % 3 == label


def test_parts_of_shards_stand_in_folders(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "test", "val")):
        write_shards(tmp_path / f"{number}").rename(tmp_path / part)
    data = Shards(str(tmp_path), size=8, validation=None)
    data.setup()
    assert [len(rows or ()) for rows in (data.train, data.test, data.validation)] == [30, 30, 30]


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*nowhere; data\.path="):
        Shards(str(tmp_path / "nowhere")).setup()
    with pytest.raises(UserError, match=r"there are no shards in .* named \*\.tar"):
        Shards(str(tmp_path)).setup()
    with pytest.raises(ValueError, match="memory"):
        Shards(str(tmp_path), memory="tape")


def test_an_npz_that_lies_column_by_column_is_to_be_held(tmp_path: Path) -> None:
    write_npz(
        tmp_path / "own.npz", train_images=np.asfortranarray(np.zeros((12, 28, 28), np.uint8))
    )
    with pytest.raises(UserError, match=r"row by row: give data\.memory=ram"):
        Npz(str(tmp_path / "own.npz"), memory="disk").setup()
    Npz(str(tmp_path / "own.npz"), memory="ram").setup()


QUICK = ("strategy=margin", "rounds=2", "start=4", "budget=3", "logger=none", "name=run")


CONVOLUTIONS = ("task=resnet18", "task.network._target_=tests.networks.Tiny")


@pytest.mark.parametrize("task", [("task=linear",), CONVOLUTIONS], ids=["head", "network"])
def test_runs_with_pictures_on_the_disk_and_in_memory_are_one_run(
    task: tuple[str, ...], train: Zygote, tmp_path: Path
) -> None:
    path = write_folder(tmp_path / "pictures")
    options = (f"data.path={path}", "data.size=16", "data.flip=true", *task)
    arguments = (*QUICK, "data=folder", *options)
    records = []
    for memory in ("ram", "disk"):
        finished = train.run(
            *arguments, "task.steps=4", f"data.memory={memory}", f"out={tmp_path / memory}"
        )
        assert finished.code == 0, finished.err
        records.append(without_times(tmp_path / memory / "run" / "rounds.jsonl"))
    assert records[0] == records[1]
    more = (*arguments, "task.steps=4", "data.memory=ram", f"out={tmp_path / 'disk'}", "rounds=3")
    assert train.run(*more).code == 0  # where rows are held makes no other run


def without_times(path: Path) -> list[dict[str, object]]:
    """The records, but for what no two runs share."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: line[key] for key in line if "seconds" not in key} for line in lines]
