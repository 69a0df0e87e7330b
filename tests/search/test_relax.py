import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from autoal.search.relax import RELAXATIONS, Relaxation, mixture_threshold, soft_top
from autoal.seeding import generator

TEMPERATURES = [0.01, 0.2, 5.0]
BOTH = pytest.mark.parametrize("relax", RELAXATIONS.values(), ids=RELAXATIONS)


@pytest.fixture
def worth() -> Tensor:
    return torch.rand(50, generator=generator(0, "worth"), dtype=torch.float64)


@pytest.fixture
def two_heaps() -> Tensor:
    """Thirty of a hundred rows are worth more than the others by far."""
    noise = torch.randn(100, generator=generator(0, "heaps"), dtype=torch.float64)
    return 0.2 + 0.6 * (torch.arange(100) < 30) + 0.03 * noise


def slope(relax: Relaxation, worth: Tensor, budget: int, temperature: float, out: Tensor) -> Tensor:
    worth = worth.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(relax(worth, budget, temperature), worth, out)
    return gradient


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("budget", [1, 7, 49])
def test_shares_sum_to_the_budget(worth: Tensor, budget: int, temperature: float) -> None:
    shares = soft_top(worth, budget, temperature)
    assert float(shares.sum()) == pytest.approx(budget, abs=1e-6)
    assert (shares >= 0).all()
    assert (shares <= 1).all()


def test_shares_sum_to_the_budget_in_single_precision(worth: Tensor) -> None:
    shares = soft_top(worth.float(), 7, 0.2)
    assert shares.dtype == torch.float32
    assert float(shares.sum()) == pytest.approx(7, abs=1e-3)


def test_shares_by_hand() -> None:
    worth = torch.tensor([1.0, 0.0], dtype=torch.float64).requires_grad_()
    shares = soft_top(worth, 1, 1.0)
    expected = torch.tensor([0.6224593, 0.3775407], dtype=torch.float64)  # sigmoid(+-1/2)
    torch.testing.assert_close(shares, expected, rtol=1e-6, atol=0)
    (gradient,) = torch.autograd.grad(shares[0], worth)
    # s (1 - s) = .2350037; a half of it goes to the threshold.
    moved = torch.tensor([0.1175019, -0.1175019], dtype=torch.float64)
    torch.testing.assert_close(gradient, moved, rtol=1e-6, atol=0)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 5.0])
@pytest.mark.parametrize("budget", [1, 7, 49])
def test_the_gradient_equals_finite_differences(
    worth: Tensor, budget: int, temperature: float
) -> None:
    out = torch.randn(50, generator=generator(0, "out"), dtype=torch.float64)
    step = 1e-5 * torch.eye(50, dtype=torch.float64)
    measured = torch.stack(
        [
            out
            @ (
                soft_top(worth + little, budget, temperature)
                - soft_top(worth - little, budget, temperature)
            )
            for little in step
        ]
    )
    found = slope(soft_top, worth, budget, temperature, out)
    assert float((found - measured / 2e-5).norm() / found.norm()) < 1e-6


def test_what_a_row_gains_the_others_lose(worth: Tensor) -> None:
    flat = slope(soft_top, worth, 7, 0.2, torch.ones_like(worth))
    torch.testing.assert_close(flat, torch.zeros_like(flat))
    first = slope(soft_top, worth, 7, 0.2, torch.eye(50, dtype=torch.float64)[0])
    assert first[0] > 0
    assert (first[1:] < 0).all()


def test_shares_approach_the_hard_choice_as_the_temperature_falls(worth: Tensor) -> None:
    hard = torch.zeros_like(worth)
    hard[worth.topk(7).indices] = 1
    away = [float((soft_top(worth, 7, t) - hard).abs().max()) for t in (1.0, 0.1, 0.01, 1e-4)]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 1e-3


@BOTH
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_order_is_that_of_the_worth(
    relax: Relaxation, worth: Tensor, temperature: float
) -> None:
    shares = relax(worth, 7, temperature)[worth.argsort()]
    assert (shares.diff() >= 0).all()


@BOTH
@pytest.mark.parametrize("budget", [50, 80])
def test_a_budget_for_all_rows_takes_them_all(
    relax: Relaxation, worth: Tensor, budget: int
) -> None:
    assert torch.equal(relax(worth, budget, 0.2), torch.ones_like(worth))


def test_equal_worth_makes_equal_shares() -> None:
    worth = torch.full((8,), 0.3, dtype=torch.float64)
    torch.testing.assert_close(soft_top(worth, 2, 1e-3), torch.full_like(worth, 0.25))
    shares = mixture_threshold(worth, 2, 1e-3)
    assert torch.equal(shares, shares[:1].expand(8))


@BOTH
def test_shares_do_not_depend_on_the_place_of_worth(relax: Relaxation, worth: Tensor) -> None:
    torch.testing.assert_close(relax(worth + 100, 7, 0.2), relax(worth, 7, 0.2))
    torch.testing.assert_close(relax(10 * worth, 7, 2.0), relax(worth, 7, 0.2))


# At the published temperature, 1e-11, every slope would be zero.
@pytest.mark.parametrize("budget", [3, 30, 60])
def test_a_gradient_passes_the_mixture(two_heaps: Tensor, budget: int) -> None:
    gradient = slope(mixture_threshold, two_heaps, budget, 0.05, torch.ones_like(two_heaps))
    assert gradient.isfinite().all()
    assert (gradient > 0).sum() > 10
    assert float(gradient.norm()) > 0.1
    published = slope(mixture_threshold, two_heaps, budget, 1e-11, torch.ones_like(two_heaps))
    assert torch.equal(published, torch.zeros_like(published))


@pytest.mark.parametrize("budget", [15, 30, 60])
def test_shares_of_the_mixture_nearly_sum_to_the_budget(two_heaps: Tensor, budget: int) -> None:
    assert float(mixture_threshold(two_heaps, budget, 1e-3).sum()) == pytest.approx(budget, abs=2.5)


@pytest.mark.parametrize("budget", [10, 15, 45, 80])
def test_the_threshold_is_the_quantile_of_the_mixture_of_scikit_learn(
    two_heaps: Tensor, budget: int
) -> None:
    rows = two_heaps[:, None].numpy()
    reference = GaussianMixture(5, covariance_type="spherical", random_state=0, tol=1e-4).fit(rows)
    means, shares = torch.tensor(reference.means_[:, 0]), torch.tensor(reference.weights_)
    normal = torch.distributions.Normal(means, torch.tensor(reference.covariances_).sqrt())
    # A row in the middle has the share of one half where it stands at the threshold.
    shared = mixture_threshold(two_heaps, budget, 0.05)
    threshold = float((two_heaps - 0.05 * shared.logit()).mean())
    above = float(shares @ (1 - normal.cdf(torch.tensor(threshold, dtype=torch.float64))))
    assert above == pytest.approx(budget / 100, abs=0.02)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_few_rows_make_a_mixture_too(count: int) -> None:
    worth = torch.linspace(0, 1, count, dtype=torch.float64)
    shares = mixture_threshold(worth, 1, 0.05)
    assert shares.isfinite().all()
    assert shares.argmax() == count - 1
    assert shares[-1] > 0.5


@pytest.mark.parametrize("name", RELAXATIONS)
def test_shares_are_where_the_worth_is(name: str) -> None:
    """On a device that has no numbers, and refuses the tensors of all others."""
    worth = torch.rand(20, generator=generator(0, "worth")).to("meta")
    with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta"):  # no mixture
        RELAXATIONS[name](worth, 5, 0.1)
