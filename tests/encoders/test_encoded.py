import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoal import Data, Encoded, Encoder, ImageData, Loaded, Rows
from autoal.data.texts import parts_of, text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.encoder import demand_pictures, demand_texts
from autoal.errors import UserError
from tests.launch import Zygote

CPU = torch.device("cpu")


class Brightness(Encoder):
    """How much brighter than the pool each image is, and its spread; counts how often it looks."""

    def __init__(self, name: str = "a") -> None:
        self.name = name
        self.lessons = 0
        self.looks = 0

    def key(self) -> str:
        return self.name

    def learn(self, pool: Rows, device: torch.device) -> None:
        self.lessons += 1
        self.middle = pool.inputs.float().mean()

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        self.looks += 1
        return _brightness(rows.inputs, self.middle)

    def state_dict(self) -> dict[str, Any]:
        return {"middle": self.middle}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.middle = state["middle"]


def _brightness(images: Tensor, middle: Tensor) -> Tensor:
    flat = images.float().flatten(1)
    return torch.stack([flat.mean(1) - middle, flat.std(1)], 1)


def expected(data: Data, images: Tensor) -> Tensor:
    return _brightness(images, data.train.inputs.float().mean())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def encoded_by(data: Data, encoder: Encoder) -> Encoded:
    encoded = Encoded(data, encoder, CPU)
    encoded.setup()
    return encoded


def test_features_stand_in_the_place_of_the_images(data: ImageData) -> None:
    encoded = encoded_by(data, Brightness())
    assert encoded.train.shape == (2,)
    assert torch.equal(encoded.train.inputs, expected(data, data.train.inputs))
    assert encoded.test is not None
    assert data.test is not None
    assert torch.equal(encoded.test.inputs, expected(data, data.test.inputs))
    assert torch.equal(encoded.train.labels, data.train.labels)
    assert encoded.classes == data.classes
    assert isinstance(encoded.train.shown, Tensor)
    assert torch.equal(encoded.train.shown, data.train.inputs)
    assert encoded.validation is None


def test_the_encoder_looks_once_for_each_content_and_key(data: ImageData) -> None:
    encoder = Brightness()
    for _ in range(2):
        encoded_by(data, encoder)
    assert (encoder.lessons, encoder.looks) == (1, 2)  # at the pool, and at the test rows
    other = Brightness("b")
    encoded_by(data, other)
    assert other.lessons == 1
    data.train.inputs[3, 0, 2, 2] += 1
    encoded_by(data, encoder)
    assert encoder.lessons == 2


def test_another_choice_of_rows_is_another_content(data: ImageData) -> None:
    encoder = Brightness()
    encoded_by(data, encoder)
    data.validation = data.train.take(torch.arange(4))
    encoded = encoded_by(data, encoder)
    assert encoder.lessons == 2
    assert encoded.validation is not None
    assert torch.equal(encoded.validation.inputs, expected(data, data.train.inputs[:4]))


KILLED = """
import os, signal, sys
import torch
from autoal import Encoded
from autoal.data import growing
from tests.fixtures import Bands
from tests.encoders.test_encoded import Brightness
growing.EVERY = 0.0

class Dying(Brightness):
    def encode(self, rows, device):
        if self.looks == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(rows, device)

Dying.__module__, Dying.__qualname__ = Brightness.__module__, Brightness.__qualname__
Encoder = sys.modules["autoal.encoders.encoder"]
Encoder.BLOCK = 10
Encoded(Bands(), Dying(), torch.device("cpu")).setup()
"""


