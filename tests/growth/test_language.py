"""A language model makes rows: what it is shown, what becomes of its texts, what it is told."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from autoal import Plan
from autoal.data.words import Words
from autoal.errors import UserError
from autoal.growth.generator import Generator
from autoal.growth.language import BEST_OF, Language
from autoal.growth.served import Served
from autoal.language.client import Client
from autoal.query.strategy import Scored
from autoal.record.generated import read_made
from autoal.seeding import derive
from autoal.testing import check_growth
from tests.cycle.made import facts, recorded, saved
from tests.growth.pool import (
    PLAN,
    WORDS,
    by_first_word,
    data_of,
    experiment_of,
    lines,
    texts,
    view_of,
)
from tests.language.door import Door, Reply, spoken


class Talking(Generator):
    """Makes a text of words that follow from the seed; knows how it was tuned."""

    def __init__(self, learns: bool = True) -> None:
        self.learns = learns
        self.heard: list[tuple[list[str], list[str], list[float]]] = []
        self.prompts: list[str] = []
        self.steps = 0

    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        self.prompts += prompts
        drawn = [derive(seed, self.steps, place) for place in range(len(prompts))]
        return [
            f" {('awful', 'lovely')[n % 2]} {WORDS[n % 9]} of a {WORDS[n % 7]} told by n{n % 1000}"
            for n in drawn
        ]

    def learn(
        self, prompts: Sequence[str], texts: Sequence[str], rewards: Sequence[float]
    ) -> Mapping[str, float]:
        self.heard.append(([*prompts], [*texts], [*rewards]))
        self.steps += 1
        return {"kl": self.steps / 8}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state.get("steps", 0)


@pytest.fixture
def talking(monkeypatch: pytest.MonkeyPatch) -> Talking:
    generator = Talking()
    monkeypatch.setattr("autoal.growth.language._local", lambda *_, **__: generator)
    return generator


def language(folder: Path | None = None, **options: Any) -> Language:
    far = {"far": -1.0, "near": 1.0}
    return Language(
        data=options.pop("data", None) or data_of(),
        **{"plan": PLAN, "model": "here", "folder": folder, **far, **options},
    )


def grown(growth: Language, rounds: int = 4, **parts: Any) -> Any:
    experiment = experiment_of(data_of(), growth, **parts)
    for _ in range(rounds):
        question = experiment.ask()
        assert question is not None
        experiment.tell(by_first_word(question))
    return experiment


def test_a_model_goes_on_with_lists_of_real_rows(talking: Talking, tmp_path: Path) -> None:
    experiment = grown(language(tmp_path, title="Reviews"))
    assert [past.made for past in experiment.history] == [0, 4, 4, 4]
    assert len(talking.prompts) == 12
    for prompt in talking.prompts:
        found = re.fullmatch(r"Reviews:\n- (.*)\n- (.*)\n- (.*)\n-", prompt)
        assert found
        assert {*found.groups()} <= {*texts()}
    names = dict(zip(experiment.rows.named(torch.arange(40)), experiment.rows.shown, strict=False))
    for made in read_made(tmp_path / "generated.jsonl"):
        shown = "".join(f"\n- {names[name]}" for name in made.examples)
        assert made.prompt == f"Reviews:{shown}\n-"
        assert (made.texts, made.mode) == ((made.answer.strip(),), "similar")


def test_a_list_has_the_title_that_the_data_know(talking: Talking) -> None:
    data = data_of()
    data.words = Words(title="Reviews")
    growth = language(data=data)
    assert growth.title == "Reviews"
    assert language(data=data, title="Mine").title == "Mine"


@pytest.mark.parametrize("mode", ["conditional", "minority"])
def test_a_class_that_is_wanted_is_no_label(talking: Talking, tmp_path: Path, mode: str) -> None:
    experiment = grown(language(tmp_path, mode=mode, examples=2), rounds=2)
    label = dict(zip(experiment.history[0].names, experiment.history[0].labels, strict=True))
    for made in read_made(tmp_path / "generated.jsonl"):
        assert f"Texts ({made.wanted}):\n" in made.prompt
        assert {("bad", "good")[label[name]] for name in made.examples} == {made.wanted}
    assert experiment.rows.labels[40:].tolist() == [
        -1 if row not in experiment.history[1].queried else by_row(experiment, row)
        for row in range(40, 44)
    ]


def by_row(experiment: Any, row: int) -> int:
    return int("lovely" in str(experiment.rows.shown[row]).split())


def test_nothing_but_real_rows_and_bought_labels_reaches_a_prompt(talking: Talking) -> None:
    experiment = grown(language(mode="conditional"))
    bought = {name for past in experiment.history for name in past.names}
    names = {
        str(text): name
        for name, text in zip(
            experiment.rows.named(torch.arange(40)), experiment.rows.shown, strict=False
        )
    }
    shown = [line[2:] for prompt in talking.prompts for line in prompt.split("\n")[1:-1]]
    assert {names[text] for text in shown} <= bought


def test_scores_before_the_update_are_what_it_is_tuned_by(talking: Talking, tmp_path: Path) -> None:
    experiment = grown(language(tmp_path), strategy="entropy")
    made = [each for each in read_made(tmp_path / "generated.jsonl") if each.name]
    for number, (prompts, answers, rewards) in enumerate(talking.heard, start=1):
        own = [each for each in made if each.round == number]
        assert prompts == [each.prompt for each in own]
        assert answers == [each.answer for each in own]
        assert rewards == [each.score for each in own]
    assert len(talking.heard) == 3
    told = [past.growth for past in experiment.history[1:]]
    assert [each["kl"] for each in told] == [0.125, 0.25, 0.375]
    assert told[0]["reward"] == pytest.approx(sum(talking.heard[0][2]) / 4)


def test_what_it_has_learnt_outlives_a_restart(talking: Talking, tmp_path: Path) -> None:
    whole = grown(language(tmp_path))
    expected = lines(tmp_path)
    talking.steps = 0
    folder = tmp_path / "run"
    folder.mkdir()
    first = grown(language(folder), rounds=2)
    state = saved(first)
    talking.steps = 7  # of another process
    again = experiment_of(data_of(), language(folder))
    again.resume(recorded(first.history), state)
    for _ in range(2):
        question = again.ask()
        assert question is not None
        again.tell(by_first_word(question))
    assert facts(again.history) == facts(whole.history)
    assert lines(folder) == expected


def test_only_the_best_drafts_join_where_the_best_are_taken(
    talking: Talking, tmp_path: Path
) -> None:
    experiment = grown(language(tmp_path, tune="best_of"), rounds=2, strategy="entropy")
    made = read_made(tmp_path / "generated.jsonl")
    joined = [each.score for each in made if each.name]
    beaten = [each.score for each in made if each.dropped == "beaten"]
    assert (len(joined), len(beaten)) == (4, 4 * (BEST_OF - 1))
    assert min(score for score in joined if score is not None) >= max(
        score for score in beaten if score is not None
    )
    assert experiment.history[1].growth["dropped"] == {"beaten": 12}


def test_trying_what_drafts_are_worth_teaches_the_strategy_nothing(talking: Talking) -> None:
    from autoal import QueryStrategy, View

    sizes: list[int] = []

    class Learning(QueryStrategy):
        reads = ("probs",)

        def __init__(self) -> None:
            self.fits = 0

        def fit(self, view: View) -> None:
            self.fits += 1

        def score(self, view: View, budget: int) -> Scored:
            sizes.append(len(view.pool))
            return Scored(view.pool.probs[:, 0], {"fits": self.fits})

        def state_dict(self) -> dict[str, Any]:
            return {"fits": self.fits}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.fits = state["fits"]

    experiment = grown(language(tune="best_of"), rounds=3, strategy=Learning())
    assert [past.notes["fits"] for past in experiment.history[1:]] == [1, 2]
    assert sizes == [34 + 16, 34 + 4, 34 + 4 - 4 + 16, 34 + 4]


class Repeating(Talking):
    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        self.prompts += prompts
        return [" \n", *(prompt.split("\n")[1][1:] for prompt in prompts[1:])]


def test_drafts_come_to_an_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parrot = Repeating()
    monkeypatch.setattr("autoal.growth.language._local", lambda *_, **__: parrot)
    experiment = grown(language(tmp_path, tries=2), rounds=2)
    assert len(parrot.prompts) == 2 * 4
    told = experiment.history[1]
    assert told.made == 0
    assert told.growth == {"asked": 8, "kept": 0, "dropped": {"copy": 6, "malformed": 2}}
    assert parrot.heard == []


def test_it_keeps_the_promises_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.growth.language._local", lambda *_, **__: Talking())
    data = data_of()
    check_growth(lambda: language(data=data, share="adaptive"), view_of(data))


def test_a_server_is_asked_for_continuations(
    door: Door, client_of: Callable[..., Client], tmp_path: Path
) -> None:
    door.says = lambda body: Reply(spoken(f" a lovely film of n{body['seed'] % 1000}"))
    growth = language(tmp_path, model=None, language=client_of(), temperature=0.7, tokens=20)
    experiment = grown(growth, rounds=2)
    assert experiment.history[1].made == 4
    body = door.bodies[0]
    assert body["prompt"].startswith("Texts:\n- ")
    assert (body["temperature"], body["max_tokens"], body["stop"]) == (0.7, 20, ["\n"])
    asked = len(door.bodies)
    (tmp_path / "generated.jsonl").unlink()
    again = grown(language(model=None, language=client_of(), temperature=0.7, tokens=20), rounds=2)
    assert facts(again.history) == facts(experiment.history)
    assert len(door.bodies) == asked  # what was paid for is not paid for again


def test_a_server_without_completions_is_asked_in_a_chat(
    door: Door, client_of: Callable[..., Client]
) -> None:
    served = Served(client_of(), "chat", 1.0, 0.9, 20)
    assert served.generate(["Texts:\n- a\n-"], 3) == ["yes"]
    (message,) = door.bodies[0]["messages"]
    assert message["content"].endswith("\n\nTexts:\n- a\n-")
    door.says = lambda body: Reply("only chats", 404 if "prompt" in body else 200)
    served.client.check()
    completing = Served(client_of(), "completion", 1.0, 0.9, 20)
    with pytest.raises(UserError, match=r"only chats .* give growth.form=chat"):
        completing.client.check()


def test_what_a_server_will_not_continue_is_no_row(
    door: Door, client_of: Callable[..., Client]
) -> None:
    door.replies += [Reply("too long", status=400)]
    served = Served(client_of(parallel=1), "completion", 1.0, 0.9, 20)
    assert served.generate(["a", "b"], 3) == ["", "yes"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": None}, "give language.url= and language.model="),
        ({"model": None, "tune": "ppo"}, "give growth.model="),
        ({"mode": "x"}, "similar"),
        ({"form": "x"}, "completion"),
        ({"tune": "x"}, "best_of"),
        ({"examples": 0}, "examples"),
        ({"temperature": 0}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"tokens": 0}, "tokens"),
        ({"share": 2.0}, "share"),
    ],
)
def test_what_cannot_be_is_refused(talking: Talking, options: dict[str, Any], told: str) -> None:
    with pytest.raises((UserError, ValueError), match=told):
        language(**options)


def test_a_real_model_makes_rows(served: str, tmp_path: Path) -> None:
    client = Client(served, "smollm2", key_env=None, cache=tmp_path / "answers.sqlite")
    plan = Plan(6, 2, 1)
    growth = language(
        tmp_path, model=None, language=client, plan=plan, tokens=24, title="Movie reviews"
    )
    experiment = grown(growth, rounds=2, plan=plan)
    made = read_made(tmp_path / "generated.jsonl")
    assert experiment.history[1].growth["asked"] == len(made)
    for each in made:
        assert each.dropped or each.texts[0] in each.answer
    assert client.spent.calls == len(made)
