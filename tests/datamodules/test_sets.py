import gzip
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.cifar import Cifar10, Cifar100
from autoal.datamodules.folder import Folder
from autoal.datamodules.medmnist import MedMnist
from autoal.datamodules.mnist import FashionMnist, Mnist
from autoal.datamodules.npz import Npz
from autoal.datamodules.svhn import Svhn
from autoal.datamodules.table import Table
from autoal.datamodules.tinyimagenet import TinyImageNet
from PIL import Image

from autoal import ImageData, Rows
from autoal.data.order import fixed_order
from autoal.errors import UserError
from autoal.testing import check_data
from tests.datamodules.made import (
    pixels,
    planes,
    write_cifar10,
    write_cifar100,
    write_corrupt_picture,
    write_mnist,
    write_npz,
    write_pictures,
    write_svhn,
    write_tiny_imagenet,
)


def opened(data: ImageData) -> ImageData:
    data.setup()
    return data


def for_test(data: ImageData) -> Rows:
    """The test rows, which all of these sets have."""
    assert data.test is not None
    return data.test


def in_file(rows: Rows) -> tuple[list[int], Any]:
    """Labels and images in the order of the file."""
    order = torch.arange(len(rows)) if rows.places is None else rows.places.argsort()
    return rows.labels[order].tolist(), rows.inputs[order].numpy()


@pytest.mark.parametrize("archive", [False, True])
def test_cifar10_is_read_from_its_archive_or_its_folder(tmp_path: Path, archive: bool) -> None:
    images, labels = write_cifar10(tmp_path, archive)
    data = opened(Cifar10(root=str(tmp_path), check=False))
    assert np.array_equal(in_file(data.train)[1], planes(images[:50]))
    assert in_file(data.train)[0] == labels[:50]
    assert np.array_equal(for_test(data).inputs, planes(images[50:]))
    assert data.train.shown is data.train.inputs
    assert data.train.shape == (3, 32, 32)
    assert data.classes[3] == "cat"


def test_cifar_files_of_another_checksum_are_refused(tmp_path: Path) -> None:
    write_cifar10(tmp_path, archive=True)
    with pytest.raises(UserError, match="expected c58f30108f718f92721af3b95e74349a"):
        Cifar10(root=str(tmp_path)).setup()


def test_cifar_batches_are_never_run_as_code(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    write_cifar10(tmp_path, archive=False)
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match=r"names (posix|nt)\.mkdir"):
        Cifar10(root=str(tmp_path), check=False).setup()
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("archive", [False, True])
def test_cifar100_has_its_fine_labels_and_their_names(tmp_path: Path, archive: bool) -> None:
    labels = write_cifar100(tmp_path, archive)
    data = opened(Cifar100(root=str(tmp_path), check=False))
    assert in_file(data.train)[0] == for_test(data).labels.tolist() == labels
    assert len(data.classes) == 100
    assert data.classes[99] == "fine 99"
    assert opened(Cifar100(root=str(tmp_path), check=False)).classes == data.classes


def test_svhn_has_its_ten_as_zero(tmp_path: Path) -> None:
    images = write_svhn(tmp_path)
    data = opened(Svhn(root=str(tmp_path), check=False))
    assert np.array_equal(in_file(data.train)[1], planes(images))
    assert in_file(data.train)[0] == [0, 1, 9, 2] * 3


@pytest.mark.parametrize("kind", [Mnist, FashionMnist])
def test_mnist_is_read_from_idx_files(kind: type[Mnist], tmp_path: Path) -> None:
    images = write_mnist(tmp_path, kind.published.__name__)
    data = opened(kind(root=str(tmp_path), check=False))
    assert np.array_equal(in_file(data.train)[1], images[:, None])
    assert for_test(data).labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    path = tmp_path / kind.published.__name__ / "raw" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x09ab"))
    with pytest.raises(UserError, match="not an idx file of bytes, or not all of one"):
        kind(root=str(tmp_path), check=False).setup()


def test_medmnist_is_read_by_flag_and_size(tmp_path: Path) -> None:
    images = write_npz(tmp_path / "organcmnist_64.npz")
    data = MedMnist("organcmnist", size=64, root=str(tmp_path), check=False)
    data.setup()
    assert np.array_equal(in_file(data.train)[1], images[:, None])
    assert in_file(data.train)[0] == [0, 1, 2] * 4
    assert len(data.classes) == 11
    assert data.counts == (12_975, 8_216)


