from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from autoal.errors import UserError
from autoal.model.cut import adopted, cut_of, network_of
from autoal.model.networks import MLP, Network
from autoal.seeding import generator, seeded

IMAGES = torch.rand(3, 3, 32, 32, generator=generator(0, "images"))


def of_timm(name: str, **options: Any) -> nn.Module:
    import timm  # takes long, and one file needs it

    return timm.create_model(name, **options)


class Plain(nn.Module):
    """A network whose layers stand in it as its author likes."""

    def __init__(self, rate: float = 0.3, after: nn.Module | None = None) -> None:
        super().__init__()
        self.last = nn.Linear(6, 4)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU())
        self.drop = nn.Dropout(rate)
        self.after = after or nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.after(self.last(self.drop(self.body(inputs))))


ROWS = torch.rand(3, 5, generator=generator(0, "rows"))


def test_the_last_linear_layer_is_the_head_and_what_it_reads_the_embedding() -> None:
    module = Plain().eval()
    cut, output = cut_of(module, 4, ROWS)
    assert cut == (module.last, module.drop, False)
    with torch.no_grad():
        assert torch.equal(output, module(ROWS))
        network = network_of(module, (5,), 4, ROWS)
        network.eval()
        assert torch.equal(network.embed(ROWS), module.body(ROWS))
        assert torch.equal(network(ROWS), module(ROWS))
        assert torch.equal(network.head(network.embed(ROWS)), module(ROWS))
    assert network.dropout.p == 0.3
    assert network.head.in_features == 6


def test_dropout_before_the_head_works_as_it_did_when_the_network_learns() -> None:
    module = Plain().train()
    network = network_of(module, (5,), 4, ROWS).train()
    with seeded(0, "pass"), torch.no_grad():
        expected = module(ROWS)
    with seeded(0, "pass"), torch.no_grad():
        found = network(ROWS)
    torch.testing.assert_close(found, expected)


def test_the_authors_module_is_left_as_it_is() -> None:
    module = Plain()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network_of(module, (5,), 4, ROWS)
    assert module.training
    assert isinstance(module.last, nn.Linear)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_every_fresh_start_of_a_module_has_its_weights_and_that_of_a_builder_new_ones() -> None:
    module = Plain()
    first, second = (network_of(module, (5,), 4, ROWS) for _ in range(2))
    assert torch.equal(first.head.weight, second.head.weight)
    assert torch.equal(first.head.weight, module.last.weight)
    built, other = (network_of(Plain, (5,), 4, ROWS) for _ in range(2))
    assert not torch.equal(built.head.weight, other.head.weight)


def test_a_builder_is_given_what_it_has_parameters_for() -> None:
    asked: list[object] = []

    def build(shape: tuple[int, ...], num_classes: int) -> nn.Module:
        asked.append((shape, num_classes))
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, num_classes))

    network = network_of(build, (3, 2, 2), 4)
    assert asked == [((3, 2, 2), 4)]
    assert network(torch.rand(2, 3, 2, 2)).shape == (2, 4)


def test_a_builder_that_passes_all_on_is_given_the_number_of_classes() -> None:
    asked: list[dict[str, int]] = []

    def build(**options: int) -> nn.Module:
        asked.append(options)
        return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4))

    def named(classes: int, **options: int) -> nn.Module:
        return build(classes=classes, **options)

    assert network_of(build, (5,), 4).head.in_features == 7
    assert network_of(named, (5,), 4).head.in_features == 7
    assert asked == [{"num_classes": 4}, {"classes": 4}]


def test_our_own_networks_are_taken_as_they_are() -> None:
    network = network_of(MLP, (5,), 4)
    assert isinstance(network, MLP)
    assert isinstance(network_of(network, (5,), 4), MLP)


def test_looking_how_a_network_is_made_draws_nothing() -> None:
    module = Plain()
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    cut_of(module, 4, ROWS)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("build", "width", "rate"),
    [
        (lambda: torchvision.models.shufflenet_v2_x0_5(num_classes=4), 1024, 0.0),
        (lambda: torchvision.models.mobilenet_v3_small(num_classes=4), 1024, 0.2),
        (lambda: torchvision.models.resnet18(num_classes=4), 512, 0.0),
        (lambda: of_timm("resnet10t", num_classes=4, drop_rate=0.25), 512, 0.25),
        (lambda: of_timm("vit_tiny_patch16_224", num_classes=4, img_size=32), 192, 0.0),
    ],
    ids=["shufflenet", "mobilenet", "resnet", "timm resnet", "timm vit"],
)
def test_networks_of_torchvision_and_timm_are_cut_by_themselves(
    build: Callable[[], nn.Module], width: int, rate: float
) -> None:
    module = build().eval()
    with torch.no_grad():
        expected = module(IMAGES)
        network = network_of(module, (3, 32, 32), 4, IMAGES).eval()
        torch.testing.assert_close(network(IMAGES), expected)
    assert network.head.in_features == width
    assert network.draw_rate == rate