@pytest.mark.parametrize("looks", [2, 7])
def test_a_look_that_was_killed_goes_on_where_it_was(
    looks: int, train: Zygote, data: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoal.encoders.encoder.BLOCK", 10)
    died = train.execute(KILLED, str(looks), XDG_CACHE_HOME=str(tmp_path))
    assert died.code == -signal.SIGKILL, died.err
    encoder = Brightness()
    found = encoded_by(data, encoder)
    assert encoder.lessons == 0  # the first start has learnt, and that was kept
    assert encoder.looks == 9 - looks  # of six at the pool and three at the test rows
    (entry,) = (tmp_path / "autoal" / "features").iterdir()
    kept = {path.name: path.read_bytes() for path in entry.iterdir()}
    shutil.rmtree(entry)
    encoded_by(data, Brightness())
    assert {path.name: path.read_bytes() for path in entry.iterdir()} == kept
    assert torch.equal(found.train.inputs, expected(data, data.train.inputs))


def test_features_may_be_kept_in_half_precision(data: ImageData, tmp_path: Path) -> None:
    single = encoded_by(data, Brightness())
    half = Encoded(data, Brightness(), CPU, "half")
    half.setup()
    assert half.train.inputs.dtype == torch.float16
    assert torch.equal(half.train.inputs, single.train.inputs.half())
    ready = half.preprocess().eval()(half.train.inputs)
    assert ready.dtype == torch.float32
    torch.testing.assert_close(
        ready, single.preprocess().eval()(single.train.inputs), atol=2e-2, rtol=0
    )
    sizes = sorted(path.stat().st_size for path in tmp_path.rglob("train.npy"))
    assert [size - 128 for size in sizes] == [60 * 2 * 2, 60 * 2 * 4]
    with pytest.raises(ValueError, match="precision"):
        Encoded(data, Brightness(), CPU, "double")


def test_what_half_precision_cannot_hold_is_refused(data: ImageData) -> None:
    class Bright(Brightness):
        def encode(self, rows: Rows, device: torch.device) -> Tensor:
            return super().encode(rows, device) * 1e6

    assert encoded_by(data, Bright()).train.inputs.dtype == torch.float32
    with pytest.raises(UserError, match=r"too large for half precision: give features=single"):
        Encoded(data, Bright(), CPU, "half").setup()


def test_features_are_centred_and_keep_their_proportions(data: ImageData) -> None:
    encoded = encoded_by(data, Brightness())
    ready = encoded.preprocess().eval()(encoded.train.inputs)
    torch.testing.assert_close(ready.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(ready.var(0).mean(), torch.tensor(1.0), atol=1e-4, rtol=0)
    raw = expected(data, data.train.inputs)
    torch.testing.assert_close(ready.std(0) / ready.std(0)[0], raw.std(0) / raw.std(0)[0])


class Columns(Data):
    """A table without test rows, whose rows have names."""

    classes = ("a", "b")

    def load(self) -> Loaded:
        inputs = torch.arange(12.0).view(6, 2)
        return Loaded(Rows(inputs, torch.arange(6) % 2, names=list("uvwxyz")))


def test_rows_that_are_no_pictures_are_encoded_as_well(tmp_path: Path) -> None:
    encoded = encoded_by(Columns(validation=2), Brightness())
    assert encoded.train.shape == (2,)
    assert encoded.test is None
    assert encoded.validation is not None
    names = [*(encoded.train.names or ()), *(encoded.validation.names or ())]
    assert sorted(names) == list("uvwxyz")  # held out once, by the data set itself
    assert (len(encoded.train), len(encoded.validation)) == (4, 2)
    assert torch.equal(encoded.train.inputs, expected(encoded.data, encoded.data.train.inputs))


def test_what_a_data_set_says_of_its_labels_and_rows_it_says_encoded_too() -> None:
    data = Columns()
    data.labels_count, data.checked = True, 3
    data.remembered = lambda: b"kept"  # type: ignore[method-assign]
    encoded = encoded_by(data, Brightness())
    assert (encoded.labels_count, encoded.checked, encoded.remembered()) == (True, 3, b"kept")


def test_new_rows_are_encoded_as_the_pool_was_without_a_look_at_it(data: ImageData) -> None:
    encoded_by(data, Brightness())
    encoder, new = Brightness(), data.train.inputs[[5, 2]]
    encoded = encoded_by(data, encoder)  # what the other has learnt was kept
    found = encoded_rows(encoder, encoded.reader().of(new.numpy()), CPU)
    assert torch.equal(found.inputs, expected(data, new))
    assert (encoder.lessons, encoder.looks) == (0, 1)
    with pytest.raises(UserError, match="are not like those of the pool"):
        encoded.reader().of(new.float())


def test_where_new_rows_cannot_be_encoded_their_features_are_given(data: ImageData) -> None:
    encoder = Brightness()
    encoder.new_rows = False
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    reader = encoded_by(data, encoder).reader()
    assert torch.equal(reader.of(features).inputs, features)
    with pytest.raises(UserError, match="are not like those of the pool"):
        reader.of(data.train.inputs)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found: found[1:], "gave 59 lines for the 60 rows of train"),
        (lambda found: found.numpy(), "of train, got ndarray"),
        (lambda found: found[:, 0], r"of train, got \(60,\)"),
        (lambda found: None, "each of the 60 rows of train, got NoneType"),
        (lambda found: found > 0, "give numbers, floating-point or whole, got torch.bool"),
        (lambda found: found * torch.nan, "not finite for some of the 60 rows of train"),
        (
            lambda found: found[:, : 1 + len(found) // 60],
            r"rows of different kinds: torch.float32 \(1,\) and torch.float32 \(2,\)",
        ),
        (
            lambda found: found if len(found) == 60 else found.long(),
            r"rows of different kinds: torch.float32 \(2,\) and torch.int64 \(2,\)",
        ),
    ],
    ids=["too few", "array", "flat", "nothing", "yes or no", "nan", "widths", "types"],
)
def test_what_is_not_a_line_for_each_row_is_refused_and_not_kept(
    data: ImageData, spoil: Callable[[Tensor], Any], message: str
) -> None:
    class Spoilt(Brightness):
        sound = False

        def encode(self, rows: Rows, device: torch.device) -> Any:
            found = super().encode(rows, device)
            return found if self.sound else spoil(found)

    with pytest.raises(UserError, match=message):
        encoded_by(data, Spoilt())
    mended = Spoilt()
    mended.sound = True
    assert encoded_by(data, mended).test is not None


