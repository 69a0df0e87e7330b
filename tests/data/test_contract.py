from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor

from autoal import Data, ImageData, Loaded, Rows, Task
from autoal.data.contract import LEAST, Standardise
from autoal.data.images import channel_statistics
from autoal.errors import UserError


class Counted(ImageData):
    """Says how often it was loaded."""

    classes: tuple[str, ...] = ("a", "b")
    loads = 0

    def load(self) -> Loaded:
        self.loads += 1
        images = torch.zeros(5, 3, 9, 13, dtype=torch.uint8)
        return Loaded(Rows(images, torch.arange(5) % 2), Rows(images[:2], torch.tensor([0, 1])))


class Columns(Data):
    """A table of two columns, without test rows."""

    classes = ("a", "b")
    inputs = torch.tensor([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0], [7.0, 5.0]])

    def load(self) -> Loaded:
        return Loaded(Rows(self.inputs, torch.tensor([0, 1, 0, 1])))


def places(rows: Rows | None) -> Tensor:
    """In the part that was loaded; of rows that are there and were taken out of it."""
    assert rows is not None
    assert rows.places is not None
    return rows.places


def set_up(data: Data) -> Data:
    data.setup()
    return data


def test_data_of_one_class_are_refused() -> None:
    data = Counted()
    data.classes = ("cat",)
    with pytest.raises(UserError, match="one class, 'cat'"):
        data.setup()


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("train", {"labels": torch.zeros(3).long()}, r"train has 4 rows, and labels of \(3,\)"),
        ("train", {"labels": torch.zeros(4)}, r"labels of train .* got torch\.float32"),
        ("train", {"labels": torch.tensor([0, 1, 2, 1])}, r"label of train\[2\] is 2, .* 0 to 1"),
        ("train", {"labels": torch.tensor([0, 1, -2, 1])}, r"label of train\[2\] is -2"),
        ("train", {"inputs": torch.eye(4, 2) / 0}, r"train\[[0-3]\] has a number that is NaN"),
        ("train", {"names": ["a"]}, "`names` of train has 1 entries for 4 rows"),
        ("train", {"keys": ["a"]}, "`keys` of train has 1 entries for 4 rows"),
        ("test", {"labels": torch.tensor([0, 1, -1, 1])}, r"label of test\[2\] is -1"),
        ("test", {"inputs": torch.zeros(4, 3)}, r"test has rows of torch.float32 \(3,\), but"),
        ("test", {"inputs": torch.zeros(4, 2).long()}, r"test has rows of torch.int64 \(2,\)"),
        ("test", {"inputs": torch.full((4, 2), torch.nan)}, "is NaN or infinite"),
        ("validation", {"inputs": torch.zeros(0, 2)}, "validation has no rows"),
        ("validation", {"inputs": torch.zeros(4, 2, 0)}, "the rows of validation are empty"),
    ],
)
def test_parts_that_cannot_be_are_refused(part: str, changes: Any, message: str) -> None:
    class Spoilt(Columns):
        def load(self) -> Loaded:
            (train, *_) = super().load()
            parts = {name: replace(train, part=name) for name in ("train", "test", "validation")}
            return Loaded(**{**parts, part: replace(parts[part], **changes)})

    with pytest.raises(UserError, match=message):
        set_up(Spoilt(validation=None))


@pytest.mark.parametrize(
    ("classes", "message"), [((), "the data has no class"), (("a", "a"), "named twice: a, a")]
)
def test_classes_that_cannot_be_are_refused(classes: tuple[str, ...], message: str) -> None:
    data = Counted()
    data.classes = classes
    with pytest.raises(UserError, match=message):
        data.setup()


@pytest.mark.parametrize("crop", [9, 100_000])
def test_a_crop_as_large_as_the_images_is_refused(crop: int) -> None:
    with pytest.raises(UserError, match=rf"data\.crop={crop} is too much for images of 9 x 13"):
        set_up(Counted(crop=crop))


def test_labels_of_ordinary_data_are_hidden_and_nothing_of_them_is_remembered() -> None:
    data = set_up(Counted())
    assert (data.labels_count, data.checked, data.remembered()) == (False, 0, b"")


