import json
import signal
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor, nn

from autoal import Arrays, Experiment, FitStep, Plan, Training, TrueLabels, rounds
from autoal.errors import UserError
from autoal.model.own import LightningLearner, TorchLearner
from autoal.seeding import generator, seeded
from autoal.testing import check_learner
from tests.networks import Tiny

CPU = Training(accelerator="cpu")
STRIPES = torch.arange(48) % 2


def stripes(count: int, part: str) -> tuple[Tensor, Tensor]:
    """Pictures with a bright column, left or right."""
    labels = torch.arange(count) % 2
    images = torch.randint(150, (count, 1, 8, 8), generator=generator(0, part)).to(torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, :, 2 + 4 * label] += 100
    return images, labels


@pytest.fixture
def data() -> Arrays:
    return Arrays(stripes(48, "train"), test=stripes(20, "test"))


class Module(pl.LightningModule):
    """Somebody's own: it scales its input, logs, and steps an optimiser of its choice."""

    def __init__(self, optimizer: str = "Adam") -> None:
        super().__init__()
        self.network = Tiny((1, 8, 8), 2)
        self.optimizer = optimizer
        self.steps = 0

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.float() / 255)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        self.steps += 1
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return getattr(torch.optim, self.optimizer)(self.parameters(), lr=0.02)


