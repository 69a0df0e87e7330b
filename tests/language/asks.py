"""Asks a door for twenty answers, as `python -m tests.language.asks URL CACHE`."""

import sys
from pathlib import Path

from autoal.language.asked import Request
from autoal.language.client import Client
from tests.language.door import MODEL

COUNT, PARALLEL = 20, 2


def main() -> None:
    url, cache = sys.argv[1:]
    client = Client(url, MODEL, price_in=1.0, parallel=PARALLEL, cache=Path(cache))
    print("ready", flush=True)
    sys.stdin.readline()
    asked = [Request(f"question {number}") for number in range(COUNT)]
    print(sum(1 for _ in client.answers(asked)), *client.spent[:2])


if __name__ == "__main__":
    main()
