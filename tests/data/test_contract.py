from collections.abc import Callable

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer

from autoal import ImageData, Task
from autoal.data.contract import channel_statistics
from autoal.data.rows import Images
from autoal.errors import UserError
from autoal.seeding import generator


class Counted(ImageData):
    """Says how often it was loaded."""

    classes: tuple[str, ...] = ("a", "b")
    loads = 0

    def load(self) -> tuple[Images, ...]:
        self.loads += 1
        images = torch.zeros(5, 3, 9, 13, dtype=torch.uint8)
        return Images(images, torch.arange(5) % 2), Images(images[:2], torch.tensor([0, 1]))


def test_data_of_one_class_are_refused() -> None:
    data = Counted()
    data.classes = ("cat",)
    with pytest.raises(UserError, match="one class, 'cat'"):
        data.setup()


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


def test_the_data_are_loaded_once() -> None:
    data = Counted()
    assert data.loads == 0
    data.setup()
    data.setup("fit")
    assert data.loads == 1
    assert len(data.train) == 5
    assert len(data.test) == 2


def test_the_shape_is_that_of_an_image() -> None:
    data = Counted()
    data.setup()
    assert data.shape == (3, 9, 13)


def test_preprocessing_takes_the_statistics_of_the_training_images_only(data: ImageData) -> None:
    before = data.preprocess()
    data.test = Images(torch.zeros_like(data.test.images), data.test.labels)
    mean, std = channel_statistics(data.train.images)
    assert before.mean.tolist() == data.preprocess().mean.tolist()
    assert before.mean.flatten().tolist() == pytest.approx(mean)
    assert before.std.flatten().tolist() == pytest.approx(std)
    normalised = before.eval()(data.train.images)
    assert float(normalised.mean()) == pytest.approx(0, abs=1e-5)
    assert float(normalised.std()) == pytest.approx(1, abs=1e-3)


def test_preprocessing_augments_as_the_data_set_says() -> None:
    data = Counted(crop=3, flip=True)
    data.setup()
    preprocess = data.preprocess()
    assert (preprocess.crop, preprocess.flip) == (3, True)


def test_the_dataloaders_give_raw_images_with_their_labels(data: ImageData) -> None:
    data.batch_size = 16
    train = list(data.train_dataloader())
    order = torch.cat([labels for _, labels in train])
    assert sorted(order.tolist()) == sorted(data.train.labels.tolist())
    assert order.tolist() != data.train.labels.tolist()
    assert max(len(images) for images, _ in train) == 15  # 60 rows in 4 batches
    test = list(data.test_dataloader())
    assert torch.equal(torch.cat([images for images, _ in test]), data.test.images)
    assert torch.equal(torch.cat([labels for _, labels in test]), data.test.labels)


def test_a_negative_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="`crop` must not be negative, got -2"):
        Counted(crop=-2)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning 2.6 with torch 2.15
def test_a_data_set_serves_a_trainer_of_ones_own(
    data: ImageData, make_task: Callable[..., Task]
) -> None:
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=30,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    task = make_task()
    trainer.fit(task, datamodule=data)
    (metrics,) = trainer.test(task, datamodule=data, verbose=False)
    assert metrics["accuracy"] > 0.8


class Own(Counted):
    """Has validation images of its own."""

    def load(self) -> tuple[Images, ...]:
        train, test, *_ = super().load()
        return train, test, Images(train.images[:3], torch.tensor([1, 1, 0]), "val")


def test_rows_remember_their_places_through_every_selection() -> None:
    whole = Images(torch.zeros(6, 1, 1, 1, dtype=torch.uint8), torch.arange(6))
    half = whole.take(torch.tensor([1, 3, 5])).take(torch.tensor([False, True, True]))
    assert half.rows is not None
    assert half.rows.tolist() == half.labels.tolist() == [3, 5]


def test_nothing_is_held_out_unasked() -> None:
    data = Own()
    data.setup()
    assert data.validation is None
    assert len(data.train) == 5


def test_held_out_images_leave_the_pool() -> None:
    data = Counted(validation=2)
    data.setup()
    assert data.validation is not None
    assert data.train.rows is not None
    assert data.validation.rows is not None
    assert sorted([*data.train.rows.tolist(), *data.validation.rows.tolist()]) == [0, 1, 2, 3, 4]
    assert len(data.validation) == 2
    assert len(data.test) == 2
    again, other = Counted(validation=2), Counted(validation=2, split_seed=3)
    again.setup()
    other.setup()
    assert again.validation is not None
    assert other.validation is not None
    assert torch.equal(again.validation.rows, data.validation.rows)  # type: ignore[arg-type]
    assert not torch.equal(other.validation.rows, data.validation.rows)  # type: ignore[arg-type]


def test_held_out_images_come_from_the_set_s_own_validation_part() -> None:
    data = Own(validation=2)
    data.setup()
    assert data.validation is not None
    assert data.validation.part == "val"
    assert len(data.train) == 5


@pytest.mark.parametrize(
    ("build", "asked", "limit"), [(Counted, 5, 4), (Own, 4, 3), (Counted, 99, 4)]
)
def test_more_held_out_images_than_there_are_is_refused(
    build: type[Counted], asked: int, limit: int
) -> None:
    with pytest.raises(ValueError, match=f"validation={asked}: there are only {limit}"):
        build(validation=asked).setup()


def test_a_negative_count_of_held_out_images_is_refused() -> None:
    with pytest.raises(ValueError, match="`validation` must not be negative, got -1"):
        Counted(validation=-1)
