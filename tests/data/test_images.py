import numpy as np
import pytest
import torch
from torch import Tensor

from autoal.data.images import Preprocess, channel_statistics, random_crop, random_flip
from autoal.seeding import generator, seeded

NUMBERED = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8)  # no two pixels are alike


def noise(count: int, channels: int, height: int, width: int) -> Tensor:
    shape = (count, channels, height, width)
    return torch.randint(256, shape, generator=generator(0, "noise")).to(torch.uint8)


def windows(image: Tensor, padding: int) -> list[Tensor]:
    """All the crops of one image, cut by slices, from top left to bottom right."""
    channels, height, width = image.shape
    canvas = torch.zeros(channels, height + 2 * padding, width + 2 * padding, dtype=image.dtype)
    canvas[:, padding : padding + height, padding : padding + width] = image
    places = range(2 * padding + 1)
    return [canvas[:, y : y + height, x : x + width] for y in places for x in places]


def test_every_crop_is_a_window_of_its_own_padded_image_in_all_channels() -> None:
    images = noise(40, 3, 9, 13)
    with seeded(0, "crop"):
        crops = random_crop(images, 2)
    assert crops.shape == images.shape
    assert crops.dtype == torch.uint8
    for image, crop in zip(images, crops, strict=True):
        assert sum(torch.equal(crop, window) for window in windows(image, 2)) == 1


def test_the_images_of_a_batch_are_cropped_at_all_places_equally_often() -> None:
    with seeded(0, "crop"):
        crops = random_crop(NUMBERED.expand(2000, -1, -1, -1), 2)
    counts = [int((crops == window).all((1, 2, 3)).sum()) for window in windows(NUMBERED[0], 2)]
    assert len(counts) == 25
    assert sum(counts) == 2000
    assert min(counts) > 40  # 80 expected, with a standard deviation of 9
    assert max(counts) < 120


def test_statistics_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(40, 3, 9, 13)
    whole = channel_statistics(images)
    monkeypatch.setattr("autoal.data.lazy.PIECE", 7 * images[0].nbytes)
    assert channel_statistics(images) == whole


def test_a_crop_without_padding_changes_nothing() -> None:
    assert torch.equal(random_crop(NUMBERED, 0), NUMBERED)


def test_half_of_the_images_are_mirrored_each_on_its_own() -> None:
    images = noise(2000, 1, 4, 5)
    with seeded(0, "flip"):
        flipped = random_flip(images)
    same = (flipped == images).all((1, 2, 3))
    mirrored = (flipped == images.flip(3)).all((1, 2, 3))
    assert bool((same ^ mirrored).all())
    assert 888 < int(mirrored.sum()) < 1112  # 1000 expected, with a standard deviation of 22


def test_normalisation_by_hand() -> None:
    images = torch.tensor([51, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    out = Preprocess([0.1, 0.5], [0.5, 0.25])(images)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.flatten(), torch.tensor([0.2, 2.0]))


def test_normalisation_takes_each_channel_by_its_own_statistics() -> None:
    images = noise(4, 3, 8, 8)
    mean, std = [0.2, 0.5, 0.7], [0.1, 0.3, 0.2]
    out = Preprocess(mean, std)(images)
    for channel in range(3):
        expected = (images[:, channel].double() / 255 - mean[channel]) / std[channel]
        torch.testing.assert_close(out[:, channel].double(), expected, rtol=1e-5, atol=1e-5)


def test_evaluation_neither_crops_nor_flips() -> None:
    images = noise(50, 1, 8, 8)
    preprocess = Preprocess([0.0], [1.0], crop=2, flip=True).eval()
    assert torch.equal(preprocess(images), images.float() / 255)


@pytest.mark.parametrize(("crop", "flip"), [(2, False), (0, True)])
def test_training_crops_and_flips_when_it_is_asked_to(crop: int, flip: bool) -> None:
    images = noise(50, 1, 8, 8)
    preprocess = Preprocess([0.0], [1.0], crop=crop, flip=flip).train()
    augment = (lambda: random_crop(images, 2)) if crop else (lambda: random_flip(images))
    with seeded(0, "augment"):
        out = preprocess(images)
    with seeded(0, "augment"):
        assert torch.equal(out, augment().float() / 255)
    assert not torch.equal(out, images.float() / 255)


def test_training_without_augmentation_draws_nothing() -> None:
    images = noise(5, 1, 8, 8)
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    assert torch.equal(Preprocess([0.0], [1.0]).train()(images), images.float() / 255)
    assert torch.equal(torch.rand(2), expected)


def test_a_negative_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="`crop` must be at least 0, got -1"):
        Preprocess([0.5], [0.5], crop=-1)


def test_channel_statistics_equal_numpy_in_float64() -> None:
    images = torch.randint(256, (20, 3, 7, 5), generator=generator(0)).to(torch.uint8)
    images[:, 2] //= 5
    mean, std = channel_statistics(images)
    scaled = images.numpy().astype(np.float64) / 255
    np.testing.assert_allclose(mean, scaled.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, scaled.std((0, 2, 3)), rtol=1e-12)


def test_channel_statistics_by_hand() -> None:
    images = torch.tensor([0, 255, 0, 255], dtype=torch.uint8).view(2, 1, 1, 2)
    assert channel_statistics(images) == ([0.5], [0.5])


def test_a_channel_of_one_colour_can_still_be_divided_by() -> None:
    (mean,), (std,) = channel_statistics(torch.full((2, 1, 4, 4), 102, dtype=torch.uint8))
    assert mean == pytest.approx(0.4)
    assert std > 0
