"""A fresh embedded directory for every test that asks for one, copied from one that is made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.seed import seed_hosting_tree
from tests.directory.support import Site


@pytest.fixture(scope="session")
def empty_domain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a domain that nobody added anything to."""
    path = tmp_path_factory.mktemp("empty") / "directory.db"
    EmbeddedDirectory.create(path).close()
    return path


@pytest.fixture(scope="session")
def hosting_domain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a domain with the hosting tree."""
    path = tmp_path_factory.mktemp("hosting") / "directory.db"
    with EmbeddedDirectory.create(path) as directory:
        seed_hosting_tree(directory, password="Pass@word1")
    return path


@pytest.fixture
def site(empty_domain: Path, tmp_path: Path) -> Iterator[Site]:
    """An empty domain with OU=Hosting in it."""
    path = tmp_path / "directory.db"
    shutil.copy(empty_domain, path)
    with EmbeddedDirectory(path) as directory:
        site = Site(directory, path)
        site.unit("Hosting")
        yield site


@pytest.fixture
def hosting(hosting_domain: Path, tmp_path: Path) -> Iterator[EmbeddedDirectory]:
    """The seeded hosting tree."""
    path = tmp_path / "directory.db"
    shutil.copy(hosting_domain, path)
    with EmbeddedDirectory(path) as directory:
        yield directory
