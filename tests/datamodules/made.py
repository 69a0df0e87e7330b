"""Tiny data sets in the true formats of the published ones."""

import gzip
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.io import savemat

Pixels = npt.NDArray[np.uint8]


def pixels(count: int, *shape: int) -> Pixels:
    return np.random.default_rng(count).integers(256, size=(count, *shape), dtype=np.uint8)


def planes(images: Pixels) -> Pixels:
    """(n, height, width, channels) as the (n, channels, height, width) that networks read."""
    return images.transpose(0, 3, 1, 2)


def write_cifar10(root: Path, archive: bool = False) -> tuple[Pixels, list[int]]:
    """Fifty training and ten test images."""
    images, labels = pixels(60, 32, 32, 3), [number % 10 for number in range(60)]
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    batches: dict[str, Any] = {}
    for place, name in enumerate(names):
        part = slice(10 * place, 10 * place + 10)
        data = planes(images[part]).reshape(10, -1)
        batches[name] = {"data": data, "labels": labels[part]}
    _write_batches(root / "cifar-10-batches-py", batches)
    if archive:
        _archive(root / "cifar-10-batches-py", root / "cifar-10-python.tar.gz")
    return images, labels


def write_cifar100(root: Path, archive: bool = False) -> list[int]:
    """Twelve training and as many test images."""
    labels = [99, 0, 5, 7] * 3
    batch = {"data": pixels(12, 3072), "fine_labels": labels, "coarse_labels": [1] * 12}
    meta = {"fine_label_names": [f"fine {number}" for number in range(100)]}
    _write_batches(root / "cifar-100-python", {"train": batch, "test": batch, "meta": meta})
    if archive:
        _archive(root / "cifar-100-python", root / "cifar-100-python.tar.gz")
    return labels


def _write_batches(folder: Path, batches: dict[str, Any]) -> None:
    folder.mkdir()
    for name, batch in batches.items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def _archive(folder: Path, path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, folder.name)
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()


def write_svhn(root: Path) -> Pixels:
    """Twelve images in each part."""
    images, labels = pixels(12, 32, 32, 3), np.array([[10], [1], [9], [2]] * 3, np.uint8)
    for part in ("train", "test"):
        content = {"X": np.moveaxis(images, 0, 3), "y": labels}
        savemat(root / f"{part}_32x32.mat", content)
    return images


def write_idx(path: Path, values: Pixels) -> None:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(gzip.compress(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()))


def write_mnist(root: Path, name: str = "MNIST") -> Pixels:
    """Twelve images in each part."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    images = pixels(12, 28, 28)
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(12, dtype=np.uint8) % 10)
    return images


def write_npz(path: Path, **changes: Any) -> Pixels:
    """MedMNIST's layout, with twelve images in each part; a change to None leaves out."""
    images = pixels(12, 28, 28)
    labels = np.array([[0], [1], [2]] * 4, dtype=np.uint8)
    arrays: dict[str, Any] = {
        f"{part}_{kind}": values
        for part in ("train", "val", "test")
        for kind, values in (("images", images), ("labels", labels))
    }
    arrays = {name: values for name, values in {**arrays, **changes}.items() if values is not None}
    np.savez_compressed(path, **arrays)
    return images


def write_pictures(folder: Path, count: int = 3) -> None:
    """Two classes of pictures, in three formats and several sizes."""
    for place, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            colour = (100 * place, number, 50)
            ending = ("png", "jpg", "webp")[number % 3]
            Image.new("RGB", (16 + number, 20), colour).save(folder / name / f"{number}.{ending}")


def write_corrupt_picture(folder: Path) -> Path:
    """One that breaks off, among those of the cats."""
    broken = folder / "cat" / "broken.png"
    broken.write_bytes((folder / "cat" / "0.png").read_bytes()[:40])
    return broken


def write_table(path: Path, count: int = 60, missing: bool = True) -> None:
    """A number, a category, another number and the class; some cells are empty."""
    drawn = np.random.default_rng(count)
    rows = ["age,job,pay,label"]
    for number in range(count):
        age, pay = drawn.integers(20, 60), drawn.normal(loc=number % 2)
        job = ("cook", "nurse", "pilot")[drawn.integers(3)]
        gaps = missing and number % 7 == 0, missing and number % 11 == 0
        cells = ["" if gaps[0] else age, "?" if gaps[1] else job, f"{pay:.3f}", "ny"[number % 2]]
        rows.append(",".join(map(str, cells)))
    path.write_text("\n".join(rows))