class Twice(Plain):
    """Its last layer serves for two things."""

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.body(inputs)
        return self.last(features + self.last(features).mean())


class Pair(Plain):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs), 0  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("module", "classes", "message"),
    [
        (Plain(after=nn.Softmax(1)), 4, "its output is not that of a Linear layer, or something"),
        (Plain(), 3, r"it returns \(3, 4\) for 3 rows and 3 classes"),
        (Pair(), 4, "it returns tuple for 3 rows"),
        (Twice(), 4, "it uses its last layer in more than one way"),
        (nn.Linear(5, 4), 4, "it is just a Linear layer"),
        (nn.Sequential(nn.Flatten(), nn.Bilinear(5, 5, 4)), 4, "cannot read rows"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), 4, r"Sequential cannot read rows of the shape \(5,\)"),
        (nn.Sequential(nn.Linear(5, 4), nn.ReLU()), 4, "without a softmax after it"),
    ],
)
def test_what_has_no_linear_head_is_refused_in_one_sentence(
    module: nn.Module, classes: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        adopted(module, classes, ROWS)


def test_a_cut_network_has_its_embedding_for_stages() -> None:
    network = network_of(Plain(), (5,), 4, ROWS).eval()
    with torch.no_grad():
        assert torch.equal(network.stages(ROWS), network.embed(ROWS))
    assert isinstance(network, Network)


class Shared(nn.Module):
    """One dropout serves after both layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 4)
        self.drop = nn.Dropout(0.4)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.drop(self.first(inputs).relu())
        return self.last(self.drop(self.second(hidden).relu()))


def test_a_dropout_that_serves_elsewhere_too_stays_and_its_rate_is_that_of_the_draws() -> None:
    module = Shared().train()
    network = network_of(module, (5,), 4, ROWS).train()
    for seed in range(3):
        with seeded(seed, "pass"), torch.no_grad():
            expected = module(ROWS)
        with seeded(seed, "pass"), torch.no_grad():
            assert torch.equal(network(ROWS), expected)
    assert (network.draw_rate, network.dropout.p) == (0.4, 0.0)


@pytest.mark.parametrize(
    ("module", "rate"),
    [
        (nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 4)), 0.0),
        (nn.Sequential(nn.Linear(5, 6), nn.ReLU(inplace=True), nn.Linear(6, 4)), 0.0),
        (nn.Sequential(nn.Linear(5, 6), nn.Dropout(0.3), nn.Flatten(), nn.Linear(6, 4)), 0.3),
        (
            nn.Sequential(
                nn.Linear(5, 6), nn.Dropout(0.3), nn.Hardswish(inplace=True), nn.Linear(6, 4)
            ),
            0.0,
        ),
    ],
    ids=["linear", "in place", "flattened", "something after the dropout"],
)
def test_only_a_dropout_right_before_the_head_is_one(module: nn.Module, rate: float) -> None:
    network = network_of(module, (5,), 4, ROWS)
    assert network.dropout.p == rate
    for seed in range(2):
        with seeded(seed, "pass"), torch.no_grad():
            expected = module(ROWS)
        with seeded(seed, "pass"), torch.no_grad():
            torch.testing.assert_close(network(ROWS), expected)


def test_a_head_that_goes_by_two_names_is_taken_out_under_both() -> None:
    module = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    module.head = module[2]
    named = Renamed(module)
    network = network_of(named, (5,), 4, ROWS).eval()
    with torch.no_grad():
        torch.testing.assert_close(network(ROWS), named(ROWS))


class Renamed(nn.Module):
    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers
        self.head = layers[2]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.layers[1](self.layers[0](inputs)))


def test_layers_that_their_author_keeps_still_stay_so() -> None:
    module = Plain().train()
    module.body.eval()
    network = network_of(module, (5,), 4, ROWS).train()
    assert not network.get_submodule("embed.body.2").training
    assert network.dropout.training
    assert not module.body[2].training
    whole = network_of(Plain().eval(), (5,), 4, ROWS).train()
    assert all(layer.training for layer in whole.modules())


def test_what_builds_no_network_is_refused() -> None:
    with pytest.raises(UserError, match=r"the network cannot be built: .* missing 1 required"):
        network_of(lambda width: Plain(width), (5,), 4, ROWS)
    with pytest.raises(UserError, match=r"a network must be an nn\.Module, got int"):
        network_of(lambda: 3, (5,), 4, ROWS)  # type: ignore[arg-type,return-value]
