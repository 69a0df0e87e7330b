"""List a server's models, and what was paid for answers.

python -m autoal.language                                      # what is kept from all runs
python -m autoal.language --url http://127.0.0.1:8080/v1       # and the server's models
python -m autoal.language --url ... --model NAME               # would a run find this one?
"""

import argparse
import sys
from collections.abc import Sequence

from autoal.errors import UserError, until_unread
from autoal.language.cache import Cache, Total
from autoal.language.server import FIRST, Server

HEAD = ("model", "answers", "read", "written", "cost", "seconds")


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """Report on a server and the stored answers; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m autoal.language",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="address of a server, as language.url=")
    parser.add_argument("--model", help="model that it must have, as language.model=")
    parser.add_argument(
        "--key-env",
        default="OPENAI_API_KEY",
        help="environment variable that holds the key, as language.key_env= (default: %(default)s)",
    )
    given = parser.parse_args(argv)
    try:
        if given.model and not given.url:
            raise UserError("--model looks for a model at a server: give --url too")
        if given.url:
            print(_served(Server(given.url, given.key_env or None, 1, FIRST), given.model))
        print(_kept(Cache()))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def _served(server: Server, model: str | None) -> str:
    if model:
        server.demand(model)
        return f"{server.url} serves {model}"
    return f"{server.url} serves {', '.join(server.models()) or 'nothing'}"


def _kept(cache: Cache) -> str:
    """A table of what was paid for the answers of each model."""
    totals = cache.totals()
    if not totals:
        return f"no answers are kept yet in {cache.path}"
    rows = [HEAD, *map(_words, totals)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    return "\n".join([f"kept in {cache.path}, with tokens read and written:", *lines])


def _words(total: Total) -> tuple[str, ...]:
    counts = (total.answers, total.tokens_in, total.tokens_out)
    return (
        total.model,
        *(f"{count:,}" for count in counts),
        f"{total.cost:.4f}",
        f"{total.seconds:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
