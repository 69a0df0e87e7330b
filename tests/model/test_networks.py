from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.networks import (
    MLP,
    Network,
    PretrainedResNet18,
    Ready,
    ResNet18,
    TanhHead,
)
from autoal.seeding import generator, seeded


def images_of(shape: Shape, count: int = 2) -> Tensor:
    return torch.randn(count, *shape, generator=generator(0, "images"))


@torch.no_grad()
def set_weights(layer: nn.Module, weight: list[list[float]], bias: list[float]) -> None:
    assert isinstance(layer, nn.Linear)
    layer.weight.copy_(torch.tensor(weight))
    layer.bias.copy_(torch.tensor(bias))


@pytest.mark.parametrize("maxpool", [False, True])
@pytest.mark.parametrize(
    ("channels", "size"), [(3, (8, 8)), (1, (9, 13)), (1, (28, 28)), (3, (32, 32))]
)
def test_resnet18_reads_small_images(channels: int, size: tuple[int, int], maxpool: bool) -> None:
    shape = (channels, *size)
    with seeded(0):
        network = ResNet18(shape, 4, maxpool=maxpool)
    images = images_of(shape)
    with torch.no_grad():
        assert network(images).shape == (2, 4)  # in training mode, where BatchNorm needs rows
        network.eval()
        embeddings = network.embed(images)
        assert embeddings.shape == (2, 512)
        torch.testing.assert_close(network(images), network.head(embeddings))
    assert not torch.equal(embeddings[0], embeddings[1])


def test_the_max_pool_halves_what_the_blocks_read() -> None:
    sizes = []
    for maxpool in (False, True):
        network = ResNet18((1, 16, 16), 2, maxpool=maxpool).eval()
        trunk = network.embed
        assert isinstance(trunk.layer1, nn.Module)
        trunk.layer1.register_forward_hook(lambda *call: sizes.append(tuple(call[2].shape[2:])))
        network(images_of((1, 16, 16)))
    assert sizes == [(16, 16), (8, 8)]


@pytest.mark.parametrize("size", [(7, 8), (8, 7), (1, 1)])
def test_resnet18_refuses_images_below_8x8(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"at least 8x8, got {size[0]}x{size[1]}"):
        ResNet18((3, *size), 10)


def test_without_hidden_layers_it_is_a_linear_model() -> None:
    network = MLP((1, 1, 2), 2, hidden=(), dropout=0.0)
    set_weights(network.head, [[1.0, 2.0], [-1.0, 0.5]], [0.5, 0.0])
    out = network(torch.tensor([3.0, -1.0]).view(1, 1, 1, 2))
    torch.testing.assert_close(out, torch.tensor([[1.5, -3.5]]))


def test_mlp_by_hand() -> None:
    network = MLP((1, 1, 2), 2, hidden=(2,), dropout=0.0)
    assert isinstance(network.embed, nn.Sequential)
    set_weights(network.embed[1], [[1.0, 1.0], [1.0, -1.0]], [0.0, -1.0])
    set_weights(network.head, [[2.0, 0.0], [1.0, 1.0]], [0.0, 0.25])
    # Below the head: relu(1 + 2) = 3 and relu(1 - 2 - 1) = 0.
    out = network(torch.tensor([1.0, 2.0]).view(1, 1, 1, 2))
    torch.testing.assert_close(out, torch.tensor([[6.0, 3.25]]))


def test_tanh_head_by_hand() -> None:
    network = TanhHead((2,), 2).eval()
    assert isinstance(network.embed, nn.Sequential)
    set_weights(network.embed[2], [[1.0, 1.0], [1.0, -1.0]], [0.0, -1.0])
    set_weights(network.head, [[2.0, 0.0], [1.0, 1.0]], [0.0, 0.25])
    hidden = torch.tensor([3.0, -2.0]).tanh()  # 1 + 2 and 1 - 2 - 1
    torch.testing.assert_close(network.embed(torch.tensor([[1.0, 2.0]]))[0], hidden)
    out = network(torch.tensor([[1.0, 2.0]]))[0]
    torch.testing.assert_close(out, torch.stack([2 * hidden[0], hidden.sum() + 0.25]))


