"""The matrix of tests/security/test_matrix.py on a real Active Directory, looked up by an account with its least rights.

What a verdict depends on is the procedure's declaration, which is the same on any directory and tried in full there, and what
the directory says of the caller's groups and of the place of the object. So every caller and every place come together here,
and every procedure, each with one combination of places for each caller, direct or nested; another one each day. All of it
is tried with MPF_ALL_KILLS=1 (`make matrix`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.differential.state import State, restore
from tests.kills.choice import chosen
from tests.namespaces.support import make_site
from tests.samba.controller import Samba
from tests.samba.least import Least, least_engine, make_account, make_parking
from tests.security.matrix import Wrapper, data_for, lay, place, procedures_of, the_pool_in, verdict
from tests.security.roles_by_hand import (
    ABOVE,
    CALLERS,
    CLAIMABLE,
    CUSTOMER,
    LOG_ON_NAMES,
    PLACES,
    POOLS,
    ROLES,
    allowed,
    harmless,
    may_name,
    named_as,
)

pytestmark = [pytest.mark.samba, pytest.mark.slow]

_OCS, _AD = "Managed Office Communications Server", "Managed Active Directory"
#: One of each role that is asked for over an object.
CROSSED = (f"{_OCS}::GetPoolAssignment", f"{_AD}::DeleteOrganization")
#: Who takes a name, by the kind of name, and does not only use one that is taken.
TAKING = {"upn": {f"{_AD}::CreateUser", f"{_AD}::ModifyUser"}, "sip-domain": {f"{_OCS}::CreateSipDomain"}}


@dataclass(frozen=True, slots=True)
class Everything:
    least: Least
    known: dict[str, Procedure]
    wrapper: Wrapper

    def allows(self, full_name: str, caller: str, values: dict[str, str], *, nested: bool) -> bool:
        procedure = self.known[full_name]
        name = self.wrapper.name_for(procedure) if nested else (procedure.namespace, procedure.name)
        return verdict(self.least.engine, caller, *name, data_for(procedure, {**harmless(full_name), **values}))

    def is_wrong(self, full_name: str, caller: str, places: dict[str, str], *, nested: bool) -> bool:
        values = {name: place(where) for name, where in places.items()}
        return self.allows(full_name, caller, values, nested=nested) != allowed(full_name, caller, places)


@dataclass(frozen=True, slots=True)
class Ground:
    samba: Samba
    directory: Directory
    start: State
    known: dict[str, Procedure]
    wrapper: Wrapper

    @contextmanager
    def engine(self, claims: str) -> Iterator[Everything]:
        """One served by the account with the least rights."""
        more = [ConfigPlugin(), self.wrapper]
        with least_engine(self.samba, self.directory, self.start, "policy", more=more, claims=claims) as least:
            yield Everything(least, self.known, self.wrapper)


@pytest.fixture(scope="module")
def ground(samba: Samba, directory: Directory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
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
    yield Ground(samba, directory, start, {procedure.full_name: procedure for procedure in known}, wrapper)
    entries.take(rights)
    restore(directory, start)


@pytest.fixture(scope="module")
def everything(ground: Ground) -> Iterator[Everything]:
    with ground.engine("none") as made:
        yield made


@pytest.fixture(scope="module")
def claiming(ground: Ground) -> Iterator[Everything]:
    """Where suffixes of user principal names are the evidence for a SIP domain."""
    with ground.engine("upn-suffixes") as made:
        yield made


@pytest.mark.parametrize("nested", [False, True], ids=["direct", "nested"])
@pytest.mark.parametrize("caller", CALLERS)
def test_every_caller_over_every_place(everything: Everything, caller: str, nested: bool) -> None:
    cases = [(full_name, {ROLES[full_name][1][0]: where}) for full_name, where in product(CROSSED, PLACES)]
    assert [case for case in cases if everything.is_wrong(case[0], caller, case[1], nested=nested)] == []


@pytest.mark.parametrize("caller", CALLERS)
def test_every_public_procedure(everything: Everything, caller: str) -> None:
    wrong = []
    for full_name, (_, arguments) in ROLES.items():
        cases = list(product([False, True], product(PLACES, repeat=len(arguments))))
        for nested, named in chosen(cases, 1, full_name, caller):
            places = dict(zip(arguments, named, strict=True))
            if everything.is_wrong(full_name, caller, places, nested=nested):
                wrong.append((full_name, places, nested))
    assert wrong == []


@pytest.mark.parametrize("known", POOLS)
def test_pools(everything: Everything, known: str) -> None:
    lay(everything.least.directory, known)
    for full_name, argument in named_as("pool"):
        for caller, nested in chosen(list(product(ABOVE, [False, True])), 3, full_name, known):
            values = {argument: the_pool_in(argument), ROLES[full_name][1][0]: place(CUSTOMER)}
            found = everything.allows(full_name, caller, values, nested=nested)
            assert found == may_name(caller, POOLS[known]), (full_name, caller, nested)


@pytest.mark.parametrize(
    ("kind", "texts"), [("upn", LOG_ON_NAMES), ("sip-domain", CLAIMABLE)], ids=["names to log on with", "SIP domains"]
)
def test_names_that_are_somebodys(claiming: Everything, kind: str, texts: dict[str, bool]) -> None:
    wrong = []
    for full_name, argument in (one for one in named_as(kind) if one[0] in TAKING[kind]):
        cases = list(product(texts, ABOVE, [False, True]))
        for text, caller, nested in chosen(cases, 12, full_name, kind):
            values = {argument: text, ROLES[full_name][1][0]: place(CUSTOMER)}
            if claiming.allows(full_name, caller, values, nested=nested) != may_name(caller, texts[text]):
                wrong.append((full_name, text, caller, nested))
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