def test_medmnist_refuses_several_labels_unknown_flags_and_sizes() -> None:
    with pytest.raises(UserError, match="several labels an image"):
        MedMnist("chestmnist")
    with pytest.raises(UserError, match="did you mean 'pathmnist'"):
        MedMnist("pathmnis")
    with pytest.raises(UserError, match="28, 64, 128, 224"):
        MedMnist("pathmnist", size=32)


def test_a_set_of_another_size_than_published_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npz(tmp_path / "organcmnist.npz")
    data = MedMnist("organcmnist", root=str(tmp_path))
    monkeypatch.setattr(data.folder, "verify", lambda path, expected: None)
    with pytest.raises(UserError, match=r"has 12 \+ 12 images, expected 12,975 \+ 8,216"):
        data.setup()


def test_an_npz_of_ones_own_is_read(tmp_path: Path) -> None:
    colour = pixels(12, 9, 13, 3)
    images = {f"{part}_images": colour for part in ("train", "val", "test")}
    write_npz(tmp_path / "a.npz", **images, classes=np.array(["x", "y", "z"]))
    data = opened(Npz(str(tmp_path / "a.npz")))
    assert np.array_equal(in_file(data.train)[1], planes(colour))
    assert data.classes == ("x", "y", "z")


def test_an_npz_without_a_test_set_is_split_class_by_class(tmp_path: Path) -> None:
    images, labels = pixels(40, 8, 8), np.repeat([0, 1], 20)
    write_npz(
        tmp_path / "a.npz",
        train_images=images,
        train_labels=labels,
        **dict.fromkeys(("test_images", "test_labels", "val_images", "val_labels")),
    )
    first, second = (opened(Npz(str(tmp_path / "a.npz"), test_share=0.25)) for _ in range(2))
    assert for_test(first).labels.bincount().tolist() == [5, 5]
    assert len(first.train) == 30
    assert np.array_equal(for_test(first).inputs, for_test(second).inputs)
    both = np.concatenate([first.train.inputs, for_test(first).inputs]).reshape(40, -1)
    assert sorted(map(bytes, both)) == sorted(map(bytes, images.reshape(40, -1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": None}, "it has no train_images, only test_images, test_labels, train_la"),
        ({"train_images": pixels(12, 28, 28).astype(float)}, "must be bytes of the shape"),
        ({"train_images": pixels(12, 28)}, "must be bytes of the shape"),
        ({"test_labels": None}, "there is no test_labels among"),
        (
            {"train_labels": np.arange(5)},
            r"train_labels must be one for each of 12 images, got \(5,\)",
        ),
        ({"train_labels": np.full(12, 0.5)}, r"train_labels\[0\]: 0\.5 is not a class"),
        ({"train_labels": np.full(12, np.inf)}, r"train_labels\[0\]: inf is not a class"),
        ({"train_labels": np.full(12, np.nan)}, r"train_labels\[0\]: every image needs a class"),
        ({"train_labels": np.arange(12) - 1}, r"train_labels\[0\]: .* needs a class, got -1"),
        ({"train_labels": np.zeros((12, 2))}, "several labels a row are not supported"),
        ({"train_labels": np.zeros(12, "M8[D]")}, "train_labels.npy is of datetime64"),
        ({"train_labels": np.zeros(12, complex)}, "train_labels.npy is of complex128"),
        ({"train_labels": np.zeros(12, "i4,i4")}, "numbers and texts are read"),
        ({"train_labels": [b"\xff"] * 12}, "is not valid UTF-8"),
        (
            {"train_labels": np.array(3)},
            r"train_labels must be one for each of 12 images, got \(\)",
        ),
        ({"train_labels": ["cat"] * 12}, "labels are numbers or names, not both"),
        (
            {"val_labels": np.full(12, 2**32 - 1, "u4")},
            r"val_labels\[0\] is 4294967295: 36 rows",
        ),
        ({"test_labels": np.full(12, 9), "classes": ["x", "y", "z"]}, r"test_labels\[0\]: 9 is no"),
        ({"test_images": pixels(0, 28, 28), "test_labels": np.zeros(0, int)}, "test has no rows"),
        ({"test_images": pixels(12, 9, 9)}, r"test has rows of torch.uint8 \(1, 9, 9\), but those"),
        (
            {"train_images": pixels(12, 0, 28)},
            r"must be bytes of the shape .* got uint8 \(12, 0, 28\)",
        ),
        ({"classes": ["x"] * 3}, "a class is named twice: x, x, x"),
        ({"classes": [["x", "y"], ["z", "a"]]}, r"classes must be one name for each, got \(2, 2\)"),
        ({"classes": np.array([["x"], {}], object)}, "classes.npy is of object.*astype"),
        ({"train_images": np.array([{}] * 12, dtype=object)}, "cannot be read as npz"),
    ],
)
def test_an_npz_that_cannot_be_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_npz(tmp_path / "a.npz", **changes)
    with pytest.raises(UserError, match=message):
        Npz(str(tmp_path / "a.npz")).setup()


def test_labels_of_an_npz_may_be_names_or_numbers_of_any_kind(tmp_path: Path) -> None:
    numbers = np.array([0, 1, 2] * 4)
    names = np.array(["ape", "bee", "cat"])
    for labels in (names[numbers], np.char.encode(names)[numbers], numbers.astype(float)):
        changes = {f"{part}_labels": labels for part in ("train", "val", "test")}
        write_npz(tmp_path / "a.npz", **changes)
        data = opened(Npz(str(tmp_path / "a.npz")))
        assert in_file(data.train)[0] == numbers.tolist()
    assert data.classes == ("class 0", "class 1", "class 2")
    write_npz(tmp_path / "a.npz", train_labels=names[[0, 2, 1] * 4], classes=["cat", "ape", "bee"])
    data = opened(Npz(str(tmp_path / "a.npz")))
    assert in_file(data.train)[0] == [1, 0, 2] * 4


def test_classes_that_no_image_has_are_kept_below_the_highest(tmp_path: Path) -> None:
    labels = {f"{part}_labels": np.array([0, 5] * 6) for part in ("train", "val", "test")}
    write_npz(tmp_path / "a.npz", **labels)
    assert len(opened(Npz(str(tmp_path / "a.npz"))).classes) == 6


def test_an_npz_that_is_none_or_absurd_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(UserError, match="there is no file"):
        Npz(str(path)).setup()
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="cannot be read as npz"):
        Npz(str(path)).setup()
    write_npz(path)
    monkeypatch.setattr("autoal.data.npz.MOST_BYTES", 1000)
    with pytest.raises(UserError, match="would unpack to"):
        Npz(str(path)).setup()


