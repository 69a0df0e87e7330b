from math import exp, log
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.growth.lora import LowRank, adapt, published, trained
from autoal.growth.ppo import Ppo, advantages, divergence, loss
from autoal.growth.sampling import Pair
from autoal.seeding import generator, seeded
from tests.transformers_made import tiny_writer

WORDS, BEST = 8, 3


def network() -> Any:
    with seeded(6):
        return tiny_writer(WORDS).requires_grad_(False)


def ppo(policy: Any, beta: float = 0.05, learning_rate: float = 0.01) -> Ppo:
    return Ppo(policy, beta=beta, epochs=4, learning_rate=learning_rate, seed=0)


def chances(policy: Any) -> Tensor:
    """Of each word behind the one prompt there is."""
    with torch.no_grad():
        return policy(torch.tensor([[1, 2]])).logits[0, -1].softmax(0)


def play(policy: Any, tuned: Ppo, rounds: int) -> list[dict[str, float]]:
    """A bandit: one word is drawn, and one of them is worth something."""
    told = []
    for number in range(rounds):
        drawn = chances(policy).multinomial(16, True, generator=generator(0, number)).tolist()
        rewards = [float(word == BEST) for word in drawn]
        told.append(tuned.learn([Pair([1, 2], [word]) for word in drawn], rewards))
    return told


def test_advantages_are_whitened_and_clipped() -> None:
    torch.testing.assert_close(advantages([1.0, 2.0, 3.0]), torch.tensor([-1, 0, 1]) * 1.5**0.5)
    assert advantages([2.0, 2.0]).tolist() == [0.0, 0.0]
    assert advantages([7.0]).tolist() == [0.0]
    assert advantages([0.0] * 20 + [1.0]).max() == 3.0


def test_the_loss_by_hand() -> None:
    # Two tokens: one is half again as probable as it was, beyond the clip, one as it was. By the
    # published model they had .25 and .5.
    new = torch.tensor([0.3, 0.5]).log()
    old = torch.tensor([0.2, 0.5]).log()
    base = torch.tensor([0.25, 0.5]).log()
    penalty = 0.25 / 0.3 - log(0.25 / 0.3) - 1
    for advantage, gains in [(2.0, (1.2 * 2, 2)), (-2.0, (1.5 * -2, -2))]:
        found = loss(new, old, base, torch.tensor(advantage), beta=0.1)
        assert float(found) == pytest.approx((0.1 * penalty - sum(gains)) / 2, rel=1e-5)


def test_beyond_the_clip_there_is_nothing_to_gain() -> None:
    new = torch.tensor([0.3]).log().requires_grad_()
    old = torch.tensor([0.2]).log()
    for advantage, still in [(1.0, True), (-1.0, False)]:
        (slope,) = torch.autograd.grad(loss(new, old, old, torch.tensor(advantage), beta=0.0), new)
        assert (float(slope) == 0) is still


def test_the_divergence_is_never_negative_and_draws_back() -> None:
    gap = torch.linspace(-3, 3, 61)
    new = gap.clone().requires_grad_()
    found = divergence(new, torch.zeros(61))
    assert bool((found >= 0).all())
    assert float(found[30].detach()) == 0
    assert float(found[40].detach()) == pytest.approx(exp(-1))
    (slopes,) = torch.autograd.grad(found.sum(), new)
    torch.testing.assert_close(slopes, 1 - (-gap).exp())


def test_the_divergence_is_that_of_the_distributions() -> None:
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.3, 0.5])
    expected = (p * (p / q).log()).sum()
    torch.testing.assert_close((p * divergence(p.log(), q.log())).sum(), expected)


def test_the_best_answer_of_a_bandit_is_learnt() -> None:
    policy = network()
    tuned = ppo(policy)
    before = chances(policy)
    told = play(policy, tuned, 12)
    assert before[BEST] < 0.3
    assert chances(policy)[BEST] > 0.9
    assert told[-1]["kl"] > told[0]["kl"] > 0
    with published(policy):
        assert torch.equal(chances(policy), before)


def test_a_dear_divergence_keeps_the_model_as_it_was() -> None:
    policy = network()
    before = chances(policy)
    play(policy, ppo(policy, beta=1000.0), 12)
    torch.testing.assert_close(chances(policy), before, atol=0.02, rtol=0)


def test_equal_rewards_teach_nothing() -> None:
    policy = network()
    told = ppo(policy).learn([Pair([1, 2], [3]), Pair([1], [4, 5])], [0.4, 0.4])
    assert told == {"kl": 0.0}


def test_only_the_changes_are_trained() -> None:
    policy = network()
    tuned = ppo(policy)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    play(policy, tuned, 1)
    changed = {name for name, value in policy.state_dict().items() if not value.equal(before[name])}
    assert changed == {*trained(policy)}
    assert len(changed) == 2 * 2 * 2  # layers, projections, sides
    assert {name.rsplit(".", 2)[-2] for name in changed} == {"q_proj", "v_proj"}


def test_a_change_is_nothing_at_first_and_then_what_its_definition_says() -> None:
    inputs = torch.randn(3, 6, generator=generator(0))
    with seeded(0):
        layer = LowRank(torch.nn.Linear(6, 4), rank=2, alpha=4.0)
    assert torch.equal(layer(inputs), layer.layer(inputs))
    torch.nn.init.ones_(layer.up)
    expected = inputs @ (layer.layer.weight + 2.0 * layer.up @ layer.down).T + layer.layer.bias
    torch.testing.assert_close(layer(inputs), expected)


def test_a_state_has_the_changes_alone_and_goes_on_alike() -> None:
    first = network()
    tuned = ppo(first)
    play(first, tuned, 2)
    state = tuned.state_dict()
    second = network()
    again = Ppo(second, beta=0.05, epochs=4, learning_rate=0.01, seed=9)
    again.load_state_dict(state)
    assert state["changes"].keys() == trained(first).keys()
    assert play(first, tuned, 2) == play(second, again, 2)
    for name, change in tuned.state_dict()["changes"].items():
        assert torch.equal(change, again.state_dict()["changes"][name])
        assert not torch.equal(state["changes"][name], change)  # a snapshot


def test_few_at_a_time_is_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in (2, 16):
        monkeypatch.setattr("autoal.growth.sampling.TOGETHER", size)
        policy = network()
        play(policy, ppo(policy), 1)
        found.append(chances(policy))
    torch.testing.assert_close(*found, atol=1e-4, rtol=0)


def test_a_model_without_such_layers_is_refused() -> None:
    with pytest.raises(UserError, match="no layers called q_proj or v_proj"):
        adapt(torch.nn.Sequential(torch.nn.Linear(2, 2)), rank=2, alpha=2.0, seed=0)


def test_what_diverges_is_told() -> None:
    policy = network()
    with pytest.raises(UserError, match=r"lower growth\.learning_rate"):
        ppo(policy).learn([Pair([1], [2]), Pair([2], [3])], [0.0, float("inf")])
