"""The client for every use of a language model: never pays twice, and loses nothing."""

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

MILLION = 1_000_000  # tokens, the unit of prices
PROBE = Request("One, two,", NEXT)
ALIKE = 3  # unanswered prompts refused in the same words, after which all others would be too


class _Stopped(Exception):  # noqa: N818  # nobody waits for it any more
    """Nobody is waiting for the answer any more."""


class Client:
    """A served language model, asked by several threads at once.

    Args:
        url: of the server; /chat/completions is appended.
        model: the server's name for it.
        key_env: the environment variable that holds the key; null: no key is sent.
        price_in: of a million tokens read.
        price_out: of a million tokens written.
        most: what a run may cost; calls under way when it is reached may exceed it.
        tries: how often to try a request before giving up.
        timeout: seconds for an answer.
        parallel: how many requests to make at a time.
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
        self._unless: list[str] = []  # options that do without log-probabilities
        self._chatting: list[str] = []  # options that do without completions
        self._refusals: dict[str, str] = {}  # of prompts, before any answer
        self._useful = False  # whether there was any answer
        self._lock = Lock()

    def __deepcopy__(self, memo: Any) -> Client:
        """Copies of its users share it and its spending."""
        return self

    def need_logprobs(self, unless: str) -> None:
        """Make `check` verify that the server reports log-probabilities.

        Args:
            unless: the option that would do without them.
        """
        self._unless.append(unless)

    def need_completions(self, unless: str) -> None:
        """Make `check` verify that the server does more than chat.

        Args:
            unless: the option that would do without.
        """
        self._chatting.append(unless)

    def check(self) -> None:
        """Refuse at once what would fail later: no server, key, model, or what they must offer."""
        self.server.demand(self.model)
        if self._chatting and not self._completes():
            raise UserError(
                f"{self.model} only chats (there is no {self.server.url}{PROBE.path}): give "
                f"{' and '.join(self._chatting)}"
            )
        if self._unless and (lacking := self._without_logprobs()):
            raise UserError(
                f"{self.model} comes without log-probabilities ({lacking}): give "
                f"{' and '.join(self._unless)}, which asks it several times"
            )

    def _completes(self) -> bool:
        """Whether the server goes on with a text, with log-probabilities or not."""
        try:
            self.answer(PROBE)
        except NotThere:
            return False
        except Rejected:  # perhaps only the log-probabilities
            pass
        return True

    def _without_logprobs(self) -> str:
        """Why the server reports no log-probabilities; empty if it does."""
        try:
            return "" if self.answer(PROBE).logprobs else "they are not in its answers"
        except NotThere:
            return f"there is no {self.server.url}{PROBE.path}"
        except Rejected as error:
            return str(error)

    def paid_by(self, payer: str) -> None:
        """Count what earlier starts of this run have spent towards the limit.

        Args:
            payer: the run's identity.
        """
        self._payer = payer
        self._before = self.cache.paid_by(payer) - self.spent.cost

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """The price of this many tokens."""
        return (self.price_in * tokens_in + self.price_out * tokens_out) / MILLION

    def answer(self, request: Request) -> Answer:
        """The model's answer; a permanent failure is refused."""
        return self._answer(request, Event())

    def answers(self, requests: Sequence[Request]) -> Iterator[Answer | Failure]:
        """The model's answers, in order, requested several at a time."""
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
        """The same, after noting whether any request gets an answer."""
        if isinstance(reply, Answer):
            self._useful = True
        elif not self._useful:
            self._refusals[str(request.prompt)] = reply.why
        return reply

    def _demand_useful(self) -> None:
        """Refuse to go on with a server that has refused all prompts so far in the same words.

        Then the model or the options are the cause. A problem of a single row, such as its length,
        gets a message of its own, or other rows are answered.
        """
        reasons = {*self._refusals.values()}
        if not self._useful and len(self._refusals) >= ALIKE and len(reasons) == 1:
            raise UserError(
                f"{reasons.pop()}, for every request: check language.model= and the options of "
                f"the part that asks; {GO_ON}"
            )

    def _tried(self, request: Request, stopped: Event) -> Answer | Failure:
        try:
            return self._answer(request, stopped)
        except Rejected as error:
            return Failure(str(error))

    def _answer(self, request: Request, stopped: Event) -> Answer:
        """The stored answer, or a paid one that is stored before it is used."""

        def wait(seconds: float) -> None:
            if stopped.wait(seconds):
                raise _Stopped

        key = request.key(self.model)
        if (found := self._kept(request, key)) is None:
            with self.cache.claimed(key, wait):
                if (found := self._kept(request, key)) is None:  # unless others paid meanwhile
                    return self._paid(request, key, wait)
        self._count(Spent(0, 1, found.tokens_in, found.tokens_out))
        return found

    def _kept(self, request: Request, key: str) -> Answer | None:
        """The stored answer; None if another server left out log-probabilities."""
        found = self.cache.find(key)
        lacking = found is not None and LOGPROBS in request.options and not found.logprobs
        return None if lacking else found

    def _paid(self, request: Request, key: str, wait: Wait) -> Answer:
        wait(0)  # or the first calls after a stop would still be made
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
    """The client for a part that cannot do without.

    Args:
        language: from the settings.
        who: needs it, for the message.
    """
    if language is None:
        raise UserError(f"{who} asks a language model: give language.url= and language.model=")
    return language