def test_a_state_that_could_not_be_read_back_is_refused_and_not_kept(data: ImageData) -> None:
    class Odd(Brightness):
        def state_dict(self) -> dict[str, Any]:
            return {"middle": self}

    with pytest.raises(UserError, match="state of encoder Odd must be tensors and plain values"):
        encoded_by(data, Odd())
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.npy"))


def test_an_encoder_for_pictures_alone_refuses_other_rows() -> None:
    rows = Rows.of(torch.zeros(4, 7))
    with pytest.raises(UserError, match=r"Brightness encodes pictures.*shape \(7,\).*encoder=none"):
        demand_pictures(Brightness(), rows)
    demand_pictures(Brightness(), Rows.of(torch.zeros(4, 1, 2, 2)))
    with pytest.raises(UserError, match=r"these rows are texts: give encoder=tfidf"):
        demand_pictures(Brightness(), text_rows([("a",)], ("body",)))


def test_an_encoder_that_refuses_the_rows_does_not_say_that_it_looks_at_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Picky(Brightness):
        def learn(self, pool: Rows, device: torch.device) -> None:
            demand_texts(self, pool)

    with pytest.raises(UserError, match="Picky encodes texts"):
        encoded_by(Columns(), Picky())
    assert capsys.readouterr().err == ""


def test_an_encoder_for_texts_alone_refuses_other_rows() -> None:
    demand_texts(Brightness(), text_rows([("a",)], ("body",)))
    with pytest.raises(UserError, match=r"encodes texts.*shape \(16,\): give encoder=auto"):
        demand_texts(Brightness(), Rows.of(torch.zeros(4, 16, dtype=torch.uint8)))


def spoil_state(entry: Path) -> None:
    content = bytearray((entry / "state.npy").read_bytes())
    content[200:] = bytes(len(content) - 200)
    (entry / "state.npy").write_bytes(content)


def spoil_features(entry: Path) -> None:
    np.lib.format.open_memmap(entry / "train.npy", mode="r+")[3, 1] = np.nan


@pytest.mark.parametrize("spoil", [spoil_state, spoil_features])
def test_features_that_were_damaged_are_made_anew(
    data: ImageData, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = Brightness()
    encoded_by(data, encoder)
    (entry,) = Path(os.environ["XDG_CACHE_HOME"], "autoal", "features").iterdir()
    spoil(entry)
    for _ in range(2):
        encoded = encoded_by(data, encoder)
        assert torch.equal(encoded.train.inputs, expected(data, data.train.inputs))
    assert encoder.lessons == 2
    assert capsys.readouterr().err.count(f"{entry} is damaged, and rebuilt") == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_features_of_any_precision_become_single(data: ImageData, dtype: torch.dtype) -> None:
    class Other(Brightness):
        def encode(self, rows: Rows, device: torch.device) -> Tensor:
            return super().encode(rows, device).to(dtype)

    encoded = encoded_by(data, Other())
    assert encoded.train.inputs.dtype == torch.float32
    assert torch.equal(encoded.train.inputs, expected(data, data.train.inputs).to(dtype).float())


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8])
def test_whole_numbers_stay_as_they_are(data: ImageData, dtype: torch.dtype) -> None:
    class Whole(Brightness):
        def encode(self, rows: Rows, device: torch.device) -> Tensor:
            return rows.inputs.flatten(1).to(dtype)

    encoded = encoded_by(data, Whole())
    assert encoded.train.inputs.dtype == dtype
    assert torch.equal(encoded.preprocess()(encoded.train.inputs), encoded.train.inputs)
    assert encoded_rows(Whole(), data.train, CPU).inputs.dtype == dtype


