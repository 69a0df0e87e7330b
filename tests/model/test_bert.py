from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autoal import Rows, Trained, Training
from autoal.data.texts import text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.tokens import Tokens
from autoal.errors import UserError
from autoal.model import bert as module
from autoal.model.bert import Bert, Pooled, Published
from autoal.model.fitstep import unwatched
from autoal.model.transformers import network_of
from autoal.seeding import generator, seeded
from tests.transformers_made import published

Make = Callable[..., Trained]
LENGTH, WORDS = 12, 20  # of the tiny models


@pytest.fixture
def make(bert: Path, cpu: Training) -> Make:
    def made(length: int = LENGTH, **options: Any) -> Trained:
        known = {"model": str(bert), "steps": 2, **options}
        with seeded(0, "task"):
            return Trained(Bert((length,), 3, nn.Identity(), **known), cpu)

    return made


def tokens(count: int, longest: int = LENGTH) -> Rows:
    """Rows of any length, each with a second text, as the encoder `tokens` gives them."""
    stream = generator(0, "tokens")
    ids = torch.randint(1, WORDS + 1, (count, LENGTH), generator=stream).int()
    lengths = torch.randint(2, longest + 1, (count, 1), generator=stream)
    place = torch.arange(LENGTH)
    ids[place >= lengths] = 0
    ids[place >= lengths // 2] *= -1
    return Rows(ids, torch.arange(count) % 3)


def embedded(learner: Trained, rows: Rows) -> Tensor:
    return learner.look(rows, torch.arange(len(rows)), 0).embeddings


def fit(learner: Trained, rows: Rows, seed: int = 0, first: bool = True) -> None:
    with seeded(seed, "fit"):
        learner.fit(rows, first=first, watch=unwatched)


def outputs(folder: Path, ids: Tensor) -> Tensor:
    """The result of transformers' own forward for one row without padding, (length, width)."""
    types = {"token_type_ids": (ids < 0).long()[None]} if folder.name.startswith("bert") else {}
    with torch.no_grad():
        return network_of(folder)((ids.abs() - 1).long()[None], **types).last_hidden_state[0]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_an_embedding_is_that_of_the_row_alone(
    make: Make, kind: str, pooling: str, request: pytest.FixtureRequest
) -> None:
    folder, rows = request.getfixturevalue(kind), tokens(5)
    found = embedded(make(model=str(folder), pooling=pooling), rows)
    for embedding, ids in zip(found, rows.inputs, strict=True):
        hidden = outputs(folder, ids[ids != 0])
        expected = hidden.mean(0) if pooling == "mean" else hidden[0]
        torch.testing.assert_close(embedding, expected, rtol=1e-4, atol=1e-5)


def test_rows_are_read_in_pieces_cut_to_their_longest_and_come_back_in_order(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, rows = make(), tokens(9)
    whole = embedded(learner, rows)
    monkeypatch.setattr(module, "FEW", 4)
    read: list[tuple[int, ...]] = []
    watch(learner, read)
    torch.testing.assert_close(embedded(make_again(learner), rows), whole)
    lengths = (rows.inputs != 0).sum(1).sort().values.tolist()
    assert read == [(4, lengths[3]), (4, lengths[7]), (1, lengths[8])]


def watch(learner: Trained, read: list[tuple[int, ...]]) -> None:
    """Note the shapes that the transformer reads."""
    trunk = learner.task.network.get_submodule("embed.transformer")
    trunk.register_forward_pre_hook(lambda _, inputs: read.append(tuple(inputs[0].shape)))


def make_again(learner: Trained) -> Trained:
    """The same task, which nobody has looked through yet."""
    return Trained(learner.task, learner.training)


def test_a_batch_of_training_is_cut_to_its_longest_row(make: Make) -> None:
    read: list[tuple[int, ...]] = []
    learner = make()
    watch(learner, read)
    fit(learner, tokens(6, longest=5))
    assert read == [(6, 5)] * 2


def test_the_published_weights_are_read_once_a_run_and_every_fresh_round_has_them(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(folder: Path) -> Any:
        read.append(folder)
        return network_of(folder)

    monkeypatch.setattr(module, "network_of", counted)
    learner, rows = make(learning_rate=0.1), tokens(6)
    published = embedded(learner, rows)
    for first in (True, False):
        fit(learner, rows, first=first)
        assert not torch.allclose(embedded(learner, rows), published)
    torch.testing.assert_close(embedded(learner.fresh(), rows), published)
    learner.task.renew(first=False)
    torch.testing.assert_close(embedded(make_again(learner), rows), published)
    assert len(read) == 1


def test_a_warm_start_goes_on_from_the_last_round(make: Make) -> None:
    learner, rows = make(warm_start=True, shrink=1.0, perturb=0.0, learning_rate=0.01), tokens(6)
    fit(learner, rows)
    learnt = embedded(learner, rows)
    learner.task.renew(first=False)
    torch.testing.assert_close(embedded(make_again(learner), rows), learnt)


def test_a_warm_start_draws_weights_towards_the_published_ones_and_shrinks_none(
    make: Make,
) -> None:
    learner, rows = make(warm_start=True), tokens(6)
    published = embedded(learner, rows)
    learner.task.renew(first=False)
    torch.testing.assert_close(embedded(make_again(learner), rows), published)


def test_the_same_seed_trains_the_same_weights_and_the_state_is_all_of_them(make: Make) -> None:
    rows = tokens(8)
    looks = []
    for seed in (0, 0, 1):
        learner = make()
        fit(learner, rows, seed)
        looks.append(embedded(learner, rows))
    other = make()
    other.load_state_dict(learner.state_dict())
    assert torch.equal(looks[0], looks[1])
    assert not torch.equal(looks[0], looks[2])
    assert torch.equal(embedded(other, rows), looks[2])


def test_all_of_it_learns_and_its_head_drops(make: Make) -> None:
    learner, rows = make(dropout=0.3), tokens(6)
    fit(learner, rows)
    look = learner.look(rows, torch.arange(6), 0, stages=True)
    assert learner.deep
    assert learner.task.network.draw_rate == 0.3
    assert look.drawn_probs.std(0).max() > 0
    assert look.stages.shape == (6, 16 * len({1, 2}))
    torch.testing.assert_close(look.stages[:, -16:], embedded(learner, rows))


@pytest.mark.parametrize(("depth", "inner"), [(1, []), (2, [1]), (6, [2, 3, 5]), (12, [3, 6, 9])])
def test_stages_are_layers_evenly_apart(bert: Path, depth: int, inner: list[int]) -> None:
    network = network_of(bert)
    network.config.num_hidden_layers = depth
    assert Pooled(network, "mean").layers == inner


@pytest.mark.parametrize("count", [1, 2, 17])
def test_it_learns_from_however_few_rows_and_of_some_classes(make: Make, count: int) -> None:
    rows = tokens(count)
    learner = make()
    fit(learner, Rows(rows.inputs, torch.zeros(count, dtype=torch.long)))
    assert learner.look(rows, torch.arange(count), 0).probs.isfinite().all()


def test_a_row_without_tokens_is_no_trouble(make: Make) -> None:
    rows = Rows(torch.zeros(3, LENGTH, dtype=torch.int32), torch.arange(3))
    learner = make()
    fit(learner, rows)
    assert embedded(learner, rows).isfinite().all()


def test_what_are_no_tokens_is_refused(make: Make) -> None:
    with pytest.raises(UserError, match="give encoder=tokens and data of texts"):
        make().meet(Rows(torch.zeros(3, LENGTH), torch.zeros(3, dtype=torch.long)))
    with pytest.raises(UserError, match=r"these have the shape \(1, 8, 8\): give encoder=tokens"):
        Bert((1, 8, 8), 2, nn.Identity())


def test_tokens_of_another_tokenizer_are_refused(make: Make) -> None:
    rows = Rows(torch.full((3, LENGTH), 500, dtype=torch.int32), torch.zeros(3, dtype=torch.long))
    with pytest.raises(UserError, match="tokens up to 499, and the model knows 20"):
        make().meet(rows)


def test_tokens_that_are_told_to_be_of_another_model_are_refused(make: Make) -> None:
    with pytest.raises(UserError, match=r"encoder\.model=other and task\.model=.*names both"):
        make(tokens="other")


@pytest.mark.parametrize(("kind", "places"), [("bert", 40), ("roberta", 38)])
def test_rows_longer_than_the_model_reads_are_refused(
    kind: str, places: int, request: pytest.FixtureRequest
) -> None:
    published = Published(str(request.getfixturevalue(kind)), "mean", 0.1)
    published((places,), 2)
    with pytest.raises(UserError, match=f"give encoder.length={places} or less"):
        published((places + 1,), 2)


GOOD = ("wonderful", "charming", "moving", "clever", "superb", "funny", "gripping", "brilliant")
BAD = ("dreadful", "boring", "clumsy", "stupid", "awful", "tedious", "lifeless", "hopeless")


def judgements(words: slice) -> Rows:
    """Sentences that praise, and as many that do not, as tokens of the published model."""
    things = ("The film", "Her second novel", "This play about war")
    both = [
        (f"{thing} was {word}.",)
        for kind in (GOOD, BAD)
        for word in kind[words]
        for thing in things
    ]
    encoder, rows = (
        Tokens(length=12),
        text_rows(both, ("body",), torch.arange(len(both)) * 2 // len(both)),
    )
    encoder.learn(rows, torch.device("cpu"))
    return encoded_rows(encoder, rows, torch.device("cpu"))


@published
def test_the_published_model_learns_what_its_head_alone_does_not(cpu: Training) -> None:
    known, unheard_of = judgements(slice(4)), judgements(slice(4, 8))
    right = {}
    for tuned in (True, False):
        with seeded(0, "task"):
            task = Bert((12,), 2, nn.Identity(), steps=10, batch_size=8, learning_rate=3e-4)
        task.network.embed.requires_grad_(tuned)
        learner = Trained(task, cpu)
        fit(learner, known)
        right[tuned] = learner.test(unheard_of)["accuracy"]
    assert right[True] >= 0.9
    assert right[True] > right[False] + 0.1