def test_tanh_head_drops_before_both_layers_where_it_learns() -> None:
    network = TanhHead((100,), 2, dropout=0.5)
    ones = torch.ones(1, 100)
    assert network.draw_rate == 0.5
    read = {}
    for name, layer in (("hidden", network.embed.get_submodule("2")), ("head", network.head)):
        layer.register_forward_pre_hook(lambda _, inputs, name=name: read.update({name: inputs[0]}))
    with torch.no_grad(), seeded(0):
        for mode, dropped in ((True, {"hidden", "head"}), (False, set())):
            network.train(mode)(ones)
            assert {name for name, inputs in read.items() if (inputs == 0).any()} == dropped


def test_mlp_has_the_hidden_layers_that_were_asked_for() -> None:
    network = MLP((3, 4, 5), 7, hidden=(11, 6))
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.ndim == 2]
    assert shapes == [(11, 60), (6, 11), (7, 6)]


@pytest.mark.parametrize("build", [MLP, ResNet18])
def test_forward_is_the_head_of_the_embedding_when_evaluating(
    build: Callable[..., Network],
) -> None:
    network = build((1, 8, 8), 3, dropout=0.5).eval()
    images = images_of((1, 8, 8), 5)
    with torch.no_grad():
        torch.testing.assert_close(network(images), network.head(network.embed(images)))


def test_dropout_sits_between_the_embedding_and_the_head() -> None:
    with seeded(0):
        network = MLP((1, 8, 8), 3, hidden=(200,), dropout=0.5).train()
        images = images_of((1, 8, 8), 5)
        passed: list[Tensor] = []
        network.head.register_forward_pre_hook(lambda module, inputs: passed.append(inputs[0]))
        network(images)
        network(images)
        embeddings = network.embed(images)
        assert torch.equal(embeddings, network.embed(images))
    assert not torch.equal(passed[0], passed[1])
    for read in passed:  # each feature is either dropped or doubled
        assert bool(((read == 0) | torch.isclose(read, 2 * embeddings)).all())
        assert 0.4 < float((read == 0)[embeddings > 0].float().mean()) < 0.6


@pytest.mark.parametrize("build", [MLP, ResNet18])
@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_a_dropout_out_of_range_is_refused(build: Callable[..., Network], dropout: float) -> None:
    with pytest.raises(ValueError, match=f"`dropout` must be .* got {dropout}"):
        build((1, 8, 8), 3, dropout=dropout)


@pytest.mark.parametrize("hidden", [(0,), (8, -1)])
def test_hidden_layers_without_units_are_refused(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="`hidden` must be at least 1"):
        MLP((1, 8, 8), 3, hidden=hidden)


def test_the_stages_of_an_mlp_are_its_hidden_layers() -> None:
    network = MLP((1, 1, 2), 2, hidden=(2, 1), dropout=0.0)
    assert isinstance(network.embed, nn.Sequential)
    set_weights(network.embed[1], [[1.0, 1.0], [1.0, -1.0]], [0.0, -1.0])
    set_weights(network.embed[3], [[2.0, 1.0]], [-1.0])
    stages = network.stages(torch.tensor([1.0, 2.0]).view(1, 1, 1, 2))
    assert stages.tolist() == [[3.0, 0.0, 5.0]]


def test_the_stages_of_resnet18_are_pooled_and_end_in_the_embedding() -> None:
    network = ResNet18((1, 8, 8), 3).eval()
    images = images_of((1, 8, 8), 5)
    trunk = network.embed
    assert isinstance(trunk.layer1, nn.Module)
    first: list[Tensor] = []
    hook = trunk.layer1.register_forward_hook(lambda *call: first.append(call[2]))
    with torch.no_grad():
        embeddings = network.embed(images)
        hook.remove()
        stages = network.stages(images)
    assert stages.shape == (5, 64 + 128 + 256 + 512)
    torch.testing.assert_close(stages[:, :64], first[0].mean((2, 3)))
    assert torch.equal(stages[:, -512:], embeddings)
    assert not any(module._forward_hooks for module in network.modules())


class Tokens(nn.Module):
    """Images as rows of tokens with their channels last, as transformers have them."""

    def forward(self, images: Tensor) -> Tensor:  # (n, 2, 3, 3) -> (n, 9, 2)
        return images.flatten(2).movedim(1, -1)


