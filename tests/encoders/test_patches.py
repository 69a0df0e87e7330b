from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autoal import Rows
from autoal.encoders.patches import Patches
from autoal.errors import UserError
from autoal.seeding import generator
from autoal.testing import check_encoder

CPU = torch.device("cpu")


def images_of(count: int, *shape: int, seed: int = 0) -> Rows:
    """Smooth noise, since patches of pixels that know nothing of each other have no structure."""
    noise = torch.rand(count, *shape, generator=generator(seed, "images"))
    smooth = functional.avg_pool2d(noise, 3, stride=1, padding=1)
    return Rows((255 * smooth).to(torch.uint8), torch.zeros(count, dtype=torch.long))


@pytest.fixture
def few_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to learn from where it does not matter what exactly is learnt."""
    monkeypatch.setattr("autoal.encoders.patches.SAMPLE", 3000)


def looked(encoder: Patches, **parts: Rows) -> dict[str, Tensor]:
    encoder.learn(parts["train"], CPU)
    return {name: encoder.encode(rows, CPU) for name, rows in parts.items()}


def test_there_are_four_features_for_each_centre_standardised_by_the_pool() -> None:
    pool, test = images_of(40, 1, 12, 12), images_of(9, 1, 12, 12, seed=1)
    found = looked(Patches(count=5, size=3, components=0), train=pool, test=test)
    assert found["train"].shape == (40, 20)
    assert found["test"].shape == (9, 20)
    torch.testing.assert_close(found["train"].mean(0), torch.zeros(20), atol=1e-4, rtol=0)
    deviation = found["train"].std(0, correction=0)
    torch.testing.assert_close(deviation, torch.ones(20), atol=0.02, rtol=0)


def test_the_features_are_those_of_the_definition() -> None:
    encoder, pool = Patches(count=4, size=3, components=0), images_of(20, 1, 8, 8)
    found = looked(encoder, train=pool)["train"]
    raw = torch.stack([by_hand(encoder, image.float()) for image in pool.inputs])
    expected = (raw - raw.mean(0)) / (raw.std(0, correction=0) + 1e-4)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def by_hand(encoder: Patches, image: Tensor) -> Tensor:
    """One image, patch by patch: quadrant means of how much nearer than average a centre is."""
    places = image.shape[1] - encoder.size + 1
    grid = torch.empty(len(encoder.centres), places, places)
    for row in range(places):
        for column in range(places):
            patch = image[:, row : row + 3, column : column + 3].flatten()
            centred = patch - patch.mean()
            even = centred / (centred.square().mean() + 10).sqrt()
            white = (even - encoder.mean) @ encoder.whitening
            distances = (white - encoder.centres).norm(dim=1)
            grid[:, row, column] = (distances.mean() - distances).clamp(min=0)
    half = places // 2
    quadrants = [grid[:, i : i + half, j : j + half] for i in (0, half) for j in (0, half)]
    return torch.stack([each.mean((1, 2)) for each in quadrants], 1).flatten()


def test_whitened_patches_have_even_directions() -> None:
    encoder, pool = Patches(count=4, size=3, components=0), images_of(200, 1, 12, 12)
    looked(encoder, train=pool)
    patches = encoder._patches(pool.inputs.float()).flatten(0, 1)
    before = torch.linalg.eigvalsh(patches.T.cov())
    after = torch.linalg.eigvalsh(((patches - encoder.mean) @ encoder.whitening).T.cov())
    # A direction of variance v is left with v / (v + 0.1).
    torch.testing.assert_close(after, before / (before + 0.1), atol=0.02, rtol=0.05)


def test_components_keep_the_strongest_directions() -> None:
    pool, test = images_of(60, 1, 10, 10), images_of(9, 1, 10, 10, seed=1)
    full = looked(Patches(count=6, components=0), train=pool, test=test)
    few = looked(Patches(count=6, components=3), train=pool, test=test)
    _, values, axes = torch.linalg.svd(full["train"] - full["train"].mean(0))
    expected = full["test"] @ axes[:3].T
    torch.testing.assert_close(few["test"].abs(), expected.abs(), atol=1e-3, rtol=1e-3)
    variances = few["train"].var(0, correction=0) * 60
    torch.testing.assert_close(variances, values[:3] ** 2, atol=1e-2, rtol=1e-3)


@pytest.mark.usefixtures("few_patches")
def test_the_seed_decides_and_the_global_stream_does_not() -> None:
    pool = images_of(30, 1, 10, 10)
    torch.manual_seed(1)
    first = looked(Patches(count=5), train=pool)["train"]
    torch.manual_seed(2)
    assert torch.equal(looked(Patches(count=5), train=pool)["train"], first)
    assert not torch.equal(looked(Patches(count=5, seed=1), train=pool)["train"], first)


@pytest.mark.usefixtures("few_patches")
def test_of_a_large_pool_no_more_than_a_sample_is_looked_at_to_learn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Watched(Patches):
        seen: ClassVar[list[int]] = []

        def _activations(self, images: Tensor) -> Tensor:
            self.seen.append(len(images))
            return super()._activations(images)

    monkeypatch.setattr("autoal.encoders.patches.FITTED", 40)
    encoder, pool = Watched(count=5, components=6), images_of(90, 1, 10, 10)
    encoder.learn(pool, CPU)
    assert encoder.seen == [40]
    found = encoder.encode(pool, CPU)
    torch.testing.assert_close(found.mean(0), torch.zeros(6), atol=2, rtol=0)


@pytest.mark.usefixtures("few_patches")
def test_block_by_block_rows_become_what_they_become_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autoal.encoders.encoder.BLOCK", 7)
    encoder, pool = Patches(count=5, components=6), images_of(30, 1, 10, 10)
    encoder.learn(pool, CPU)
    blocks = list(encoder.stream(pool, CPU))
    assert [*map(len, blocks)] == [7, 7, 7, 7, 2]
    torch.testing.assert_close(torch.cat(blocks), encoder.encode(pool, CPU))


@pytest.mark.usefixtures("few_patches")
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 8, 8), (1, 5, 40), (3, 70, 70)])
def test_images_of_any_size_are_looked_at(shape: tuple[int, int, int]) -> None:
    found = looked(Patches(count=5, components=0), train=images_of(12, *shape))["train"]
    assert found.shape == (12, 20)
    assert bool(found.isfinite().all())


@pytest.mark.usefixtures("few_patches")
def test_equal_images_and_a_single_one_are_finite() -> None:
    flat = Rows(torch.full((6, 1, 8, 8), 7, dtype=torch.uint8), torch.zeros(6).long())
    assert bool(looked(Patches(count=5), train=flat)["train"].isfinite().all())
    one = images_of(1, 1, 8, 8)
    assert bool(looked(Patches(count=5), train=one)["train"].isfinite().all())


def test_the_key_names_every_option() -> None:
    changed = [
        Patches(count=5),
        Patches(size=5),
        Patches(components=7),
        Patches(image=16),
        Patches(seed=1),
    ]
    assert len({each.key() for each in [Patches(), *changed]}) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 1}, "`count` must be at least 2 and at most .*, got 1"),
        ({"size": 0}, "`size` must be at least 1 and at most .*, got 0"),
        ({"components": -1}, "`components` must be at least 0, got -1"),
        ({"image": 5}, "`image` must be at least 6 and at most .*, got 5"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Patches(**options)


@pytest.mark.usefixtures("few_patches")
def test_rows_that_are_no_pictures_are_refused() -> None:
    with pytest.raises(UserError, match=r"Patches encodes pictures.*the shape \(5,\)"):
        looked(
            Patches(count=4, size=3), train=images_of(9, 1, 8, 8), test=Rows.of(torch.zeros(3, 5))
        )


@pytest.mark.usefixtures("few_patches")
@pytest.mark.parametrize("components", [0, 3])
def test_patches_keep_the_promises_of_encoders(components: int) -> None:
    check_encoder(Patches(count=4, size=3, components=components))
