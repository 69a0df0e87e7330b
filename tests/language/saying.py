"""A language model that says what a test has it say, and costs what it is told to."""

from collections.abc import Callable, Iterator, Sequence

from autoal.language.asked import Answer, Failure, Request
from autoal.language.client import Client
from autoal.language.spent import Spent

Says = Callable[[Request], str | Answer | Failure]


class Saying(Client):
    """Keeps what it was asked, and answers the same request for nothing the second time.

    Args:
        says: what it answers; a text, if it is always the same.
    """

    def __init__(self, says: Says | str = "Answer: 1") -> None:
        self.says: Says = (lambda request: says) if isinstance(says, str) else says
        self.model, self.price_in, self.price_out = "said", 1000.0, 1000.0
        self.asked: list[Request] = []
        self.spent = Spent()
        self._known: set[str] = set()

    def check(self) -> None: ...

    def need_logprobs(self, unless: str) -> None: ...

    def need_completions(self, unless: str) -> None: ...

    def answer(self, request: Request) -> Answer:
        reply = self._reply(request)
        assert isinstance(reply, Answer)
        return reply

    def answers(self, requests: Sequence[Request]) -> Iterator[Answer | Failure]:
        return map(self._reply, requests)

    def prompts(self) -> list[str]:
        """All that it was asked, as texts."""
        return [str(request.prompt) for request in self.asked]

    def _reply(self, request: Request) -> Answer | Failure:
        self.asked.append(request)
        said = self.says(request)
        if isinstance(said, Failure):
            return said
        answer = said if isinstance(said, Answer) else Answer(said, (), 7, 3)
        key = request.key(self.model)
        tokens = answer.tokens_in, answer.tokens_out
        known = key in self._known
        self.spent += Spent(cached=1) if known else Spent(1, 0, *tokens, self.price(*tokens))
        self._known.add(key)
        return answer
