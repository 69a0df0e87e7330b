from functools import wraps
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal.growth.sampling import Drawing, Ids, Pair, log_probs
from autoal.seeding import seeded
from tests.transformers_made import tiny_writer

WORDS, END = 12, 11
PROMPTS = [
    [1, 2, 3, 4],
    [5],
    [6, 7],
    *([row % 10, 3] for row in range(17)),
]  # more than are read at once


@pytest.fixture(scope="module")
def network() -> Any:
    with seeded(0):
        return tiny_writer(WORDS).requires_grad_(False)


def drawing(temperature: float = 1.0, top_p: float = 1.0, most: int = 6) -> Drawing:
    return Drawing(temperature, top_p, most, END.__eq__)


def likeliest(network: Any, prompt: Ids, most: int) -> Ids:
    """What a loop without memory and padding makes of one prompt."""
    row = [*prompt]
    while len(row) < len(prompt) + most and row[-1] != END:
        row.append(int(network(torch.tensor([row])).logits[0, -1].argmax()))
    return row[len(prompt) :]


def test_prompts_of_any_length_are_continued_as_each_by_itself(network: Any) -> None:
    found = drawing(top_p=1e-9).drawn(network, PROMPTS, seed=0)
    assert found == [likeliest(network, prompt, 6) for prompt in PROMPTS]


def test_the_same_seed_draws_the_same_and_nobody_beside_matters(network: Any) -> None:
    found = drawing().drawn(network, PROMPTS, seed=3)
    assert drawing().drawn(network, PROMPTS, seed=3) == found
    assert drawing().drawn(network, PROMPTS[:2], seed=3) == found[:2]
    assert drawing().drawn(network, PROMPTS, seed=4) != found


def test_the_global_stream_is_left_alone(network: Any) -> None:
    before = torch.get_rng_state()
    drawing().drawn(network, PROMPTS, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_continuation_ends_at_its_end(network: Any) -> None:
    found = drawing(most=60).drawn(network, PROMPTS[:4], seed=0)
    assert all(END not in answer[:-1] for answer in found)
    assert any(answer[-1] == END and len(answer) < 60 for answer in found)
    assert all(answer[-1] == END or len(answer) == 60 for answer in found)


def test_a_row_is_read_no_more_after_its_end(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    forward = network.forward

    @wraps(forward)  # whose arguments are looked up
    def counted(input_ids: Tensor, **others: Any) -> Any:
        read.append(len(input_ids))
        return forward(input_ids, **others)

    monkeypatch.setattr(network, "forward", counted)
    found = drawing(most=60).drawn(network, PROMPTS[:4], seed=0)
    assert sum(read) == sum(map(len, found))


@pytest.mark.parametrize(
    ("temperature", "top_p", "shares"),
    [
        (1.0, 1.0, [0.5, 0.3, 0.2]),
        (1.0, 0.6, [0.625, 0.375, 0.0]),  # .5 is not enough, with .3 it is
        (0.5, 1.0, [25 / 38, 9 / 38, 4 / 38]),  # squares
        (1.0, 0.4, [1.0, 0.0, 0.0]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_are_likely(
    temperature: float, top_p: float, shares: list[float]
) -> None:
    chances = (torch.arange(1000).double() + 0.5) / 1000
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(1000, 3)
    found = drawing(temperature, top_p)._picked(logits, chances).bincount(minlength=3) / 1000
    torch.testing.assert_close(found, torch.tensor(shares), atol=1e-3, rtol=0)


def test_any_chance_falls_upon_a_token_that_counts() -> None:
    chances = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    found = drawing(top_p=0.6)._picked(torch.tensor([[0.5, 0.3, 0.2]] * 2).log(), chances)
    assert found.tolist() == [0, 1]


def test_answers_are_weighed_as_each_by_itself(network: Any) -> None:
    pairs = [Pair([1, 2, 3], [4]), Pair([5], [6, 7, 8]), Pair([9, 1], [2, 3])]
    for found, (prompt, answer) in zip(log_probs(network, pairs), pairs, strict=True):
        row = torch.tensor([[*prompt, *answer]])
        logs = network(row).logits[0, len(prompt) - 1 : -1].log_softmax(1)
        torch.testing.assert_close(found, logs[range(len(answer)), answer])