def write_tiny_imagenet(root: Path, archive: bool = False) -> None:
    """Two classes, six training and two validation images each."""
    tree = root / "tiny-imagenet-200"
    (tree / "val" / "images").mkdir(parents=True)
    (tree / "wnids.txt").write_text("n02\nn01\n")
    (tree / "words.txt").write_text("n00\tentity\nn01\tgoldfish, Carassius auratus\nn02\ttench\n")
    lines = []
    for place, name in enumerate(("n01", "n02")):
        images = tree / "train" / name / "images"
        images.mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (64, 64), (200 * place,) * 3).save(images / f"{name}_{number}.JPEG")
        Image.new("L", (64, 64), 200 * place).save(tree / "val" / "images" / f"val_{place}.JPEG")
        lines.append(f"val_{place}.JPEG\t{name}\t0\t0\t63\t63\n")
    (tree / "val" / "val_annotations.txt").write_text("".join(lines))
    if archive:
        with zipfile.ZipFile(root / "tiny-imagenet-200.zip", "w") as file:
            for path in sorted(tree.rglob("*")):
                file.write(path, path.relative_to(root))
        tree.rename(root / "moved")


def write_sst2(root: Path) -> None:
    """Twelve training and four test rows; a quote is a character."""
    _zip(root / "SST-2.zip", "SST-2", "sentence\tlabel", 'phrase "{0} \t{1}')


def write_nli(root: Path, task: str, archive: str | None = None) -> None:
    """The same in pairs; WNLI has numbers for labels."""
    first, second = ("question", "sentence") if task == "QNLI" else ("sentence1", "sentence2")
    label = "{1}" if task == "WNLI" else "{2}"
    head, row = f"index\t{first}\t{second}\tlabel", f'{{0}}\tfirst {{0}}\tsecond "{{0}}\t{label}'
    _zip(root / (archive or f"{task}.zip"), task, head, row)


def _zip(path: Path, task: str, head: str, row: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, count in (("train", 12), ("dev", 4)):
            archive.writestr(f"{task}/{name}.tsv", _lines(head, row, count))


def _lines(head: str, row: str, count: int) -> str:
    words = "entailment", "not_entailment"
    rows = [row.format(number, number % 2, words[number % 2]) for number in range(count)]
    return "".join(f"{line}\n" for line in (head, *rows))


def write_mrpc(root: Path) -> None:
    """Twelve training and four test pairs."""
    head, row = (
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String",
        '{1}\t7\t8\tfirst "{0}\tsecond {0}',
    )
    for part, count in (("train", 12), ("test", 4)):
        (root / f"msr_paraphrase_{part}.txt").write_text(_lines(head, row, count))


def write_agnews(root: Path) -> None:
    """Twelve training and four test rows, without a header."""
    (root / "ag_news_csv").mkdir()
    for part, count in (("train", 12), ("test", 4)):
        rows = [f'"{1 + row % 4}","title ""{row}""","news, {row}"\n' for row in range(count)]
        (root / "ag_news_csv" / f"{part}.csv").write_text("".join(rows))


# How each choice of data= is written, and the options that it needs then.
WRITERS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "cifar10": (lambda root: write_cifar10(root, archive=True), ()),
    "cifar100": (lambda root: write_cifar100(root, archive=True), ()),
    "svhn": (write_svhn, ()),
    "tinyimagenet": (lambda root: write_tiny_imagenet(root, archive=True), ()),
    "mnist": (write_mnist, ()),
    "fashionmnist": (lambda root: write_mnist(root, "FashionMNIST"), ()),
    "organcmnist": (lambda root: write_npz(root / "organcmnist.npz"), ()),
    "pathmnist": (lambda root: write_npz(root / "pathmnist.npz", **_coloured()), ()),
    "tissuemnist": (lambda root: write_npz(root / "tissuemnist.npz"), ()),
    "pneumoniamnist": (lambda root: write_npz(root / "pneumoniamnist.npz", **_two_classes()), ()),
    "sst2": (write_sst2, ()),
    "qnli": (lambda root: write_nli(root, "QNLI", "QNLIv2.zip"), ()),
    "rte": (lambda root: write_nli(root, "RTE"), ()),
    "wnli": (lambda root: write_nli(root, "WNLI"), ()),
    "mrpc": (write_mrpc, ()),
    "agnews": (write_agnews, ()),
    "medmnist": (
        lambda root: write_npz(root / "bloodmnist_64.npz", **_coloured(64)),
        ("data.flag=bloodmnist", "data.size=64"),
    ),
}


def _coloured(size: int = 28) -> dict[str, Any]:
    return {f"{part}_images": pixels(12, size, size, 3) for part in ("train", "val", "test")}


def _two_classes() -> dict[str, Any]:
    return {f"{part}_labels": np.arange(12)[:, None] % 2 for part in ("train", "val", "test")}