class Lengths(Brightness):
    """How long each text is; counts how often it looks."""

    def learn(self, pool: Rows, device: torch.device) -> None:
        demand_texts(self, pool)
        self.lessons += 1
        self.middle = torch.zeros(())

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        self.looks += 1
        return torch.tensor([[float(len(part)) for part in parts] for parts in parts_of(rows)])


class Sentences(Columns):
    """Texts, some or all of them, in any order.

    Args:
        taken: of them.
    """

    texts = (("who",), ("what",), ("when",), ("where",))

    def __init__(self, taken: Sequence[int]) -> None:
        super().__init__()
        self.taken = taken

    def load(self) -> Loaded:
        labels = torch.arange(len(self.taken)) % 2
        return Loaded(text_rows([self.texts[row] for row in self.taken], ("word",), labels))


@pytest.mark.parametrize("other", [[0, 1, 3, 2], [0, 1, 2]], ids=["order", "share"])
def test_texts_in_another_order_or_number_are_other_rows(other: list[int]) -> None:
    encoder = Lengths()
    for taken in (range(4), range(4), other, other):
        found = encoded_by(Sentences(list(taken)), encoder).train
        assert found.inputs.flatten().tolist() == [float(len(text)) for text in found.shown or ()]
    assert (encoder.lessons, encoder.looks) == (2, 2)


def test_rows_that_differ_in_their_layout_or_type_alone_are_other_rows(data: ImageData) -> None:
    class Blind(Brightness):
        def encode(self, rows: Rows, device: torch.device) -> Tensor:
            return torch.zeros(len(rows), 2)

    encoder, images = Blind(), torch.arange(60 * 16, dtype=torch.uint8).view(60, 1, 4, 4)
    same_bytes = [images, images.mT, images.view(torch.int8)]
    for number, inputs in enumerate(same_bytes, start=1):
        data.train = replace(data.train, inputs=inputs, shown=None)
        encoded_by(data, encoder)
        assert encoder.lessons == number


def test_no_more_than_a_block_of_rows_is_encoded_at_a_time(
    data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(Brightness):
        most = 0

        def encode(self, rows: Rows, device: torch.device) -> Tensor:
            self.most = max(self.most, len(rows))
            return super().encode(rows, device)

    monkeypatch.setattr("autoal.encoders.encoder.BLOCK", 7)
    encoder = Watched()
    encoded = encoded_by(data, encoder)
    assert torch.equal(encoded.train.inputs, expected(data, data.train.inputs))
    assert (encoder.looks, encoder.most) == (9 + 5, 7)  # blocks of the pool, and of the test rows
    assert len(encoded_rows(encoder, data.train, CPU)) == 60


def test_features_that_cannot_be_kept_stay_in_memory(
    data: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    encoder = Brightness()
    encoded = encoded_by(data, encoder)
    assert torch.equal(encoded.train.inputs, expected(data, data.train.inputs))
    assert encoder.lessons == 1


def test_pictures_are_known_again_by_their_keys(
    data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoal.encoders.identity.FEW", 2)
    keys, names = ([f"{kind}{row}" for row in range(60)] for kind in ("key", "name"))
    data.train = replace(data.train, keys=keys, names=names)
    encoder = Brightness()
    encoded_by(data, encoder)
    data.train.inputs[3] += 1  # which nobody reads
    data.train = replace(data.train, names=names[::-1])
    encoded_by(data, encoder)
    assert encoder.lessons == 1
    data.train.inputs[1] += 1  # files were decoded in another way
    encoded_by(data, encoder)
    assert encoder.lessons == 2
    data.train = replace(data.train, keys=["other", *keys[1:]])
    encoded_by(data, encoder)
    assert encoder.lessons == 3


def test_rows_of_a_table_are_not_known_by_keys_since_their_numbers_depend_on_its_scale() -> None:
    encoder = Brightness()
    for number in (1, 2):
        columns = Columns()
        columns.setup()
        inputs = columns.train.inputs * number
        columns.train = replace(columns.train, inputs=inputs, keys=list("uvwxyz"))
        encoded_by(columns, encoder)
        assert encoder.lessons == number
