"""What one request takes away, reads or is about to claim, while another one comes in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpf_core import Caller, Code, Result
from mpf_core.transaction.states import TransactionState
from mpf_directory.dn import Dn
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)
from tests.namespaces.test_in_between import AD, Between

RAW = "Preferred DC Active Directory Provider"
NEW = f"OU=NewCo,{MESSENGER}"
USER = f"CN=u@newco.com,{NEW}"
PEOPLE = f"CN=People,{NEW}"


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def site(between: Between) -> Iterator[Site]:
    with make_site(between) as made:
        prepare(made)
        yield made


def done(result: Result) -> Result:
    assert result.error is None, result.document.decode()
    return result


def locked(result: Result | None) -> bool:
    assert result is not None
    return result.error is not None and result.error.code == Code.LOCK_VIOLATION


def prepare(site: Site) -> None:
    """An organization with a user, and the unit for parked objects."""
    done(
        site.submit(
            "CreateOrganization", DOMAIN_ADMIN, {"container": ldap(MESSENGER), "name": "NewCo", "policyName": "customer"}, AD
        )
    )
    done(site.submit("CreateContact", DOMAIN_ADMIN, {"container": ldap(NEW), "name": "gone"}, AD))
    done(site.submit("DeleteContact", DOMAIN_ADMIN, {"contact": ldap(f"CN=gone,{NEW}")}, AD))


def create_user(site: Site, container: str, upn: str, **more: str) -> Result:
    return site.submit("CreateUser", DOMAIN_ADMIN, {"container": ldap(container), "userPrincipalName": upn, **more}, AD)


def fails_around(
    site: Site, between: Between, first: tuple[str, str, dict[str, str]], second: Callable[[], Result]
) -> Result:
    """``first``, then ``second`` of somebody else, then ``first`` is rolled back."""
    between.at, between.other = "GetPoolAssignment", second
    steps = [first, (OCS, "GetPoolAssignment", {"organization": ldap(ALPINE)})]
    given = [(space, name, {"preferredDomainController": site.server, **arguments}) for space, name, arguments in steps]
    result = site._submit(DOMAIN_ADMIN, given, fail=True)
    assert result.error is not None
    assert result.error.description == "enough"
    return result


LEAVES = {
    "DeleteUser": {"user": ldap(USER)},
    "MoveObject": {"object": ldap(USER), "destinationContainer": ldap(ALPINE)},
}
GOES = {
    "DeleteOrganization": {"org": ldap(NEW)},
    "RenameOrganization": {"org": ldap(NEW), "newName": "NewCo9"},
}


@pytest.mark.parametrize("goes", GOES)
@pytest.mark.parametrize("leaves", LEAVES)
def test_what_an_object_left_is_still_there_when_it_is_put_back(
    site: Site, between: Between, leaves: str, goes: str
) -> None:
    done(create_user(site, NEW, "u@newco.com"))
    before = site.snapshot()
    second = lambda: site.submit(goes, DOMAIN_ADMIN, GOES[goes], AD)  # noqa: E731
    first = fails_around(site, between, (AD, leaves, LEAVES[leaves]), second)
    assert first.state is TransactionState.ROLLED_BACK
    assert locked(between.result)
    assert site.snapshot() == before


@pytest.mark.parametrize(
    ("procedure", "arguments", "namespace"),
    [
        ("CreateUser", {"container": ldap(PEOPLE), "userPrincipalName": "late@newco.com"}, AD),
        ("CreateGroup", {"container": ldap(PEOPLE), "name": "late"}, AD),
        ("MoveObject", {"object": ldap(JOHN), "destinationContainer": ldap(PEOPLE)}, AD),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_organization_is_not_deleted_with_what_came_after_the_look(
    site: Site, between: Between, procedure: str, arguments: dict[str, str], namespace: str
) -> None:
    site.directory.add(Dn.parse(PEOPLE), {"objectClass": ["container"]})
    between.at, between.other = "Delete Object", lambda: site.submit(procedure, DOMAIN_ADMIN, arguments, namespace)
    first = site.submit("DeleteOrganization", DOMAIN_ADMIN, {"org": ldap(NEW)}, AD)
    assert between.result is not None
    assert (first.error is None) + (between.result.error is None) == 1
    assert site.find(JOHN) is not None


def test_a_unit_is_not_moved_with_a_sip_user_of_after_the_look(site: Site, between: Between) -> None:
    unit = site.add_unit(NEW, "Sub")
    done(create_user(site, unit, "v@newco.com"))
    user = f"CN=v@newco.com,{unit}"
    done(site.submit("CreateSipDomain", DOMAIN_ADMIN, {"organization": ldap(NEW), "address": "newco.com"}))
    done(site.submit("SetPoolAssignment", DOMAIN_ADMIN, {"organization": ldap(NEW), "poolFQDN": "pool01.fabrikam.com"}))
    sip = {"user": ldap(user), "enabled": "true", "primaryURI": "sip:v@newco.com"}
    between.at, between.other = "Move Object", lambda: site.submit("CreateSipUser", DOMAIN_ADMIN, sip)
    move = {"object": ldap(unit), "destinationContainer": ldap(ALPINE)}
    first = site.submit("MoveObject", DOMAIN_ADMIN, move, AD)
    assert between.result is not None
    assert (first.error is None) + (between.result.error is None) == 1


@pytest.mark.parametrize(
    "taking",
    [
        {"userPrincipalName": "u@newco.com", "sAMAccountName": "other"},
        {"userPrincipalName": "o@alpineskihouse.com", "sAMAccountName": "unew"},
    ],
    ids=["userPrincipalName", "sAMAccountName"],
)
def test_names_of_what_the_provider_itself_parks_are_not_free_yet(
    site: Site, between: Between, taking: dict[str, str]
) -> None:
    done(create_user(site, NEW, "u@newco.com", sAMAccountName="unew"))
    before = site.snapshot()
    second = lambda: site.submit("CreateUser", DOMAIN_ADMIN, {"container": ldap(ALPINE), **taking}, AD)  # noqa: E731
    first = fails_around(site, between, (RAW, "Delete Object", {"path": ldap(USER)}), second)
    assert first.state is TransactionState.ROLLED_BACK
    assert locked(between.result)
    assert site.snapshot() == before


def test_a_principal_name_without_a_suffix_is_an_account_name(site: Site, between: Between) -> None:
    done(create_user(site, NEW, "barename", sAMAccountName="other"))
    taking = {"container": ldap(ALPINE), "userPrincipalName": "o@alpineskihouse.com", "sAMAccountName": "barename"}
    taken = site.submit("CreateUser", DOMAIN_ADMIN, taking, AD)
    assert taken.error is not None
    assert taken.error.code == Code.OBJECT_ALREADY_EXISTS
    second = lambda: site.submit("CreateUser", DOMAIN_ADMIN, taking, AD)  # noqa: E731
    fails_around(site, between, (AD, "DeleteUser", {"user": ldap(f"CN=barename,{NEW}")}), second)
    assert locked(between.result)


def test_a_member_that_is_removed_meanwhile_is_not_distributed(site: Site, between: Between) -> None:
    done(create_user(site, NEW, "u@newco.com", policyName="customer"))
    expand = {"organization": ldap(NEW), "capacityType": "UserN", "multiplier": "2"}
    done(site.submit("ExpandWin2KCapacity", DOMAIN_ADMIN, expand, AD))
    everybody = f"CN=AllUsers@NewCo,CN=_Private,{NEW}"
    remove = {"group": ldap(everybody), "member": ldap(USER)}
    between.at, between.other = "Path From DN", lambda: site.submit("GroupRemove", DOMAIN_ADMIN, remove, AD)
    distribute = {"organization": ldap(NEW), "capacityType": "UserN"}
    first = site.submit("DistributeGroupMemberships", DOMAIN_ADMIN, distribute, AD)
    assert between.result is not None
    member = [group for group in map(str, site.read(USER).values("memberOf")) if group.startswith("CN=AllUsers@")]
    assert first.error is None
    assert bool(member) == (between.result.error is not None)


def suffixes(site: Site, caller: Caller, organization: str, suffix: str) -> Result:
    given = f"<org>{ldap(organization)}</org><properties><property name='uPNSuffixes' mode='append'>{suffix}</property></properties>"
    data = f"{given}<preferredDomainController>{site.server}</preferredDomainController>"
    return site.engine.execute(
        f"<request><data>{data}</data></request>", caller, namespace=AD, procedure="ModifyOrganization"
    )


def holders(site: Site, suffix: str) -> list[str]:
    return [dn for dn in (ALPINE, NEW, OTHER_CUSTOMER) if suffix in site.read(dn).values("uPNSuffixes")]


@pytest.mark.parametrize("at", ["TestPermissions_", "Set Properties"])
def test_one_suffix_goes_to_one_organization(site: Site, between: Between, at: str) -> None:
    between.at, between.other = at, lambda: suffixes(site, MESSENGER_ADMIN, NEW, "race.example")
    first = suffixes(site, MESSENGER_ADMIN, ALPINE, "race.example")
    assert between.result is not None
    assert (first.error is None) + (between.result.error is None) == 1
    assert len(holders(site, "race.example")) == 1


def changing_suffixes(site: Site, organization: str, suffix: str, mode: str) -> str:
    controller = f"<preferredDomainController>{site.server}</preferredDomainController>"
    return f"""<request><data/><procedure>
      <execute namespace="{AD}" procedure="ModifyOrganization" impersonate="1"><executeData><org>{ldap(organization)}</org>
        <properties><property name="uPNSuffixes" mode="{mode}">{suffix}</property></properties>{controller}</executeData></execute>
      <execute namespace="{OCS}" procedure="GetPoolAssignment" impersonate="1"><executeData>
        <organization>{ldap(ALPINE)}</organization>{controller}</executeData></execute>
      <execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData><hr>0x80004005</hr>
        <desc>enough</desc></executeData></execute></procedure></request>"""


def test_an_undo_gives_no_suffix_to_two(site: Site, between: Between) -> None:
    done(suffixes(site, DOMAIN_ADMIN, ALPINE, "shared.example"))
    between.at, between.other = "GetPoolAssignment", lambda: suffixes(site, MESSENGER_ADMIN, NEW, "shared.example")
    assert site.engine.execute(changing_suffixes(site, ALPINE, "shared.example", "delete"), DOMAIN_ADMIN).error is not None
    assert holders(site, "shared.example") == [ALPINE]


def test_a_name_does_not_end_in_a_suffix_that_comes_back_to_another(site: Site, between: Between) -> None:
    done(suffixes(site, DOMAIN_ADMIN, OTHER_CUSTOMER, "coffee.example"))
    given = {"container": ldap(ALPINE), "userPrincipalName": "ceo@coffee.example"}
    between.at, between.other = "GetPoolAssignment", lambda: site.submit("CreateUser", ALPINE_ADMIN, given, AD)
    changing = changing_suffixes(site, OTHER_CUSTOMER, "coffee.example", "delete")
    assert site.engine.execute(changing, DOMAIN_ADMIN).error is not None
    assert between.result is not None
    assert between.result.error is not None


def test_no_domain_is_claimed_by_a_suffix_that_goes_again(between: Between) -> None:
    with make_site(between, claims={"evidence": "upn-suffixes"}) as site:
        prepare(site)
        claim = {"organization": ldap(ALPINE), "address": "ev.example"}
        between.at, between.other = "GetPoolAssignment", lambda: site.submit("CreateSipDomain", ALPINE_ADMIN, claim)
        assert site.engine.execute(changing_suffixes(site, ALPINE, "ev.example", "append"), DOMAIN_ADMIN).error is not None
        assert ("ev.example", "Tenant") not in site.domains(ALPINE)
