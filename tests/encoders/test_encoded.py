from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoal import Data, Encoded, Encoder, ImageData, Loaded, Rows
from autoal.encoders.encoder import Parts, demand_pictures
from autoal.errors import UserError

CPU = torch.device("cpu")


class Brightness(Encoder):
    """Mean and spread of each image; counts how often it is asked."""

    def __init__(self, name: str = "a") -> None:
        self.name = name
        self.looks = 0
        self.parts: list[list[str]] = []

    def key(self) -> str:
        return self.name

    def encode(self, parts: Parts, device: torch.device) -> dict[str, Tensor]:
        self.looks += 1
        self.parts.append([*parts])
        return {name: _brightness(part.inputs) for name, part in parts.items()}


def _brightness(images: Tensor) -> Tensor:
    flat = images.float().flatten(1)
    return torch.stack([flat.mean(1), flat.std(1)], 1)


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
    assert torch.equal(encoded.train.inputs, _brightness(data.train.inputs))
    assert encoded.test is not None
    assert data.test is not None
    assert torch.equal(encoded.test.inputs, _brightness(data.test.inputs))
    assert torch.equal(encoded.train.labels, data.train.labels)
    assert encoded.classes == data.classes
    assert isinstance(encoded.train.shown, Tensor)
    assert torch.equal(encoded.train.shown, data.train.inputs)
    assert encoded.validation is None


def test_the_encoder_looks_once_for_each_content_and_key(data: ImageData) -> None:
    encoder = Brightness()
    for _ in range(2):
        encoded_by(data, encoder)
    assert encoder.looks == 1
    other = Brightness("b")
    encoded_by(data, other)
    assert other.looks == 1
    data.train.inputs[3, 0, 2, 2] += 1
    encoded_by(data, encoder)
    assert encoder.looks == 2


def test_another_choice_of_rows_is_another_content(data: ImageData) -> None:
    encoder = Brightness()
    encoded_by(data, encoder)
    data.validation = data.train.take(torch.arange(4))
    encoded = encoded_by(data, encoder)
    assert encoder.looks == 2
    assert encoded.validation is not None
    expected = _brightness(data.train.inputs[:4])
    assert torch.equal(encoded.validation.inputs, expected)


def test_features_are_centred_and_keep_their_proportions(data: ImageData) -> None:
    encoded = encoded_by(data, Brightness())
    ready = encoded.preprocess().eval()(encoded.train.inputs)
    torch.testing.assert_close(ready.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(ready.var(0).mean(), torch.tensor(1.0), atol=1e-4, rtol=0)
    raw = _brightness(data.train.inputs)
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
    inputs = torch.arange(12.0).view(6, 2)
    assert encoded.train.places is not None
    assert torch.equal(encoded.train.inputs, _brightness(inputs[encoded.train.places]))


@pytest.mark.parametrize("learns", [True, False])
def test_new_rows_are_encoded_as_the_pool_was(data: ImageData, learns: bool) -> None:
    encoder = Brightness()
    encoder.learns = learns
    encoded, new = encoded_by(data, encoder), data.train.inputs[[5, 2]]
    for _ in range(2):
        assert torch.equal(encoded.stored(new.numpy()).inputs, _brightness(new))
    again = ["train", "new"] if learns else ["new"]
    assert encoder.parts == [["train", "test"], again, again]
    with pytest.raises(UserError, match="are not like those of the pool"):
        encoded.stored(new.float())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found: {**found, "test": found["test"][1:]}, r"30 rows of test, got \(29, 2\)"),
        (lambda found: {"train": found["train"]}, "each of the 30 rows of test, got NoneType"),
        (lambda found: {**found, "test": found["test"].numpy()}, "of test, got ndarray"),
        (lambda found: {**found, "test": found["test"][:, 0]}, r"of test, got \(30,\)"),
        (lambda found: None, "each of the 60 rows of train, got NoneType"),
        (lambda found: {**found, "test": found["test"] * torch.nan}, "test that are not finite"),
        (lambda found: {**found, "test": found["test"][:, :1]}, "different things of the parts"),
    ],
    ids=["too few", "no part", "array", "flat", "nothing", "nan", "widths"],
)
def test_what_is_not_a_line_for_each_row_is_refused_and_not_kept(
    data: ImageData, spoil: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str
) -> None:
    class Spoilt(Brightness):
        sound = False

        def encode(self, parts: Parts, device: torch.device) -> dict[str, Tensor]:
            found = super().encode(parts, device)
            return found if self.sound else spoil(found)

    with pytest.raises(UserError, match=message):
        encoded_by(data, Spoilt())
    mended = Spoilt()
    mended.sound = True
    assert encoded_by(data, mended).test is not None


def test_an_encoder_for_pictures_alone_refuses_other_rows() -> None:
    rows = Rows.of(torch.zeros(4, 7))
    with pytest.raises(UserError, match=r"Brightness encodes pictures.*shape \(7,\).*encoder=none"):
        demand_pictures(Brightness(), {"train": rows})
    demand_pictures(Brightness(), {"train": Rows.of(torch.zeros(4, 1, 2, 2))})
