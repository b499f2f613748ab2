"""Every pair of procedure and point, killed and recovered, on SQLite and PostgreSQL: ``python -m tests.kills``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from tests.kills.harness import Failed, worker
from tests.kills.scenarios import SCENARIOS
from tests.postgres import postgres_server


def kill_everywhere(url: str, names: Iterable[str]) -> tuple[Counter[str], list[str]]:
    """Kill these scenarios at all their points, and recovery itself at some; returns where they ended, and what failed."""
    ends: Counter[str] = Counter()
    failures: list[str] = []
    with worker(url) as site:
        for name in names:
            try:
                prepared = site.prepare(name)
            except Failed as error:
                failures.append(str(error))
                continue
            for number in range(1, len(prepared.points) + 1):
                last = number == len(prepared.points)
                for again in (0, 1 + number % 7):
                    try:
                        ends[site.kill(prepared, number, again=again, verify=last)] += 1
                    except Failed as error:
                        failures.append(str(error))
    return ends, failures


def main() -> int:
    """Run them all, in two processes for each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--only", default="", help="procedures whose name has this in it")
    options = parser.parse_args()
    names = [name for name in SCENARIOS if options.only.lower() in name.lower()]
    bad = False
    for store in options.store or ["sqlite", "postgresql"]:
        begun = time.monotonic()
        with postgres_server() if store == "postgresql" else _no_server() as server, ProcessPoolExecutor(2) as pool:
            urls = [
                server.create_database(f"kills{part}") if store == "postgresql" else "sqlite:///mpf.db" for part in range(2)
            ]
            parts = [pool.submit(kill_everywhere, url, names[part::2]) for part, url in enumerate(urls)]
            results = [part.result() for part in parts]
        ends = sum((ends for ends, _ in results), Counter[str]())
        failures = [failure for _, found in results for failure in found]
        print(f"{store}: {len(names)} procedures, {sum(ends.values())} kills recovered in {time.monotonic() - begun:.0f} s")
        print("  ended: " + ", ".join(f"{number} {state}" for state, number in sorted(ends.items(), key=str)))
        for failure in failures:
            print("  FAILED " + failure)
        bad |= bool(failures)
    return int(bad)


class _no_server:  # noqa: N801 - used like a function
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    sys.exit(main())
