"""Who takes part: on which database, under which name."""

from __future__ import annotations

from bench.peers import dbos6, ladder6, mpf6, taskflow6
from bench.peers.job import Opener

FLOOR = "bare ladder (floor)"
MPF = "mpf"

#: Contenders by database, in the order in which they are printed.
CONTENDERS: dict[str, dict[str, Opener]] = {
    "SQLite": {
        FLOOR: ladder6.on_sqlite,
        MPF: mpf6.contender,
        "DBOS, WAL+FULL": dbos6.forced,
        "TaskFlow, WAL+FULL": taskflow6.forced,
        "TaskFlow, WAL+FULL, pooled": taskflow6.forced_and_kept,
        "DBOS, its defaults": dbos6.as_it_comes,
        "TaskFlow, its defaults": taskflow6.as_it_comes,
    },
    "PostgreSQL": {
        FLOOR: ladder6.on_postgresql,
        MPF: mpf6.contender,
        "DBOS": dbos6.as_it_comes,
    },
}
