"""A worker process that has an engine ready and forks a child for each job, so that a kill costs a fork and no new Python.

    python -m tests.kills.zygote CONFIG                    CONFIG is the engine's configuration, as JSON

A job is a line of JSON on standard input, its outcome one on standard output. The engine is loaded here, but opens neither
its store nor its directory, because the children could not use them; and it starts no thread.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from typing import Any

from sqlalchemy import URL, Executable, make_url
from sqlalchemy.sql import ClauseElement

from mpf_core import Config, Engine
from mpf_core.store import advisory, audit, engines, keyring, migration, opening, outbox, settings, statements
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.sqlite import SqliteDatabase
from mpf_directory import DirectoryPlugin
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.kills.jobs import Job, perform
from tests.kills.scenarios_acl import lend_access_control_lists

#: Imported here, so that no child has to do it.
PRELOADED = (migration, opening)
_WITH_STATEMENTS = (advisory, audit, engines, keyring, outbox, settings, statements)


def main() -> None:
    """Read jobs until the end of standard input."""
    config = Config.model_validate(json.loads(sys.argv[1]))
    plugins = (DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin())
    lend_access_control_lists()
    engine = Engine(config, plugins=plugins)
    broken = [info for info in engine.plugins if info.state == "broken"]
    if broken:
        raise SystemExit(f"broken: {broken}")
    compile_ahead(make_url(config.store.url))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(fork(engine, Job.from_json(json.loads(line)))) + "\n")
        sys.stdout.flush()


def compile_ahead(url: URL) -> None:
    """Compile the store's SQL, which a process does once: half of a child's time."""
    database = SqliteDatabase(url, None) if url.get_backend_name() == "sqlite" else PostgresDatabase(url)
    for module in _WITH_STATEMENTS:
        for value in vars(module).values():
            if isinstance(value, Executable) and isinstance(value, ClauseElement):
                database.compiled(value)


def fork(engine: Engine, job: Job) -> dict[str, Any]:
    """Do a job in a child, and wait for its end. ``signal`` is what the child was killed by, or 0."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(engine, job, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    outcome: dict[str, Any] = json.loads(said) if said else {}
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, **outcome}


def _be_child(engine: Engine, job: Job, pipe: int) -> None:
    try:
        outcome = perform(engine, job)
    except BaseException:  # whatever it is, the parent must be told
        outcome = {"raised": traceback.format_exc()}
    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        json.dump(outcome, out)
    os._exit(0)


if __name__ == "__main__":
    main()
