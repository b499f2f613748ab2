"""The whole hosting tree is built by requests alone, on an empty domain, and is the one that the seed makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.seed import seed_hosting_tree
from tests.namespaces.support import BASE
from tests.namespaces.tree_by_requests import Builder, empty_site, tree


@pytest.mark.slow
def test_it_equals_the_seeded_tree_attribute_by_attribute(tmp_path: Path) -> None:
    with EmbeddedDirectory.create(tmp_path / "seeded.db", server=layout.SERVER, base=Dn.parse(BASE)) as directory:
        seed_hosting_tree(directory)
        seeded = tree(directory)
    with empty_site(tmp_path) as (requests, directory):
        Builder(requests, directory.base).tree()
        built = tree(directory)
    assert sorted(built) == sorted(seeded)
    for name, attributes in seeded.items():
        assert built[name] == attributes, name
