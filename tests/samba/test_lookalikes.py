"""Names that look alike to somebody, and are not the same to the directory: no organization passes for another one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Caller, Engine
from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp
from tests.samba.controller import Samba, remove_tree
from tests.samba.test_main_path import engine_on
from tests.security.test_moved_meanwhile import AD, DC, steps

pytestmark = pytest.mark.samba

MESSENGER = "OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
JOHN = f"CN=Johnc@AlpineSkiHouse.com,OU=AlpineSkiHouse,{MESSENGER}"
#: With the long s, and with the sign for kelvin.
ALIKE = ["Alpine\u017fkiHouse", "AlpineS\u212aiHouse"]


@pytest.fixture(scope="module")
def engine(samba: Samba, seeded: Directory) -> Iterator[Engine]:
    with engine_on(samba, "policy") as made:
        yield made


@pytest.mark.parametrize("name", ALIKE)
def test_an_organization_is_not_one_that_is_called_alike(engine: Engine, seeded: Directory, name: str) -> None:
    created = (AD, "CreateOrganization", {"container": f"LDAP://{MESSENGER}", "name": "Other", "policyName": "customer"})
    made = engine.execute(steps(created), Caller("admin@consolidatedmessenger.com"))
    assert made.error is None, made.error
    # Whoever may write the unit can rename it with other tools.
    unit = Dn.parse(f"OU={name},{MESSENGER}")
    seeded.rename(Dn.parse(f"OU=Other,{MESSENGER}"), unit)
    try:
        mallory = unit.child("CN", "mallory")
        account = {"sAMAccountName": ["mallory"], "userPrincipalName": ["mallory@other.example"]}
        seeded.add(mallory, {"objectClass": ["user"], **account, "userAccountControl": ["544"]})
        seeded.modify(unit.child("CN", "Admins@Other"), [Modification("member", ModifyOp.ADD, (str(mallory),))])
        own = (AD, "GetThisOrganizationRoot", {"path": f"LDAP://{mallory}", DC: "AD01.Fabrikam.com"})
        foreign = (AD, "ModifyUser", {"user": f"LDAP://{JOHN}", "description": "mine", DC: "AD01.Fabrikam.com"})
        caller = Caller("mallory@other.example")
        assert engine.execute(steps(own), caller).error is None
        for calls in ((foreign,), (own, foreign)):
            error = engine.execute(steps(*calls), caller).error
            assert error is not None
            assert error.code == Code.E_ACCESSDENIED
    finally:
        remove_tree(seeded, unit)
