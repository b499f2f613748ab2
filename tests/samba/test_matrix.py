"""The matrix of tests/security/test_matrix.py on a real Active Directory, looked up by an account with its least rights.

What a verdict depends on is the procedure's declaration, which is the same on any directory and tried in full there, and what
the directory says of the caller's groups and of the place of the object. So every caller and every place come together here,
and every procedure, each with one combination of places for each caller, direct or nested; another one each day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from mpf_config import ConfigPlugin
from mpf_core import Caller
from mpf_core.errors import Code
from mpf_core.model import Access, Procedure
from mpf_directory.port import Directory
from mpf_directory.rights_entries import Entries
from mpf_directory.rights_table import needed
from mpf_directory.seed import share_pools
from tests.differential.sides import samba_side
from tests.differential.state import restore
from tests.kills.choice import chosen, one_of
from tests.namespaces.support import make_site
from tests.samba.controller import Samba
from tests.samba.least import Least, least_engine, make_account, make_parking
from tests.security.matrix import Wrapper, data_for, place, procedures_of, verdict
from tests.security.roles_by_hand import CALLERS, PLACES, ROLES, allowed, harmless

pytestmark = [pytest.mark.samba, pytest.mark.slow]

_OCS, _AD = "Managed Office Communications Server", "Managed Active Directory"
#: One of each role that is asked for over an object.
CROSSED = (f"{_OCS}::GetPoolAssignment", f"{_AD}::DeleteOrganization")


@dataclass(frozen=True, slots=True)
class Everything:
    least: Least
    known: dict[str, Procedure]
    wrapper: Wrapper

    def verdict(self, full_name: str, caller: str, places: dict[str, str], *, nested: bool) -> bool:
        procedure = self.known[full_name]
        values = {**harmless(full_name), **{name: place(where) for name, where in places.items()}}
        name = self.wrapper.name_for(procedure) if nested else (procedure.namespace, procedure.name)
        return verdict(self.least.engine, caller, *name, data_for(procedure, values))


@pytest.fixture(scope="module")
def everything(samba: Samba, directory: Directory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with make_site(ConfigPlugin()) as site:
        known = [procedure for access in Access for procedure in procedures_of(site.engine, access)]
    wrapper = Wrapper(tmp_path_factory.mktemp("matrix") / "wrapper.xml", known)
    with samba_side(samba, directory) as side:
        start = side.start
    make_parking(directory)
    share_pools(directory)
    entries = Entries(directory, make_account(directory))
    rights = [right for need in needed(policy=False) for right in need.rights]
    entries.give(rights)
    with least_engine(samba, directory, start, "policy", more=[ConfigPlugin(), wrapper]) as least:
        yield Everything(least, {procedure.full_name: procedure for procedure in known}, wrapper)
    entries.take(rights)
    restore(directory, start)


@pytest.mark.parametrize("nested", [False, True], ids=["direct", "nested"])
@pytest.mark.parametrize("caller", CALLERS)
def test_every_caller_over_every_place(everything: Everything, caller: str, nested: bool) -> None:
    wrong = []
    for full_name, where in product(CROSSED, PLACES):
        places = {ROLES[full_name][1][0]: where}
        found = everything.verdict(full_name, caller, places, nested=nested)
        if found != allowed(full_name, caller, places):
            wrong.append((full_name, where, found))
    assert wrong == []


@pytest.mark.parametrize("caller", CALLERS)
def test_every_public_procedure(everything: Everything, caller: str) -> None:
    wrong = []
    for full_name, (_, arguments) in ROLES.items():
        # With everything, so that MPF_ALL_KILLS=1 takes as long as it takes.
        for named in chosen(list(product(PLACES, repeat=len(arguments))), 1, full_name, caller):
            places = dict(zip(arguments, named, strict=True))
            nested = one_of([False, True], full_name, caller, *named)
            found = everything.verdict(full_name, caller, places, nested=nested)
            if found != allowed(full_name, caller, places):
                wrong.append((full_name, places, nested, found))
    assert wrong == []


@pytest.mark.parametrize("caller", ["admin@alpineskihouse.com", "Johnc@AlpineSkiHouse.com"])
def test_private_procedures_are_refused(everything: Everything, caller: str) -> None:
    private = [one for one in everything.known.values() if one.access is Access.PRIVATE]
    for procedure in chosen(private, 20, "private", caller):
        request = f"<request>{data_for(procedure, {})}</request>"
        engine, namespace = everything.least.engine, procedure.namespace
        error = engine.execute(request, Caller(caller), namespace=namespace, procedure=procedure.name).error
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED
        assert "is private" in error.description