def test_the_data_are_loaded_once() -> None:
    data = Counted()
    assert (str(data), data.loads) == ("Counted, not read yet", 0)
    data.setup()
    data.setup("fit")
    assert data.loads == 1
    assert len(data.train) == 5
    assert data.test is not None
    assert len(data.test) == 2


def test_the_shape_is_that_of_an_image() -> None:
    assert set_up(Counted()).train.shape == (3, 9, 13)


def test_preprocessing_takes_the_statistics_of_the_training_images_only(data: ImageData) -> None:
    before: Any = data.preprocess()
    assert data.test is not None
    data.test = Rows(torch.zeros_like(data.test.inputs), data.test.labels)
    after: Any = data.preprocess()
    mean, std = channel_statistics(data.train.inputs)
    assert before.mean.tolist() == after.mean.tolist()
    assert before.mean.flatten().tolist() == pytest.approx(mean)
    assert before.std.flatten().tolist() == pytest.approx(std)
    normalised = before.eval()(data.train.inputs)
    assert float(normalised.mean()) == pytest.approx(0, abs=1e-5)
    assert float(normalised.std()) == pytest.approx(1, abs=1e-3)


def test_preprocessing_augments_as_the_data_set_says() -> None:
    preprocess: Any = set_up(Counted(crop=3, flip=True)).preprocess()
    assert (preprocess.crop, preprocess.flip) == (3, True)


def test_the_dataloaders_give_raw_images_with_their_labels(data: ImageData) -> None:
    data.batch_size = 16
    train = list(data.train_dataloader())
    order = torch.cat([labels for _, labels in train])
    assert sorted(order.tolist()) == sorted(data.train.labels.tolist())
    assert order.tolist() != data.train.labels.tolist()
    assert max(len(images) for images, _ in train) == 15  # 60 rows in 4 batches
    test = list(data.test_dataloader())
    assert data.test is not None
    assert torch.equal(torch.cat([images for images, _ in test]), data.test.inputs)
    assert torch.equal(torch.cat([labels for _, labels in test]), data.test.labels)


def test_a_negative_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="`crop` must be at least 0, got -2"):
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

    def load(self) -> Loaded:
        train, test, _ = super().load()
        return Loaded(train, test, Rows(train.inputs[:3], torch.tensor([1, 1, 0]), part="val"))


def test_nothing_is_held_out_unasked() -> None:
    data = set_up(Own())
    assert data.validation is None
    assert len(data.train) == 5


def test_held_out_images_leave_the_pool() -> None:
    data = set_up(Counted(validation=2))
    held_out = places(data.validation)
    assert sorted([*places(data.train).tolist(), *held_out.tolist()]) == [0, 1, 2, 3, 4]
    assert len(held_out) == 2
    assert data.test is not None
    assert len(data.test) == 2
    again, other = set_up(Counted(validation=2)), set_up(Counted(validation=2, split_seed=3))
    assert torch.equal(places(again.validation), held_out)
    assert not torch.equal(places(other.validation), held_out)


def test_held_out_images_come_from_the_set_s_own_validation_part() -> None:
    data = set_up(Own(validation=2))
    assert data.validation is not None
    assert data.validation.part == "val"
    assert len(data.train) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 2}, r"data\.validation=2 needs labels, and 1 of 4 rows have none"),
        ({"imbalance": "step"}, r"data\.imbalance=step needs labels, and 1 of 4 rows"),
    ],
)
def test_what_goes_by_labels_is_refused_where_some_are_lacking(
    options: dict[str, Any], message: str
) -> None:
    class Lacking(Columns):
        def load(self) -> Loaded:
            return Loaded(Rows(self.inputs, torch.tensor([0, 1, -1, 1])))

    with pytest.raises(UserError, match=message):
        set_up(Lacking(**options))


def test_new_rows_are_stored_as_those_of_the_pool_or_refused() -> None:
    data = set_up(Columns())
    assert data.reader().of([[1, 2]]).inputs.dtype == torch.float32
    with pytest.raises(UserError, match=r"rows of .* are not like those of the pool"):
        data.reader().of([[1.0, 2.0, 3.0]])