class ByHand(Module):
    """With an optimisation of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:  # type: ignore[override]
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(nn.functional.cross_entropy(self(batch[0]), batch[1]))
        optimizer.step()


def lightning(module: Any, data: Arrays, **flags: Any) -> LightningLearner:
    trainer = {"max_epochs": 8, "accelerator": "cpu", **flags}
    return LightningLearner(module, data, trainer=trainer, batch_size=8, training=CPU)


def torch_learner(data: Arrays, **options: Any) -> TorchLearner:
    with seeded(0, "module"):
        module = Tiny((1, 8, 8), 2)
    return TorchLearner(module, data, training=CPU, steps=12, learning_rate=0.05, **options)


with seeded(0, "module"):
    MODULE = Module()

BUILDERS: dict[str, Callable[..., Any]] = {
    "torch": torch_learner,
    "torch, built": lambda data: TorchLearner(Tiny, data, training=CPU, steps=12),
    "lightning": lambda data, **flags: lightning(MODULE, data, **flags),
    "lightning, built": lambda data, **flags: lightning(Module, data, **flags),
    "lightning, by hand": lambda data, **flags: lightning(ByHand, data, **flags),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_model_of_ones_own_keeps_the_promises_of_a_learner(name: str, data: Arrays) -> None:
    short = {"max_epochs": 2} if name.startswith("lightning") else {}
    check_learner(lambda: BUILDERS[name](data, **short), data)


@pytest.mark.parametrize("strategy", ["margin", "bald", "badge", "autoal", "loss_prediction"])
@pytest.mark.parametrize("name", ["torch", "lightning"])
def test_every_kind_of_strategy_works_with_a_model_of_ones_own(
    name: str, strategy: str, data: Arrays
) -> None:
    experiment = Experiment(data, BUILDERS[name](data), strategy, Plan(10, 4, 2))
    history = list(rounds(experiment, TrueLabels(data.train.labels)))
    assert [finished.labelled for finished in history] == [10, 14, 18]
    assert history[-1].metrics["accuracy"] > 0.7
    assert all(finished.steps > 0 for finished in history)


@pytest.mark.parametrize("name", ["torch", "lightning"])
def test_an_experiment_with_a_model_of_ones_own_goes_on_from_its_state(
    name: str, data: Arrays
) -> None:
    truth = TrueLabels(data.train.labels)

    def facts(history: list[Any]) -> list[Any]:
        lines = [json.loads(json.dumps(finished.to_line())) for finished in history]
        return [{key: line[key] for key in line if key != "seconds"} for line in lines]

    whole = Experiment(data, BUILDERS[name](data), "margin", Plan(8, 4, 3))
    states = []
    for _ in rounds(whole, truth):
        states.append(deepcopy(whole.state_dict()))
    resumed = Experiment(data, BUILDERS[name](data), "margin", Plan(8, 4, 3))
    resumed.resume(whole.history[:2], states[1])
    list(rounds(resumed, truth))
    assert facts(resumed.history) == facts(whole.history)


def test_the_dropout_rate_and_the_head_of_a_module_serve_for_draws(data: Arrays) -> None:
    for learner in (torch_learner(data), lightning(MODULE, data)):
        with seeded(0, "fit"):
            learner.fit(data.train, first=True, watch=lambda step: None)
        features = learner.look(data.train, torch.arange(20), seed=3)
        assert float(features.drawn_probs.var(0).max()) > 0
        head = features._predictions
        assert head.dropout == 0.2  # type: ignore[attr-defined]


def test_a_module_starts_every_round_from_the_weights_that_it_had(data: Arrays) -> None:
    module = Module()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    learner = lightning(module, data, max_epochs=1)
    for seed in range(2):
        with seeded(seed, "fit"):
            learner.fit(data.train, first=seed == 0, watch=lambda step: None)
    assert module.steps == 0
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_trainer_flags_and_callbacks_are_the_users(data: Arrays) -> None:
    data.validation = data.train.take(torch.arange(12))
    seen: list[int] = []

    class Counting(pl.Callback):
        """Counts its epochs; a new count in every round shows that it is a copy."""

        epochs = 0

        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            self.epochs += 1
            seen.append(self.epochs)

    stopping = EarlyStopping("val_loss", patience=1, min_delta=100.0)
    flags = {"max_epochs": 9, "callbacks": [Counting(), stopping], "gradient_clip_val": 0.5}
    learner = lightning(MODULE, data, **flags)
    for _ in range(2):
        with seeded(0, "fit"):
            learner.fit(data.train, first=True, watch=lambda step: None)
    assert seen == [1, 2, 1, 2]  # stopped after two epochs, in both rounds
    assert stopping.wait_count == 0  # the user's own was never used


def test_a_builder_gives_every_round_fresh_weights(data: Arrays) -> None:
    learner = lightning(Module, data, max_epochs=1)
    found = []
    for seed in range(2):
        with seeded(seed, "fit"):
            learner.fit(data.train, first=False, watch=lambda step: None)
        found.append(learner.look(data.train, torch.arange(4), 0).embeddings)
    assert not torch.equal(*found)


def test_a_member_is_trained_for_as_much_less_as_it_has_fewer_rows(data: Arrays) -> None:
    for learner in (torch_learner(data), lightning(MODULE, data, max_epochs=4)):
        steps = []
        for member in (learner, learner.fresh(0.5), learner.fresh(0.25)):
            with seeded(0, "fit"):
                steps.append(member.fit(data.train, first=True, watch=lambda step: None))
        assert steps[1] == steps[0] // 2
        assert steps[2] == steps[0] // 4


def test_augmentation_is_for_training_only(data: Arrays) -> None:
    class Marked(nn.Module):
        """Inverts the picture when it learns."""

        def forward(self, images: Tensor) -> Tensor:
            return 255 - images if self.training else images

    learner = LightningLearner(
        MODULE, data, trainer={"max_epochs": 1, "accelerator": "cpu"}, preprocess=Marked()
    )
    plain = lightning(MODULE, data)
    numbers = torch.arange(4)
    assert torch.equal(
        learner.look(data.train, numbers, 0).embeddings,
        plain.look(data.train, numbers, 0).embeddings,
    )
    with seeded(0, "fit"):
        learner.fit(data.train, first=True, watch=lambda step: None)
    found = learner.look(data.train, numbers, 0).embeddings
    module = learner.module().eval()
    assert torch.equal(found, module.network.embed(data.train.inputs[numbers]))


def test_how_long_a_round_trains_must_be_said(data: Arrays) -> None:
    with pytest.raises(UserError, match="say how long a round trains"):
        LightningLearner(MODULE, data, trainer={"accelerator": "cpu"})


def test_a_module_that_ends_in_a_softmax_is_refused_in_one_sentence(data: Arrays) -> None:
    class Soft(Module):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images).softmax(1)

    with pytest.raises(UserError, match="no readable linear head"):
        lightning(Soft, data)
    with pytest.raises(UserError, match="cannot read rows of the shape"):
        TorchLearner(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2, 2)), data)


def test_the_model_predicts_new_rows_afterwards(data: Arrays) -> None:
    images, labels = stripes(30, "new")
    for learner in (torch_learner(data), lightning(MODULE, data)):
        experiment = Experiment(data, learner, "margin", Plan(40, 4, 0))
        list(rounds(experiment, TrueLabels(data.train.labels)))
        probs = experiment.predict(images)
        assert probs.shape == (30, 2)
        assert float((probs.argmax(1) == labels).float().mean()) > 0.8


class Auxiliary(Tiny):
    """Gives a second output when it learns, as GoogLeNet does."""

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return (logits, logits) if self.training else logits  # type: ignore[return-value]


def frozen() -> nn.Module:
    return Tiny((1, 8, 8), 2).requires_grad_(False)


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (Auxiliary, {}, "in training mode the network gives a tuple"),
        (frozen, {}, "all weights of the network are frozen"),
        (MODULE, {}, "a LightningModule trains by its own steps: give it to LightningLearner"),
        (Tiny, {"preprocess": lambda rows: rows}, r"`preprocess` must be an nn\.Module"),
    ],
    ids=["two outputs", "frozen", "LightningModule", "function"],
)
def test_what_cannot_be_trained_as_our_networks_are_is_refused_at_once(
    module: Any, options: dict[str, Any], message: str, data: Arrays
) -> None:
    with pytest.raises(UserError, match=message):
        TorchLearner(module, data, training=CPU, **options)


def test_a_builder_that_gives_the_same_module_again_is_given_copies_of_it(data: Arrays) -> None:
    with seeded(0, "module"):
        network, module = Tiny((1, 8, 8), 2), Module()
    for learner in (
        TorchLearner(lambda: network, data, training=CPU, steps=5),
        lightning(lambda: module, data, max_epochs=1),
    ):
        unread = learner.look(data.train, torch.arange(4), 0)
        expected = learner.look(data.train, torch.arange(4), 0).logits
        found = []
        for _ in range(2):
            with seeded(0, "fit"):
                learner.fit(data.train, first=True, watch=lambda step: None)
            found.append(learner.look(data.train, torch.arange(4), 0).logits)
        assert torch.equal(found[0], found[1])
        assert torch.equal(unread.logits, expected)
        assert not torch.equal(found[0], expected)


def test_batch_norm_that_is_kept_still_learns_nothing(data: Arrays) -> None:
    with seeded(0, "module"):
        network, module = Tiny((1, 8, 8), 2), Module()
    network.features[1].eval()
    module.network.features[1].eval()
    for learner in (
        TorchLearner(network, data, training=CPU, steps=5),
        lightning(module, data, max_epochs=2),
    ):
        with seeded(0, "fit"):
            learner.fit(data.train, first=True, watch=lambda step: None)
        state = learner.state_dict()
        (name,) = (name for name in state if name.endswith("running_mean"))
        assert torch.equal(state[name], torch.zeros(4))


def test_checkpoints_are_kept_where_the_user_has_a_callback_for_them(
    data: Arrays, tmp_path: Path
) -> None:
    callback = pl.callbacks.ModelCheckpoint(dirpath=tmp_path)
    learner = lightning(MODULE, data, max_epochs=1, callbacks=[callback])
    with seeded(0, "fit"):
        learner.fit(data.train, first=True, watch=lambda step: None)
    assert list(tmp_path.glob("*.ckpt"))


def test_a_module_without_an_optimiser_trains_nothing(data: Arrays) -> None:
    class Idle(Module):
        def configure_optimizers(self) -> None:
            return None

    learner = lightning(Idle, data, max_epochs=1)
    with seeded(0, "fit"), pytest.warns(UserWarning, match="run with no optimizer"):
        learner.fit(data.train, first=True, watch=lambda step: None)
    with pytest.raises(ValueError, match="`batch_size` must be at least 2, got 1"):
        LightningLearner(MODULE, data, trainer={"max_epochs": 1}, batch_size=1)
    with pytest.raises(UserError, match="a LightningModule is needed, got Tiny"):
        lightning(lambda: Tiny((1, 8, 8), 2), data)


def test_ctrl_c_stops_a_training_and_not_the_process(data: Arrays) -> None:
    def interrupted(step: FitStep) -> None:
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    for learner in (torch_learner(data), lightning(MODULE, data)):
        with seeded(0, "fit"), pytest.raises(KeyboardInterrupt):
            learner.fit(data.train, first=True, watch=interrupted)
        assert signal.getsignal(signal.SIGINT) is handler


def test_going_on_draws_nothing_from_the_global_stream(data: Arrays) -> None:
    whole = Experiment(data, lightning(Module, data, max_epochs=1), "margin", Plan(8, 4, 1))
    list(rounds(whole, TrueLabels(data.train.labels)))
    again = Experiment(data, lightning(Module, data, max_epochs=1), "margin", Plan(8, 4, 1))
    before = torch.random.get_rng_state()
    again.resume(whole.history, whole.state_dict())
    assert torch.equal(torch.random.get_rng_state(), before)
