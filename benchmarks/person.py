"""A person who labels faster than anybody can, in a process of its own.

    python -m benchmarks.person URL...

Prints, for each URL, the rows that were answered and the seconds of each answer and picture, as
JSON. One thread stands for each person.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlsplit

THOUGHT = 0.1  # seconds between two rows


def timed(connection: HTTPConnection, method: str, path: str, token: str, body: Any = None) -> Any:
    """The seconds of a request, and its answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    start = time.perf_counter()
    connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
    response = connection.getresponse()
    content = response.read()
    return time.perf_counter() - start, content if response.status == 200 else None


def labelled(url: str) -> dict[str, Any]:
    """Answer every row that is asked, and fetch its picture."""
    parts = urlsplit(url)
    token = parse_qs(parts.query)["token"][0]
    connection = HTTPConnection(parts.netloc)
    found: dict[str, Any] = {"rows": [], "answers": [], "pictures": []}
    state = json.loads(timed(connection, "GET", "/api/state", token)[1])
    while tasks := state["tasks"]:
        time.sleep(THOUGHT)
        row, label = tasks[0]["row"], state["classes"][0]["name"]
        seconds, _ = timed(connection, "GET", tasks[0]["card"]["url"], token)
        found["pictures"].append(seconds)
        said = {"id": f"{token}{row}", "row": row, "kind": "label", "label": label, "seconds": 1.0}
        seconds, content = timed(connection, "POST", "/api/answer", token, said)
        if content is None:  # somebody else got it
            _, content = timed(connection, "GET", "/api/state", token)
        else:
            found["answers"].append(seconds)
            found["rows"].append(row)
        state = json.loads(content)
    return found


if __name__ == "__main__":
    with ThreadPoolExecutor(len(sys.argv)) as pool:
        print(json.dumps(list(pool.map(labelled, sys.argv[1:]))))
