from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle
from PIL import Image

from autoal import Answers, Asking, Noisy, Question, Rows, TrueLabels
from autoal.data.words import PLAIN
from autoal.errors import UserError, Waiting
from autoal.language.client import Client
from autoal.oracles.language import Language
from autoal.oracles.question import answered, asks_people
from tests.language.conftest import client_of, door
from tests.language.door import MODEL, Door, Reply, spoken
from tests.oracles.made import pairs, whole
from tests.oracles.speaking import NAMES, asked_in, chosen, continued, shown_in

__all__ = ["client_of", "door"]

TEXTS = [f"text {row} p{percent}" for row, percent in enumerate((90, 10, 80, 20, 55, 45, 99, 1))]
TRUTH = whole([1, 0, 1, 0, 1, 1, 0, 0])
START = Answers(whole([0, 1]), whole([1, 0]))
HUMAN = TrueLabels(TRUTH)

Make = Callable[..., Language]


@pytest.fixture
def make(door: Door, client_of: Callable[..., Client]) -> Make:
    """The oracle about eight texts, which asks the door, and the truth in its place."""
    door.says = continued

    def built(oracle: Any = HUMAN, shown: Any = TEXTS, **options: Any) -> Language:
        prices = {name: options.pop(name) for name in ("price_in",) if name in options}
        data: Any = SimpleNamespace(
            words=PLAIN, classes=NAMES, train=Rows(torch.zeros(len(TRUTH), 1), TRUTH, shown=shown)
        )
        return Language(client_of(**prices), data, oracle, labels=TRUTH, **options)

    return built


def about(rows: list[int], known: Answers = START, shown: Any = TEXTS, **parts: Any) -> Question:
    one_by_one = [shown[row] for row in rows]
    return Question(1, torch.tensor(rows), NAMES, one_by_one, known=known, **parts)


def prompts(door: Door) -> list[str]:
    return [body["prompt"] for body in door.bodies]


@pytest.mark.parametrize("known", [Answers.none(), Answers(whole([0]), whole([1]))])
def test_the_start_is_answered_in_the_model_s_place(make: Make, door: Door, known: Answers) -> None:
    answers = answered(make(price=2.5), about([6, 7], known))
    assert pairs(answers) == {6: 0, 7: 0}
    assert (answers.by, answers.costs.tolist(), answers.people) == ("truth", [2.5, 2.5], {})
    assert not answers.by_machine.any()
    assert not door.bodies


def test_what_the_model_is_sure_of_is_taken_and_the_rest_is_asked_elsewhere(
    make: Make, door: Door
) -> None:
    answers = answered(make(price_in=1000.0, price=3.0), about([2, 4, 6, 3, 5]))
    assert pairs(answers) == {2: 1, 4: 1, 6: 1, 3: 0, 5: 1}  # the model is sure of 6, and wrong
    assert answers.by_machine.tolist() == [True, False, True, True, False]
    assert answers.by == "truth"
    assert answers.costs.tolist() == pytest.approx([0.5 / 3, 3, 0.5 / 3, 0.5 / 3, 3])  # 5 x .1
    assert answers.wrong == 1
    told = answers.people[MODEL]
    assert {name: told[name] for name in told if name != "seconds"} == pytest.approx(
        {
            **{"labels": 3, "routed": 2, "calls": 5, "cached": 0, "tokens_in": 500},
            **{"tokens_out": 50, "cost": 0.5, "refused": 0, "malformed": 0, "right": 2},
        }
    )
    assert all(
        shown_in(prompt) == [(TEXTS[1], "bad"), (TEXTS[0], "good")] for prompt in prompts(door)
    )
    assert sorted(map(asked_in, prompts(door))) == sorted(TEXTS[row] for row in (2, 4, 6, 3, 5))