def test_a_folder_of_pictures_is_read_and_resized(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train")
    write_pictures(tmp_path / "test", count=1)
    data = opened(Folder(str(tmp_path), size=8))
    assert data.classes == ("cat", "dog")
    assert in_file(data.train)[0] == [0, 0, 0, 1, 1, 1]
    assert data.train.shape == (3, 8, 8)
    assert for_test(data).inputs[1, :, 0, 0].tolist() == [100, 0, 50]
    assert opened(Folder(str(tmp_path), size=8, channels=1)).train.shape == (1, 8, 8)


def test_the_rows_of_a_folder_are_called_by_their_files(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", count=5)
    write_pictures(tmp_path / "test", count=1)
    broken = write_corrupt_picture(tmp_path / "train")
    data = opened(Folder(str(tmp_path), size=8, corrupt="skip"))
    names = data.train.named(torch.arange(10))
    assert sorted(names)[:2] == ["train/cat/0.png", "train/cat/1.jpg"]
    assert str(broken.relative_to(tmp_path)) not in names
    for name, label in zip(names, data.train.labels.tolist(), strict=True):
        assert Path(name).parent.name == data.classes[label]
    assert for_test(data).named(torch.arange(2)) == ["test/cat/0.png", "test/dog/0.png"]


def test_the_nearest_row_number_does_not_tell_the_class(tmp_path: Path) -> None:
    for name in ("cat", "dog", "eel", "fox"):
        (tmp_path / name).mkdir()
        for number in range(50):
            Image.new("L", (4, 4), number).save(tmp_path / name / f"{number:02}.png")
    data = opened(Folder(str(tmp_path), size=4, channels=1, test_share=0.1))
    known = torch.arange(0, len(data.train), 9)
    nearest = (torch.arange(len(data.train))[:, None] - known).abs().argmin(1)
    guessed = data.train.labels[known][nearest] == data.train.labels
    hidden = torch.ones(len(data.train), dtype=torch.bool).index_fill(0, known, False)
    assert float(guessed[hidden].float().mean()) < 0.4


def test_images_in_their_fixed_order_are_still_read_from_the_cache(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    for _ in range(2):
        data = opened(Npz(str(tmp_path / "a.npz")))
    assert data.train.places is not None
    assert data.train.places.tolist() == fixed_order(12).tolist()
    assert data.train.inputs.data_ptr() == data.train.shown.data_ptr()  # type: ignore[union-attr]
    assert data.train.named(torch.tensor([3])) == [f"train[{fixed_order(12)[3]}]"]


def test_a_folder_without_a_test_set_is_split(tmp_path: Path) -> None:
    write_pictures(tmp_path, count=10)
    data = opened(Folder(str(tmp_path)))
    assert (len(data.train), len(for_test(data))) == (16, 4)


def test_a_corrupt_picture_is_named_and_refused_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path, count=10)
    broken = write_corrupt_picture(tmp_path)
    with pytest.raises(UserError, match=r"broken\.png.*\n.*data\.corrupt=skip"):
        Folder(str(tmp_path)).setup()
    data = opened(Folder(str(tmp_path), corrupt="skip"))
    assert len(data.train) + len(for_test(data)) == 20
    assert str(broken) in capsys.readouterr().err


def test_a_picture_that_is_a_bomb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path)
    monkeypatch.setattr("autoal.data.pictures.MOST_PIXELS", 320)
    with pytest.raises(UserError, match="17 x 20 pixels are more than 320"):
        Folder(str(tmp_path)).setup()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        Folder(str(tmp_path / "none")).setup()
    with pytest.raises(UserError, match="at least two classes; found none\n  data=unlabelled"):
        Folder(str(tmp_path)).setup()
    write_pictures(tmp_path / "train")
    write_pictures(tmp_path / "test")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "eel")
    with pytest.raises(UserError, match="a class 'eel' that the training images lack"):
        Folder(str(tmp_path)).setup()
    with pytest.raises(UserError, match="did you mean 'skip'"):
        Folder(str(tmp_path), corrupt="skipp")


