"""Engines over a durable store and a provider in memory, which outlives them as a directory would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpf_core import Config
from tests.support import Bench, StoreProvider

EVERYTHING = ["tester@fabrikam.com"]


class Site:
    """One store and one provider; any number of engines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.provider = StoreProvider()
        self.benches: list[Bench] = []
        self._places = 0

    def engine(self, *namespaces: str, plugins: tuple[object, ...] = (), **engine: Any) -> Bench:
        """Another engine on the store."""
        config = Config.model_validate(
            {
                "base_dir": self.folder,
                "engine": {"undo_wait": 0, "recovery_interval": 3600, **engine},
                "store": {"url": "sqlite:///mpf.db", "allow_clear": True},
                "security": {
                    "permissions": {
                        "trusted_requests": EVERYTHING,
                        "callers_credentials": EVERYTHING,
                        "private_procedures": EVERYTHING,
                    }
                },
            }
        )
        self._places += 1
        place = self.folder / f"engine{self._places}"
        place.mkdir()
        bench = Bench(place, *namespaces, config=config, plugins=plugins, provider=self.provider)
        self.benches.append(bench)
        return bench

    def crash(self, bench: Bench) -> None:
        """What the end of its process does to an engine: its locks are gone, and nothing else is tidied up."""
        bench.engine.store.close()
        self.benches.remove(bench)

    def bytes(self) -> bytes:
        """All that the store has on disk."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("mpf.db*")) if path.is_file())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for bench in made.benches:
        bench.engine.close()


@pytest.fixture
def bench(site: Site) -> Bench:
    return site.engine()
