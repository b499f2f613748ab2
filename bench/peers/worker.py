"""A contender's own process: it gets orders on its standard input and answers each with a line of JSON.

    python -m bench.peers.worker DATABASE CONTENDER URL FOLDER

An order is ``{"case": "success", "seconds": 0.1}`` or ``{"case": "fail", "requests": 20}``; the answer holds the seconds
that each request took, and what was wrong with an end state.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

from bench.peers.contenders import CONTENDERS
from bench.peers.job import STEPS, Contender, Unavailable
from bench.provision6 import request


def main() -> None:
    """Open the contender, say whether it is ready, and do what is ordered until the input ends."""
    database, name, url, folder = sys.argv[1:]
    # The answers go where standard output went; whatever a contender prints goes to the log with its errors.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        warnings.simplefilter("ignore")
        logging.disable()
        try:
            contender = CONTENDERS[database][name](url, Path(folder))
        except Unavailable as error:
            print(json.dumps({"unavailable": str(error)}), file=answers, flush=True)
            return
        print(json.dumps({}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_work(contender, **json.loads(line))), file=answers, flush=True)
    os._exit(0)  # some contenders keep threads that would have to be waited for


def _work(contender: Contender, case: str, seconds: float = 0.0, requests: int = 1) -> dict[str, object]:
    """Run at least so many requests for at least so long; a wrong end state ends it."""
    document = request(case)
    expected = {f"n{number}": "x" * 100 + str(number) for number in range(1, STEPS + 1)} if case == "success" else {}
    values, run = contender.target.values, contender.run
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < requests or time.perf_counter() < until:
        values.clear()
        begin = time.perf_counter()
        succeeded = run(document)
        times.append(time.perf_counter() - begin)
        if values != expected or succeeded is not (case == "success"):
            return {"times": times, "wrong": f"said {succeeded}, left {sorted(values)}"}
    return {"times": times, "wrong": ""}


if __name__ == "__main__":
    main()
