"""Rows made by a language model that sees real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from autoal.bounds import choice, number, text, whole
from autoal.errors import UserError
from autoal.growth.drafting import Drafting
from autoal.growth.examples import at_random, by_class
from autoal.growth.generator import Generator
from autoal.growth.prompts import BY_CLASS, MODES, OF_ONE, Ask, prompt_of, texts_in
from autoal.growth.served import FORMS, Served
from autoal.language.client import Client, demanded
from autoal.model.training import Training
from autoal.oracles.question import Answers
from autoal.query.view import View
from autoal.record.generated import Made
from autoal.seeding import generator

TUNED = ("none", "best_of", "ppo")
BEST_OF = 4  # drafts for each row that joins, if the best ones are taken


class Language(Drafting):
    """Has a language model continue lists of real rows.

    Args:
        language: the client of a served model.
        training: says where a local model runs.
        model: a local model: a folder, `package:NAME`, or a name on the hub; None: use `language`.
        mode: similar, conditional, paraphrase, style, minority.
        title: of the list to continue; None: the data's own.
        examples: most rows in it; some modes show a single one.
        form: of requests to a server: completion, chat.
        tune: none, best_of, ppo: how to use the strategy's scores.
        temperature: below 1, likely tokens become likelier.
        top_p: draw from the likeliest tokens that hold this share of the probability.
        tokens: most tokens of a text.
        beta: the cost of moving away from the published model.
        epochs: of tuning, over the rows of a round.
        learning_rate: of tuning.
        **options: those of every growth that makes drafts.
    """

    def __init__(
        self,
        language: Client | None = None,
        training: Training | None = None,
        model: str | None = None,
        mode: str = "similar",
        title: str | None = None,
        examples: int = 3,
        form: str = "completion",
        tune: str = "none",
        temperature: float = 1.0,
        top_p: float = 0.95,
        tokens: int = 80,
        beta: float = 0.05,
        epochs: int = 4,
        learning_rate: float = 2e-4,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        choice("mode", mode, MODES)
        choice("form", form, FORMS)
        choice("tune", tune, TUNED)
        text("title", title, optional=True)
        whole("examples", examples, least=1)
        whole("tokens", tokens, least=1)
        whole("epochs", epochs, least=1)
        number("temperature", temperature, above=0)
        number("top_p", top_p, above=0, most=1)
        number("beta", beta, least=0)
        number("learning_rate", learning_rate, above=0)
        if tune == "ppo" and model is None:
            raise UserError(
                "growth.tune=ppo changes the weights of a local model: give growth.model="
            )
        self.mode = mode
        self.title = self.ground.words.but(title=title).title
        self.examples = 1 if mode in OF_ONE else examples
        self.tune = tune
        drawing: dict[str, Any] = {"temperature": temperature, "top_p": top_p, "tokens": tokens}
        if model is None:
            client = demanded(language, "growth=language without growth.model=")
            self.generator: Generator = Served(client, form, **drawing)
        else:
            learning = {"beta": beta, "epochs": epochs, "learning_rate": learning_rate}
            tuning = {**learning, "seed": self.seed} if tune == "ppo" else None
            device = (training or Training()).device
            self.generator = _local(model, device, tuning=tuning, **drawing)

    @property
    def surplus(self) -> int:
        return BEST_OF if self.tune == "best_of" else 1

    def drafts(self, view: View, number: int, size: int, seed: int) -> list[Made]:
        asks = self._asks(view, size, seed)
        texts = [self.texts_of(view, torch.tensor(ask.examples)) for ask in asks]
        prompts = [
            prompt_of(self.title, self.mode, ask, each)
            for ask, each in zip(asks, texts, strict=True)
        ]
        answers = self.generator.generate(prompts, seed)
        each = zip(asks, prompts, answers, strict=True)
        return [self._draft(number, seed, *parts) for parts in each]

    def told(self, answers: Answers) -> Mapping[str, Any]:
        """Take the answers, and let the generator learn from the scores of this round."""
        notes = super().told(answers)
        scored = [each for each in self.fresh() if each.score is not None] if notes else []
        if not scored:
            return notes
        learnt = self.generator.learn(
            [each.prompt for each in scored],
            [each.answer for each in scored],
            [each.score or 0.0 for each in scored],
        )
        return {**notes, **learnt}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "generator": self.generator.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.generator.load_state_dict(state.get("generator", {}))

    def _asks(self, view: View, size: int, seed: int) -> list[Ask]:
        stream = generator(seed, "examples")
        if self.mode in BY_CLASS:
            return by_class(view, self.mode, self.ground, self.examples, size, stream)
        return at_random(self.real(view), self.mode, self.examples, size, stream)

    def _draft(self, number: int, seed: int, ask: Ask, prompt: str, answer: str) -> Made:
        texts = texts_in(answer, self.ground.columns)
        return Made(
            number,
            texts or (),
            dropped="" if texts else "malformed",
            mode=self.mode,
            wanted=ask.wanted,
            examples=tuple(self.ground.names(torch.tensor(ask.examples))),
            prompt=prompt,
            answer=answer,
            seed=seed,
        )


def _local(model: str, device: torch.device, **options: Any) -> Generator:
    from autoal.growth.local import Local  # which imports transformers

    return Local(model, device, **options)