class Grid(nn.Module):
    """Images with their channels last, (n, height, width, channels)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.movedim(1, -1)


class Mean(nn.Module):
    """Over all places, whose channels are last."""

    def forward(self, grid: Tensor) -> Tensor:
        return grid.flatten(1, -2).mean(1)


@pytest.mark.parametrize("places", [Tokens, Grid])
def test_stages_whose_channels_are_last_are_pooled_over_their_places(
    places: Callable[[], nn.Module],
) -> None:
    widen = nn.Linear(2, 5)
    embed = nn.Sequential(places(), widen, nn.ReLU(), Mean())
    network = Network(embed, 5, 3, 0.0, inner=("0", "1"), channels=-1)
    images = images_of((2, 3, 3), 4)
    with torch.no_grad():
        stages = network.stages(images)
        expected = widen(images.movedim(1, -1)).mean((1, 2))
    assert stages.shape == (4, 2 + 5 + 5)
    torch.testing.assert_close(stages[:, :2], images.mean((2, 3)))
    torch.testing.assert_close(stages[:, 2:7], expected)
    torch.testing.assert_close(stages[:, 7:], network.embed(images))


def test_a_stage_without_places_is_taken_as_it_is_wherever_its_channels_are() -> None:
    embed = nn.Sequential(nn.Flatten(), nn.Linear(18, 4), nn.ReLU())
    images = images_of((2, 3, 3), 4)
    for channels in (1, -1):
        network = Network(embed, 4, 3, 0.0, inner=("1",), channels=channels)
        with torch.no_grad():
            torch.testing.assert_close(network.stages(images)[:, :4], embed[:2](images))


def test_stages_are_there_though_the_network_is_compiled() -> None:
    network = MLP((1, 1, 2), 2, hidden=(3, 2), dropout=0.0)
    rows = torch.tensor([1.0, 2.0]).view(1, 1, 1, 2)
    expected = network.stages(rows)
    network.embed._compiled_call_impl = lambda *arguments: None  # which shows nothing of its inside
    assert torch.equal(network.stages(rows), expected)


@pytest.mark.parametrize("build", [ResNet18, PretrainedResNet18])
def test_networks_for_images_refuse_rows_that_are_none(build: Callable[..., Network]) -> None:
    with pytest.raises(
        ValueError, match=r"reads images.*the shape \(7,\): give task=mlp, linear or log"
    ):
        build((7,), 3)


def test_mlp_reads_rows_of_numbers() -> None:
    network = MLP((7,), 3, hidden=(5,))
    assert network(images_of((7,), 4)).shape == (4, 3)


class Cropping(nn.Module):
    """Zeros in training, where other preprocessing would augment."""

    def forward(self, rows: Tensor) -> Tensor:
        return rows * 0 if self.training else rows * 2


def test_a_network_that_is_ready_reads_rows_as_they_are_stored_and_never_augments() -> None:
    with seeded(0):
        network = MLP((1, 1, 2), 2, hidden=(6,), dropout=0.5)
    ready = Ready(Cropping(), network)
    rows = images_of((1, 1, 2), 4)
    assert ready.network.training  # as FitNets learn
    with torch.no_grad():
        for mode in (True, False):
            ready.train(mode)
            assert network.training == mode
            assert not ready.preprocess.training
            with seeded(1):
                expected = network(2 * rows)
            with seeded(1):
                assert torch.equal(ready(rows), expected)


def test_a_network_that_is_ready_gives_logits_and_stages_in_one_pass() -> None:
    with seeded(0):
        network = MLP((1, 1, 2), 3, hidden=(6, 4), dropout=0.5)
    ready = Ready(Cropping(), network)
    passes: list[Tensor] = []
    assert isinstance(network.embed, nn.Sequential)
    network.embed[1].register_forward_hook(lambda *call: passes.append(call[2]))
    with torch.no_grad(), seeded(1):
        logits, stages = ready.with_stages(images_of((1, 1, 2), 4))
    assert len(passes) == 1
    assert stages.shape == (4, 6 + 4)
    with torch.no_grad():
        assert torch.equal(stages, network.stages(2 * images_of((1, 1, 2), 4)))
        with seeded(1):
            assert torch.equal(logits, network.head(network.dropout(stages[:, 6:])))
        logits, stages = ready.eval().with_stages(images_of((1, 1, 2), 4))
        assert torch.equal(logits, network.head(stages[:, 6:]))


@pytest.mark.parametrize("kind", [MLP, TanhHead])
def test_numbers_of_tokens_are_no_features(kind: type[MLP] | type[TanhHead]) -> None:
    with pytest.raises(UserError, match=r"whole numbers \(torch\.int32\), as encoder=tokens"):
        kind((4,), 2)(torch.ones(3, 4, dtype=torch.int32))