def test_asked_again_it_says_the_same_and_costs_the_same_though_nothing_is_paid(
    make: Make, door: Door
) -> None:
    oracle = make(price_in=1000.0)
    first, second = (answered(oracle, about([2, 4])) for _ in range(2))
    assert pairs(first) == pairs(second)
    assert first.costs.tolist() == second.costs.tolist()
    assert len(door.bodies) == 2
    assert (first.people[MODEL]["cached"], second.people[MODEL]["cached"]) == (0, 2)
    assert oracle.client.spent.cost == pytest.approx(0.2)


def test_without_anybody_in_its_place_unsure_rows_are_left_out(make: Make, door: Door) -> None:
    answers = answered(make(oracle=None), about([2, 4, 5]))
    assert pairs(answers) == {2: 1}
    assert (answers.by, answers.people[MODEL]["routed"]) == (MODEL, 0)
    begun = answered(make(oracle=None), about([4, 3], Answers.none()))
    assert pairs(begun) == {3: 0}
    assert shown_in(prompts(door)[-1]) == []


def test_sure_is_what_reaches_accept(make: Make) -> None:
    assert answered(make(accept=0.8), about([2, 0])).by_machine.tolist() == [True, True]
    assert answered(make(accept=0.81), about([2, 0])).by_machine.tolist() == [False, True]


def test_money_for_unsure_answers_alone_is_shared_by_all(make: Make) -> None:
    answers = answered(make(price_in=1000.0), about([4, 5]))
    assert answers.costs.tolist() == pytest.approx([1.1, 1.1])
    assert not answered(make(oracle=None), about([4, 5])).rows.numel()


def test_other_examples_must_lead_to_the_same_class(make: Make, door: Door) -> None:
    def fickle(body: dict[str, Any]) -> Reply:
        """Of text 3 another class, where the examples are other ones than 0 and 1."""
        others = TEXTS[0] not in body["prompt"] and asked_in(body["prompt"]) == TEXTS[3]
        return continued({"prompt": "p90"} if others else body)

    door.says = fickle
    known = Answers(whole([0, 1, 6, 7]), whole([1, 0, 1, 0]))
    answers = answered(make(shots=2, verify=1), about([2, 3, 4], known))
    assert pairs(answers) == {2: 1, 3: 0, 4: 1}
    assert answers.by_machine.tolist() == [True, False, False]
    assert len(door.bodies) == 5  # of what it was not sure, it is not asked again


def test_what_it_does_not_answer_goes_elsewhere_and_is_counted(make: Make, door: Door) -> None:
    def odd(body: dict[str, Any]) -> Reply:
        text = asked_in(body["prompt"])
        if text == TEXTS[2]:
            return Reply('{"error": {"message": "too long"}}', 400)
        return continued(body) if text != TEXTS[3] else _unrelated()

    door.says = odd
    answers = answered(make(), about([2, 3, 6]))
    assert answers.by_machine.tolist() == [False, False, True]
    told = answers.people[MODEL]
    assert (told["refused"], told["malformed"], told["routed"]) == (1, 1, 2)


def _unrelated() -> Reply:
    return Reply(spoken(" x", logprobs={"top_logprobs": [{" and": -0.1}]}))


def test_labels_of_its_own_that_are_in_doubt_are_asked_anew(make: Make, door: Door) -> None:
    known = Answers(
        whole([0, 1, 2, 3, 6]), whole([1, 0, 0, 1, 1]), machine=torch.tensor([0, 0, 1, 1, 1])
    )
    doubts = {0: (0, 0.99), 6: (0, 0.7), 2: (1, 0.9), 3: (0, 0.8)}  # row 0 is a person's
    question = about([7], known, doubting=lambda: doubts)
    answers = answered(make(again=2, shots=2), question)
    assert (dict(answers.corrected), sorted(answers.revised)) == ({2: 1, 3: 0}, [2, 3])
    assert {asked_in(prompt) for prompt in prompts(door)[1:]} == {TEXTS[2], TEXTS[3]}
    for prompt in prompts(door)[1:]:
        assert not {TEXTS[2], TEXTS[3]} & {text for text, _ in shown_in(prompt)}
    assert answers.people[MODEL]["calls"] == 3


