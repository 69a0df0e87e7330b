from itertools import combinations

import pytest
import torch

from autoal.seeding import derive, generator, seeded


def test_a_derived_seed_is_the_same_on_every_machine() -> None:
    assert derive(0, "start") == 0x6D791E5774C343  # written down once: old runs depend on it
    assert derive(0, 3, "fit") == derive(0, 3, "fit")


def test_every_seed_and_purpose_has_a_stream_of_its_own() -> None:
    purposes: list[tuple[int, tuple[str | int, ...]]] = [
        (0, ()),
        (0, ("fit",)),
        (1, ("fit",)),
        (0, (1, "fit")),
        (0, ("1", "fit")),
        (0, ("1fit",)),
        (0, ("fit", 1)),
        (0, (11,)),
        (0, (1, 1)),
    ]
    for (seed, purpose), (other_seed, other) in combinations(purposes, 2):
        assert derive(seed, *purpose) != derive(other_seed, *other)
        first = torch.rand(4, generator=generator(seed, *purpose))
        assert not torch.equal(first, torch.rand(4, generator=generator(other_seed, *other)))


def test_a_generator_starts_afresh_at_every_call() -> None:
    first = torch.rand(4, generator=generator(5, "view"))
    assert torch.equal(first, torch.rand(4, generator=generator(5, "view")))


def test_a_generator_and_the_global_stream_leave_each_other_alone() -> None:
    expected = torch.rand(4, generator=generator(5, "view"))
    torch.manual_seed(1)
    alone = torch.rand(4)
    torch.manual_seed(1)
    drawn = torch.rand(4, generator=generator(5, "view"))
    assert torch.equal(torch.rand(4), alone)
    assert torch.equal(drawn, expected)


def test_seeded_fixes_the_global_stream_whatever_was_drawn_before() -> None:
    torch.manual_seed(1)
    with seeded(0, "fit"):
        first = torch.rand(4)
    torch.manual_seed(2)
    with seeded(0, "fit"):
        assert torch.equal(torch.rand(4), first)
    with seeded(0, "other"):
        assert not torch.equal(torch.rand(4), first)


def test_seeded_gives_the_global_stream_back_as_it_was() -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with seeded(0, "fit"):
        torch.rand(100)
    assert torch.equal(torch.rand(4), expected)


def test_seeded_gives_the_global_stream_back_after_an_error() -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with pytest.raises(RuntimeError, match="stop"), seeded(0, "fit"):
        raise RuntimeError("stop")
    assert torch.equal(torch.rand(4), expected)


def test_several_gpus_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(torch.random, "_fork_rng_warned_already", False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: device)
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda state, device: given_back.append(device)
    )
    with seeded(0, "fit"):
        pass
    assert given_back == [0, 1]
