"""A language model as a learner: what it is shown, what it is asked, and what that costs."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from autoal import Arrays, Encoded, Experiment, Plan, Round, TrueLabels, rounds
from autoal.cycle.judging import by_check
from autoal.encoders.tfidf import Tfidf
from autoal.errors import UserError
from autoal.exported.model import export
from autoal.language.asked import Answer, Failure, Request
from autoal.language.client import Client
from autoal.maths.agreement import wilson
from autoal.model.fitstep import unwatched
from autoal.model.prompted import Prompted, in_turn
from autoal.seeding import seeded
from autoal.testing import check_learner
from tests.language.saying import Saying
from tests.language.served import MODEL, served

__all__ = ["served"]
GOOD, BAD = (
    [f"a {word} film, number {number}" for number in range(12) for word in words]
    for words in (("fine", "great"), ("dull", "sad"))
)
LABELS = ["good"] * 24 + ["bad"] * 24
SURE = 0.8  # as which class the model sees a text


def asked_text(request: Request) -> str:
    """The text that a prompt asks about, which is its last."""
    return str(request.prompt).rpartition("Text: ")[2].partition("\n")[0]


def read(request: Request) -> Answer | Failure:
    """Knows one word of each class, and refuses what is the seventh."""
    text = asked_text(request)
    if text.endswith("number 7"):
        return Failure("refused")
    good = SURE if "fine" in text or "great" in text else 1 - SURE
    found = {" good": math.log(good), " bad": math.log(1 - good)}
    return Answer(" good", (found,), 7, 1)


@pytest.fixture
def language() -> Saying:
    return Saying(read)


@pytest.fixture(scope="module")
def data() -> Encoded:
    rows = Arrays(([*GOOD, *BAD], LABELS), test=([*GOOD, *BAD], LABELS))
    encoded = Encoded(rows, Tfidf(components=4), torch.device("cpu"))
    encoded.setup()
    return encoded


def learner_of(data: Encoded, language: Client | None, **options: Any) -> Prompted:
    return Prompted(data.preprocess(), data.classes, language, **options)


def done(data: Encoded, learner: Prompted, strategy: str = "random") -> list[Round]:
    experiment = Experiment(data, learner, strategy, Plan(start=6, budget=3, rounds=1))
    return list(rounds(experiment, TrueLabels(data.train.labels)))


def test_it_keeps_the_promises_of_a_learner(data: Encoded, language: Saying) -> None:
    check_learner(lambda: learner_of(data, language, shots=4), data)


def test_without_examples_it_is_asked_as_it_is(data: Encoded, language: Saying) -> None:
    history = done(data, learner_of(data, language))
    assert language.prompts()[0].startswith("Text: a ")
    assert not [prompt for prompt in language.prompts() if prompt.count("Text:") > 1]
    # Of 48 test rows 4 are refused, and count as if each class were as likely.
    metrics = history[-1].metrics
    assert (metrics["asked"], metrics["unanswered"]) == (48, 4)
    assert metrics["nll"] == pytest.approx((44 * -math.log(SURE) + 4 * math.log(2)) / 48, abs=1e-4)
    assert metrics["accuracy"] >= 44 / 48


def test_the_interval_of_an_accuracy_is_of_the_rows_that_were_asked_about(
    data: Encoded, language: Saying
) -> None:
    found = by_check(learner_of(data, language, test_rows=10), data.train)
    assert found["asked"] == 10
    assert (found["accuracy_low"], found["accuracy_high"]) == wilson(found["accuracy"], 10)


def test_random_queries_cost_no_call_but_those_of_the_test(data: Encoded, language: Saying) -> None:
    done(data, learner_of(data, language, test_rows=10))
    assert len(language.asked) == 20
    assert language.spent[:2] == (10, 10)  # the same test rows in both rounds


def test_a_strategy_that_reads_embeddings_costs_no_call_and_margin_asks_about_the_pool(
    data: Encoded,
) -> None:
    calls = {}
    for strategy in ("kmeans", "margin"):
        language = Saying(read)
        done(data, learner_of(data, language, test_rows=10), strategy)
        calls[strategy] = len(language.asked) - 20
    assert calls == {"kmeans": 0, "margin": 48 - 6}


def test_examples_are_labelled_rows_and_no_other_label_is_in_a_prompt(
    data: Encoded, language: Saying
) -> None:
    experiment = Experiment(
        data, learner_of(data, language, shots=4, test_rows=5), "margin", Plan(6, 3, 2)
    )
    texts = list(data.train.shown or ())
    bought: set[str] = set()
    while (question := experiment.ask()) is not None:
        experiment.tell([int(label) for label in data.train.labels[question.rows]])
        bought |= {texts[row] for row in question.rows}
        examples = {
            line.removeprefix("Text: ")
            for prompt in language.prompts()
            for example in prompt.split("\n\n")[:-1]
            for line in example.split("\n")[:1]
        }
        assert examples <= bought
        assert all(prompt.endswith("Label:") for prompt in language.prompts())
    assert {prompt.count("Text:") for prompt in language.prompts()} == {5}


@pytest.mark.parametrize(
    ("count", "expected"), [(0, [0, 0]), (2, [1, 1]), (4, [2, 2]), (5, [2, 3]), (9, [2, 4])]
)
def test_classes_take_turns(count: int, expected: list[int]) -> None:
    labels = torch.tensor([1, 1, 0, 1, 0, 1])
    places = in_turn(labels, count)
    assert labels[places].bincount(minlength=2).tolist() == expected
    assert len(set(places.tolist())) == len(places)


def test_examples_follow_the_seed_alone(data: Encoded, language: Saying) -> None:
    states = []
    for seed in (0, 0, 1):
        learner = learner_of(data, language, shots=4)
        torch.rand(3)  # whatever was drawn before
        with seeded(seed):
            learner.fit(data.train, first=True, watch=unwatched)
        states.append(learner.state_dict())
    assert states[0] == states[1] != states[2]


def test_without_a_model_or_texts_it_is_refused(data: Encoded, language: Saying) -> None:
    with pytest.raises(UserError, match=r"task=prompt asks .*: give language\.url= and language\."):
        learner_of(data, None)
    numbers = Arrays((torch.rand(9, 4), [0, 1, 0] * 3))
    numbers.setup()
    with pytest.raises(UserError, match="task=prompt reads texts, and these rows are none"):
        Experiment(
            numbers, Prompted(numbers.preprocess(), ("a", "b"), language), "random", Plan(2, 2, 1)
        )


def test_it_is_not_exported_and_predicts_from_the_experiment(
    data: Encoded, language: Saying, tmp_path: Path
) -> None:
    learner = learner_of(data, language)
    experiment = Experiment(data, learner, "random", Plan(6, 3, 0))
    list(rounds(experiment, TrueLabels(data.train.labels)))
    with pytest.raises(UserError, match="task=prompt has no model of its own"):
        export(tmp_path, data, learner, task={})
    probs = experiment.predict(["a fine one", "a dull one"])
    good = data.classes.index("good")
    assert probs[:, good].tolist() == pytest.approx([SURE, 1 - SURE])


def test_a_real_model_with_examples_knows_praise(
    served: str, data: Encoded, tmp_path: Path
) -> None:
    client = Client(served, MODEL, key_env=None, cache=tmp_path / "answers.sqlite")
    learner = learner_of(data, client, shots=8, noun="Review", question="Sentiment", test_rows=10)
    (*_, last) = done(data, learner)
    assert last.metrics["asked"] == 10
    assert last.metrics["unanswered"] == 0
    assert client.spent.calls > 0