def test_without_again_nobody_looks_for_doubts(make: Make) -> None:
    def never() -> Mapping[int, tuple[int, float]]:
        raise AssertionError

    answered(make(), about([7], doubting=never))


class Away(Asking):
    """Somebody who is not there yet, and corrects a row when they are."""

    there = False

    def __call__(self, question: Question) -> Answers:
        self.asked = question
        if not self.there:
            raise Waiting("later")
        labels = TRUTH[question.rows]
        return Answers(
            question.rows, labels, "ann", corrected={2: 1}, people={"ann": {"labels": 1}}
        )


def test_people_in_its_place_are_asked_about_the_unsure_rows_alone(make: Make, door: Door) -> None:
    ann = Away()
    oracle = make(oracle=ann, again=1)
    assert asks_people(oracle)
    assert asks_people(Noisy(ann, 0.0))
    assert not asks_people(make())
    known = Answers(whole([0, 1, 2]), whole([1, 0, 0]), machine=torch.tensor([0, 0, 1]))
    question = about([4, 6], known, doubting=lambda: {2: (1, 0.9)})
    with suppress(Waiting):
        oracle(question)
    assert ann.asked.rows.tolist() == [4]
    assert ann.asked.shown == [TEXTS[4]]
    ann.there, paid = True, len(door.bodies)
    answers = answered(oracle, question)
    assert len(door.bodies) == paid
    assert (answers.by, [*answers.people]) == ("ann", ["ann", MODEL])
    assert (dict(answers.corrected), sorted(answers.revised)) == (
        {2: 1},
        [],
    )  # what ann says counts
    assert answers.truth is None  # ann's is not known


def test_a_picture_goes_as_an_address_in_a_chat(make: Make, door: Door, tmp_path: Path) -> None:
    door.says = chosen
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    shown = [torch.full((1, 2, 2), row, dtype=torch.uint8) for row in range(7)]
    answers = answered(
        make(shown=[*shown, tmp_path / "a.png"], form="chat", draws=1),
        about([2, 7], shown=[*shown, tmp_path / "a.png"]),
    )
    assert pairs(answers) == {2: 1, 7: 1}
    assert answers.by_machine.all()
    for body in door.bodies:
        said = [turn["content"] for turn in body["messages"] if turn["role"] == "user"]
        assert len(said) == 3  # two examples, and what is asked about
        for ((part,),) in zip(said, strict=True):
            assert part["type"] == "image_url"
            assert part["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_cells_are_read_as_lines(make: Make, door: Door) -> None:
    cells = [{"name": text, "size": "small"} for text in TEXTS]
    answered(make(shown=cells), about([2], shown=cells))
    assert prompts(door)[0].endswith(f"Text: name: {TEXTS[2]} size: small\nLabel:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accept": 0}, "`accept` must be"),
        ({"accept": 1.5}, "`accept` must be"),
        ({"shots": -1}, "`shots` must be"),
        ({"verify": -1}, "`verify` must be"),
        ({"again": 1.5}, "`again` must be"),
        ({"price": -1}, "`price` must be"),
        ({"form": "poem"}, "'poem'"),
        ({"shown": None}, "these rows show nothing"),
        (
            {"shown": torch.zeros(8, 1, 2, 2).byte()},
            "cannot be continued .*: give oracle.form=chat",
        ),
        ({"strategy": CheatingOracle()}, "CheatingOracle chooses by what true labels lead to"),
    ],
)
def test_what_cannot_be_is_refused(make: Make, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_it_cannot_do_without_a_model() -> None:
    with pytest.raises(UserError, match="oracle=language asks a language model: give"):
        Language(None, SimpleNamespace())  # type: ignore[arg-type]
