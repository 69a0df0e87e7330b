from pathlib import Path

import numpy as np
import pytest
import torch

from autoal import Rows
from autoal.data.texts import text_rows
from autoal.encoders.file import File
from autoal.errors import UserError
from autoal.testing import check_encoder

CPU = torch.device("cpu")
FEATURES = np.random.default_rng(0).normal(size=(8, 3))


def images_of(count: int, part: str = "train") -> Rows:
    blank = torch.zeros(count, 1, 2, 2, dtype=torch.uint8)
    return Rows(blank, torch.zeros(count).long(), part=part)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.savez(tmp_path / "f.npz", train_features=FEATURES, test_features=FEATURES[:2] + 1)
    return tmp_path / "f.npz"


def test_each_part_has_its_rows(path: Path) -> None:
    encoder = File(str(path))
    pool, test = encoder.encode(images_of(8), CPU), encoder.encode(images_of(2, "test"), CPU)
    np.testing.assert_allclose(pool, FEATURES, rtol=1e-6)
    np.testing.assert_allclose(test, FEATURES[:2] + 1, rtol=1e-6)
    assert pool.dtype == torch.float32


def test_features_may_be_of_texts(path: Path) -> None:
    texts = text_rows([(f"text {row}",) for row in range(8)], ("body",))
    np.testing.assert_allclose(File(str(path)).encode(texts, CPU), FEATURES, rtol=1e-6)


def test_rows_that_were_left_out_are_left_out_of_the_features(path: Path) -> None:
    rows = torch.tensor([1, 6, 7])
    found = File(str(path)).encode(images_of(8).take(rows), CPU)
    np.testing.assert_allclose(found, FEATURES[[1, 6, 7]], rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (images_of(7), "train_features has 8 rows, but the data set 7$"),
        (images_of(9).take(torch.arange(8)), "8 rows, but the data set 9$"),
        (images_of(8, "val"), "has no val_features, only test_features, train_features"),
    ],
)
def test_features_of_another_data_set_are_refused(path: Path, rows: Rows, message: str) -> None:
    with pytest.raises(UserError, match=message):
        File(str(path)).encode(rows, CPU)


@pytest.mark.parametrize(
    "values", [np.zeros((8, 3), dtype=int), np.zeros(8), np.full((8, 3), np.nan)]
)
def test_features_that_cannot_be_are_refused(path: Path, values: np.ndarray) -> None:
    np.savez(path, train_features=values)
    with pytest.raises(UserError, match="train_features must be finite numbers of the shape"):
        File(str(path)).encode(images_of(8), CPU)


def test_a_file_that_is_not_there_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoder\.path="):
        File()
    with pytest.raises(UserError, match="there is no file"):
        File(str(tmp_path / "f.npz")).key()
    (tmp_path / "f.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="cannot be read as npz"):
        File(str(tmp_path / "f.npz")).encode(images_of(8), CPU)


def test_a_file_keeps_the_promises_of_encoders(path: Path) -> None:
    check_encoder(File(str(path)), images_of(8), images_of(2, "test"))
