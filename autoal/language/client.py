"""One client for all who ask a language model: nothing is paid for twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any

from autoal.bounds import number, text, whole
from autoal.errors import UserError
from autoal.language.asked import LOGPROBS, NEXT, Answer, Failure, Request
from autoal.language.cache import Cache
from autoal.language.server import GO_ON, NotThere, Rejected, Server, Wait
from autoal.language.spent import Spent
from autoal.progress import progress

MILLION = 1_000_000  # tokens, of which prices are told
PROBE = Request("One, two,", NEXT)
ALIKE = 3  # prompts, none of which was answered: refused in the same words, so will all others


class _Stopped(Exception):  # noqa: N818  # nobody waits for it any more
    """Nobody waits for the answer any more."""


class Client:
    """A language model behind a server, asked by several threads at once.

    Args:
        url: of the server, to which /chat/completions is added.
        model: by the name that the server has for it.
        key_env: the variable of the environment that holds the key; null: no key is sent.
        price_in: of a million tokens that are read.
        price_out: of a million tokens that are written.
        most: that a run may cost; calls that are under way when it is reached are paid beyond it.
        tries: how often one thing is asked before it is given up.
        timeout: seconds for an answer.
        parallel: how many are asked at a time.
        cache: the file of answers; null: the one that all runs share.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key_env: str | None = "OPENAI_API_KEY",
        price_in: float = 0.0,
        price_out: float = 0.0,
        most: float | None = None,
        tries: int = 5,
        timeout: float = 120.0,
        parallel: int = 4,
        cache: Path | None = None,
    ) -> None:
        text("language.model", model)
        number("language.price_in", price_in, least=0)
        number("language.price_out", price_out, least=0)
        whole("language.tries", tries, least=1)
        number("language.timeout", timeout, above=0)
        whole("language.parallel", parallel, least=1, most=256)
        if most is not None:
            number("language.most", most, above=0)
            if not price_in + price_out:
                raise UserError("language.most= needs language.price_in= and language.price_out=")
        self.server, self.cache = Server(url, key_env, tries, timeout), Cache(cache)
        self.model, self.price_in, self.price_out = model, price_in, price_out
        self.most, self.parallel = most, parallel
        self.spent = Spent()
        self._payer, self._before = "", 0.0
        self._unless: list[str] = []  # what options make do without log-probabilities
        self._refusals: dict[str, str] = {}  # of prompts, before any was answered
        self._useful = False  # whether any was
        self._lock = Lock()

    def __deepcopy__(self, memo: Any) -> Client:
        """All copies of whoever asks it share it, and what was spent."""
        return self

    def need_logprobs(self, unless: str) -> None:
        """Have `check` see to it that the server tells log-probabilities.

        Args:
            unless: what option would do without them.
        """
        self._unless.append(unless)

    def check(self) -> None:
        """Refuse at once what would fail later: no server, key, model, or log-probabilities."""
        self.server.demand(self.model)
        if self._unless and (lacking := self._without_logprobs()):
            raise UserError(
                f"{self.model} comes without log-probabilities ({lacking}): give "
                f"{' and '.join(self._unless)}, which asks it several times"
            )

    def _without_logprobs(self) -> str:
        """Why the server tells no log-probabilities; empty where it does."""
        try:
            return "" if self.answer(PROBE).logprobs else "they are not in its answers"
        except NotThere:
            return f"there is no {self.server.url}{PROBE.path}"
        except Rejected as error:
            return str(error)

    def paid_by(self, payer: str) -> None:
        """Count what this run has spent before, over all its starts, towards the most.

        Args:
            payer: the run's identity.
        """
        self._payer = payer
        self._before = self.cache.paid_by(payer) - self.spent.cost

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (self.price_in * tokens_in + self.price_out * tokens_out) / MILLION

    def answer(self, request: Request) -> Answer:
        """What the model says; refused where it never will."""
        return self._answer(request, Event())

    def answers(self, requests: Sequence[Request]) -> Iterator[Answer | Failure]:
        """What the model says to each, in their order, several at a time."""
        stopped = Event()
        count = len(requests)
        with (
            ThreadPoolExecutor(self.parallel) as pool,
            progress("the language model", count, "answers") as advance,
        ):
            asked = [pool.submit(self._tried, request, stopped) for request in requests]
            try:
                for request, one in zip(requests, asked, strict=True):
                    reply = one.result()
                    advance(1)
                    yield self._heeded(request, reply)
                self._demand_useful()
            finally:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _heeded(self, request: Request, reply: Answer | Failure) -> Answer | Failure:
        """The same, after it is noted whether any request is answered."""
        if isinstance(reply, Answer):
            self._useful = True
        elif not self._useful:
            self._refusals[str(request.prompt)] = reply.why
        return reply

    def _demand_useful(self) -> None:
        """Refuse to go on with a server that so far has refused all prompts in the same words.

        It is of the model or the options then. What concerns a row alone, such as its length, is
        told in words of its own, or others are answered beside it.
        """
        reasons = {*self._refusals.values()}
        if not self._useful and len(self._refusals) >= ALIKE and len(reasons) == 1:
            raise UserError(
                f"{reasons.pop()}, whatever is asked: see to language.model= and to the options of "
                f"what asks it; {GO_ON}"
            )

    def _tried(self, request: Request, stopped: Event) -> Answer | Failure:
        try:
            return self._answer(request, stopped)
        except Rejected as error:
            return Failure(str(error))

    def _answer(self, request: Request, stopped: Event) -> Answer:
        """The answer that was kept, or one that is paid for, and kept before it is read."""

        def wait(seconds: float) -> None:
            if stopped.wait(seconds):
                raise _Stopped

        key = request.key(self.model)
        if (found := self._kept(request, key)) is None:
            with self.cache.claimed(key, wait):
                if (found := self._kept(request, key)) is None:  # nor did others pay meanwhile
                    return self._paid(request, key, wait)
        self._count(Spent(0, 1, found.tokens_in, found.tokens_out))
        return found

    def _kept(self, request: Request, key: str) -> Answer | None:
        """The answer that was kept; none, if another server left log-probabilities out."""
        found = self.cache.find(key)
        lacking = found is not None and LOGPROBS in request.options and not found.logprobs
        return None if lacking else found

    def _paid(self, request: Request, key: str, wait: Wait) -> Answer:
        wait(0)  # or the first calls after a stop would still be paid
        self._demand_money()
        begun = monotonic()
        answer = self.server.answer(request, self.model, wait)
        seconds, tokens = monotonic() - begun, (answer.tokens_in, answer.tokens_out)
        cost = self.price(*tokens)
        self.cache.keep(
            key, answer, model=self.model, payer=self._payer, cost=cost, seconds=seconds
        )
        self._count(Spent(1, 0, *tokens, cost, seconds))
        return answer

    def _count(self, spent: Spent) -> None:
        with self._lock:
            self.spent += spent

    def _demand_money(self) -> None:
        spent = self._before + self.spent.cost
        if self.most is not None and spent >= self.most:
            raise UserError(
                f"language.most={self.most:g} is spent ({spent:.4f}): {GO_ON} with a higher "
                "language.most="
            )


def demanded(language: Client | None, who: str) -> Client:
    """The client of a part that cannot do without.

    Args:
        language: what the settings give.
        who: needs it, for the message.
    """
    if language is None:
        raise UserError(f"{who} asks a language model: give language.url= and language.model=")
    return language