def test_all_of_a_set_s_own_validation_part_can_be_asked_for() -> None:
    data = set_up(Own(validation=None))
    assert data.validation is not None
    assert data.validation.labels.tolist() == [1, 1, 0]
    assert len(data.train) == 5
    assert set_up(Counted(validation=None)).validation is None


@pytest.mark.parametrize(
    ("build", "asked", "limit"), [(Counted, 5, 4), (Own, 4, 3), (Counted, 99, 4)]
)
def test_more_held_out_images_than_there_are_is_refused(
    build: type[Counted], asked: int, limit: int
) -> None:
    with pytest.raises(ValueError, match=f"validation={asked}: there are only {limit}"):
        build(validation=asked).setup()


def test_a_negative_count_of_held_out_images_is_refused() -> None:
    with pytest.raises(ValueError, match="`validation` must be at least 0, got -1"):
        Counted(validation=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"imbalance": "longtail"}, "unknown imbalance 'longtail'; did you mean 'long_tail'"),
        ({"imbalance_ratio": 0.5}, "`imbalance_ratio` must be at least 1, got 0.5"),
        ({"split_seed": "a"}, "`split_seed` must be a whole number, got 'a'"),
        ({"validation": 1.5}, "`validation` must be a whole number, got 1.5"),
        ({"flip": 1}, "`flip` must be true or false, got 1"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counted(**options)


def test_imbalance_thins_the_training_rows_alone() -> None:
    data = set_up(Own(imbalance="step", imbalance_ratio=3.0, validation=None))
    assert data.train.labels.bincount().tolist() == [3, 1]
    assert (data.test is not None, data.validation is not None) == (True, True)
    assert (len(data.test or ()), len(data.validation or ())) == (2, 3)


def test_rows_of_numbers_are_standardised_column_by_column() -> None:
    data = set_up(Columns())
    assert data.train.shape == (2,)
    ready = data.preprocess()(data.train.inputs)[places(data.train).argsort()]
    expected = torch.tensor([-3.0, -1.0, 1.0, 3.0]) / 5**0.5
    torch.testing.assert_close(ready, torch.stack([expected, torch.zeros(4)], 1))


def test_standardising_centres_divides_and_follows_the_precision_of_the_module() -> None:
    ready = Standardise(torch.tensor([1.0, 2.0]), torch.tensor([2.0, LEAST]))
    assert ready(torch.tensor([[3, 2]])).tolist() == [[1.0, 0.0]]  # whole numbers too
    assert ready.double()(torch.tensor([[3.0, 2.0]])).dtype == torch.float64


def test_training_rows_stand_in_a_fixed_shuffled_order_and_tell_where_they_were() -> None:
    class Sorted(Columns):
        inputs = torch.arange(200.0).view(100, 2)

        def load(self) -> Loaded:
            rows = Rows(self.inputs, (torch.arange(100) >= 50).long(), shown=self.inputs)
            return Loaded(rows, replace(rows, part="test"))

    data, again = set_up(Sorted()), set_up(Sorted(split_seed=5))
    order = places(data.train)
    assert torch.equal(data.train.inputs, Sorted.inputs[order])
    assert data.train.named(torch.tensor([3])) == [f"train[{order[3]}]"]
    assert torch.equal(order, places(again.train))
    assert 15 < int(data.train.labels[:50].sum()) < 35
    assert data.train.shown is data.train.inputs
    assert data.test is not None
    assert torch.equal(data.test.inputs, Sorted.inputs)


@pytest.mark.parametrize("numbers", [[1, 3, 2, 0], [3, 2, 1, 0]])
def test_rows_in_an_order_of_their_own_keep_it(numbers: list[int]) -> None:
    class Ordered(Columns):
        def load(self) -> Loaded:
            (train, *_) = super().load()
            return Loaded(train.take(torch.tensor(numbers)))

    assert places(set_up(Ordered()).train).tolist() == numbers


def test_rows_that_are_only_queried_need_no_test_rows() -> None:
    data = set_up(Columns())
    assert data.test is None
    assert len(list(data.train_dataloader())) == 1
    with pytest.raises(UserError, match="the data has no test rows"):
        data.test_dataloader()