def test_only_folders_of_pictures_are_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path, count=5)
    for name in (".ipynb_checkpoints", "__MACOSX", "val"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    (tmp_path / "empty").mkdir()
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert opened(Folder(str(tmp_path), size=8)).classes == ("cat", "dog")
    told = capsys.readouterr().err.splitlines()
    assert [Path(line.split(":")[0]).name for line in told] == ["again", "empty"]


def test_a_class_in_the_folder_of_a_part_may_be_called_as_a_part(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train")
    (tmp_path / "train" / "dog").rename(tmp_path / "train" / "test")
    assert opened(Folder(str(tmp_path), size=8)).classes == ("cat", "test")


def test_a_test_folder_beside_the_classes_is_the_test_set(tmp_path: Path) -> None:
    write_pictures(tmp_path, count=3)
    write_pictures(tmp_path / "test", count=1)
    data = opened(Folder(str(tmp_path), size=8))
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(for_test(data))) == (6, 2)


def test_a_class_is_not_emptied_by_leaving_pictures_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, count=3)
    for path in (tmp_path / "dog").iterdir():
        path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=r"no picture of the class 'dog' can be read: .*0\.png"):
        Folder(str(tmp_path), corrupt="skip").setup()


ODD: dict[str, Callable[[Path], object]] = {
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "another format": lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    "nothing": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("write", ODD.values(), ids=ODD)
def test_what_is_no_picture_is_refused_or_left_out(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    write_pictures(tmp_path, count=5)
    write(tmp_path / "cat" / "odd.png")
    with pytest.raises(UserError, match=r"cannot read .*odd\.png"):
        Folder(str(tmp_path)).setup()
    data = opened(Folder(str(tmp_path), corrupt="skip"))
    assert len(data.train) + len(for_test(data)) == 10


def test_pil_warns_of_nothing_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 200)
    assert len(opened(Folder(str(tmp_path), size=8)).train) == 4


@pytest.mark.parametrize("archive", [False, True])
def test_tiny_imagenet_is_read_from_its_tree_or_its_zip(tmp_path: Path, archive: bool) -> None:
    write_tiny_imagenet(tmp_path, archive)
    data = opened(TinyImageNet(root=str(tmp_path), check=False))
    assert data.classes == ("tench", "goldfish")
    assert in_file(data.train)[0] == [1] * 6 + [0] * 6
    assert for_test(data).labels.tolist() == [1, 0]
    assert abs(int(for_test(data).inputs[1].float().mean()) - 200) <= 2
    assert data.train.shape == (3, 64, 64)


def test_tiny_imagenet_without_its_words_has_its_identifiers(tmp_path: Path) -> None:
    write_tiny_imagenet(tmp_path)
    (tmp_path / "tiny-imagenet-200" / "words.txt").unlink()
    assert opened(TinyImageNet(root=str(tmp_path), check=False)).classes == ("n02", "n01")


def test_validation_images_come_from_the_file(tmp_path: Path) -> None:
    own = pixels(5, 28, 28)
    write_npz(tmp_path / "a.npz", val_images=own, val_labels=np.array([0, 1, 2, 0, 1]))
    data = opened(Npz(str(tmp_path / "a.npz"), validation=5))
    assert data.validation is not None
    assert np.array_equal(data.validation.inputs, own[:, None])
    assert len(data.train) == 12


@pytest.mark.parametrize("path", [None, 5, ["a"]])
@pytest.mark.parametrize("kind", [Npz, Folder, Table, lambda path: Mnist(root=path or 5)])
def test_a_path_that_is_no_text_is_refused(kind: Callable[[Any], object], path: Any) -> None:
    with pytest.raises(ValueError, match="must be a text"):
        kind(path)


@pytest.mark.parametrize("share", [float("nan"), 0, 1.0, "a", True])
@pytest.mark.parametrize("kind", [Npz, Folder])
def test_a_share_that_is_none_is_refused(kind: Callable[..., object], share: Any) -> None:
    with pytest.raises(ValueError, match="`test_share` must be"):
        kind("a", test_share=share)


def test_imbalance_thins_the_training_images_alone(tmp_path: Path) -> None:
    images, labels = pixels(40, 8, 8), np.repeat([0, 1], 20)
    parts = ("train", "val", "test")
    arrays = {f"{part}_images": images for part in parts}
    arrays |= {f"{part}_labels": labels for part in parts}
    write_npz(tmp_path / "a.npz", **arrays)
    data = opened(Npz(str(tmp_path / "a.npz"), imbalance="step", imbalance_ratio=4.0))
    assert data.train.labels.bincount().tolist() == [20, 5]
    assert for_test(data).labels.bincount().tolist() == [20, 20]
    with pytest.raises(UserError, match="did you mean 'long_tail'"):
        Npz("a.npz", imbalance="longtail")


def test_pictures_of_ones_own_keep_the_promises_of_data(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    check_data(Npz(str(tmp_path / "a.npz"), validation=5))
    write_pictures(tmp_path / "pictures", count=5)
    check_data(Folder(str(tmp_path / "pictures"), size=8))


def test_one_file_is_read_as_either_of_two_data_sets(tmp_path: Path) -> None:
    path = tmp_path / "organcmnist.npz"
    write_npz(path, classes=["x", "y", "z"])
    for _ in range(2):
        assert len(opened(MedMnist("organcmnist", root=str(tmp_path), check=False)).classes) == 11
        assert opened(Npz(str(path))).classes == ("x", "y", "z")


def test_a_class_that_is_new_moves_the_labels_of_pictures_that_were_decoded(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train")
    write_pictures(tmp_path / "test")
    opened(Folder(str(tmp_path), size=8))
    (tmp_path / "train" / "ape").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "train" / "ape" / "0.png")
    assert for_test(opened(Folder(str(tmp_path), size=8))).labels.tolist() == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("train", ["train", "."])
@pytest.mark.parametrize("test", [True, False])
def test_a_folder_val_is_the_validation_part(tmp_path: Path, train: str, test: bool) -> None:
    write_pictures(tmp_path / train, count=5)
    write_pictures(tmp_path / "val", count=2)
    if test:
        write_pictures(tmp_path / "test", count=1)
    data = opened(Folder(str(tmp_path), size=8, validation=None))
    assert data.validation is not None
    names = data.validation.named(torch.arange(4))
    assert names == [f"val/{name}" for name in ("cat/0.png", "cat/1.jpg", "dog/0.png", "dog/1.jpg")]
    assert (len(data.train), len(for_test(data))) == ((10, 2) if test else (8, 2))


def test_validation_images_are_read_from_an_npz_without_test_images(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", test_images=None, test_labels=None)
    data = opened(Npz(str(tmp_path / "a.npz"), validation=None))
    assert data.validation is not None
    assert (len(data.validation), len(data.train) + len(for_test(data))) == (12, 12)


def test_labels_are_counted_before_they_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("autoal.data.classes.values_of")
    write_npz(tmp_path / "a.npz", train_labels=["cat"] * 13)
    with pytest.raises(UserError, match=r"must be one for each of 12 images, got \(13,\)"):
        Npz(str(tmp_path / "a.npz")).setup()
