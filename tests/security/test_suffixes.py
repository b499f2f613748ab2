"""User principal names are for the users of the organization whose suffix they end in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Caller
from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    Site,
    ldap,
    make_site,
)

AD = "Managed Active Directory"
FOREIGN = "nobody@FourthCoffee.com"


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield made


def create(site: Site, caller: Caller, upn: str, more: str = "") -> int | None:
    content = f"<container>{ldap(ALPINE)}</container><userPrincipalName>{upn}</userPrincipalName>{more}"
    request = f"<request><data>{content}</data></request>"
    result = site.engine.execute(request, caller, namespace=AD, procedure="CreateUser")
    return None if result.error is None else result.error.code


@pytest.mark.parametrize("caller", [ALPINE_ADMIN, MESSENGER_ADMIN], ids=lambda caller: caller.name)
@pytest.mark.parametrize(
    "upn",
    [
        FOREIGN,
        "x@litwareinc.com",
        "a@b@fourthcoffee.com",
        " nobody@fourthcoffee.com ",
        "x@chat.fourthcoffee.com",
        "x@fabrikam.com",
        "x@FABRIKAM.com",
    ],
)
def test_another_organizations_suffix_is_refused(site: Site, caller: Caller, upn: str) -> None:
    before = site.snapshot()
    assert create(site, caller, upn) == Code.E_ACCESSDENIED
    assert site.snapshot() == before


@pytest.mark.parametrize(
    "upn",
    ["bob@alpineskihouse.com", "bob@x.consolidatedmessenger.com", "bob@nobodys.example", "bob@hosting.fabrikam.com", "bob"],
)
def test_the_own_one_the_resellers_and_nobodys_may_be_used(site: Site, upn: str) -> None:
    assert create(site, ALPINE_ADMIN, upn) is None


def test_domain_administrators_may_use_any(site: Site) -> None:
    assert create(site, DOMAIN_ADMIN, FOREIGN) is None


def test_one_that_several_have_is_for_those_who_lie_in_all_of_them(site: Site) -> None:
    """Somebody has written another's suffix with other tools."""
    site.directory.modify(Dn.parse(ALPINE), [Modification("uPNSuffixes", ModifyOp.ADD, ("fourthcoffee.com",))])
    assert create(site, ALPINE_ADMIN, FOREIGN) == Code.E_ACCESSDENIED


def test_a_unit_that_is_no_organization_has_none(site: Site) -> None:
    site.add_unit(ALPINE, "Fake")
    site.directory.modify(Dn.parse(f"OU=Fake,{ALPINE}"), [Modification("uPNSuffixes", ModifyOp.ADD, ("nobodys.example",))])
    assert create(site, MESSENGER_ADMIN, "bob@nobodys.example") is None


class TestSuffixesOfOrganizations:
    """Who creates organizations does not give one what is another's."""

    @staticmethod
    def give(site: Site, suffix: str, organization: str = ALPINE, mode: str = "append") -> int | None:
        one = f'<properties><property name="UPNsuffixes" mode="{mode}"><value>{suffix}</value></property></properties>'
        request = f"<request><data><org>{ldap(organization)}</org>{one}</data></request>"
        result = site.engine.execute(request, MESSENGER_ADMIN, namespace=AD, procedure="ModifyOrganization")
        return None if result.error is None else result.error.code

    @staticmethod
    def create(site: Site, suffix: str, caller: Caller = MESSENGER_ADMIN) -> int | None:
        one = f'<properties><property name="uPNSuffixes"><value>{suffix}</value></property></properties>'
        data = f"<container>{ldap(MESSENGER)}</container><name>Proseware</name><policyName>customer</policyName>{one}"
        request = f"<request><data>{data}</data></request>"
        result = site.engine.execute(request, caller, namespace=AD, procedure="CreateOrganization")
        return None if result.error is None else result.error.code

    @pytest.mark.parametrize(
        "suffix",
        [
            "fourthcoffee.com",
            "FourthCoffee.COM",
            "chat.fourthcoffee.com",
            "litwareinc.com",
            "consolidatedmessenger.com",
            "com",
            "fabrikam.com",
        ],
    )
    def test_what_is_anothers_or_the_domains_or_lies_above_or_below_it(self, site: Site, suffix: str) -> None:
        before = site.snapshot()
        for mode in ("append", "update"):
            assert self.give(site, suffix, mode=mode) == Code.E_ACCESSDENIED
        assert self.create(site, suffix) == Code.E_ACCESSDENIED
        assert site.snapshot() == before

    def test_a_customers_is_not_another_customers(self, site: Site) -> None:
        assert self.create(site, "alpineskihouse.com") == Code.E_ACCESSDENIED
        assert self.create(site, "chat.alpineskihouse.com") == Code.E_ACCESSDENIED

    @pytest.mark.parametrize("suffix", ["nobodys.example", "alpine.consolidatedmessenger.com"])
    def test_nobodys_and_what_lies_below_the_resellers(self, site: Site, suffix: str) -> None:
        assert self.create(site, suffix) is None
        assert self.give(site, f"x.{suffix}") == (Code.E_ACCESSDENIED), "now it is that customer's"
        assert self.give(site, "other.example") is None

    def test_the_own_ones_may_be_written_again_and_narrowed_and_widened(self, site: Site) -> None:
        for suffix in ("alpineskihouse.com", "chat.alpineskihouse.com"):
            assert self.give(site, suffix, mode="update") is None
        assert self.give(site, "alpineskihouse.com", mode="update") is None

    def test_a_reseller_has_what_lies_above_its_customers(self, site: Site) -> None:
        assert self.give(site, "alpine.messenger.example") is None
        assert self.give(site, "messenger.example", MESSENGER) is None

    def test_to_take_one_away_is_no_claim(self, site: Site) -> None:
        site.directory.modify(Dn.parse(ALPINE), [Modification("uPNSuffixes", ModifyOp.ADD, ("fourthcoffee.com",))])
        assert self.give(site, "fourthcoffee.com", mode="delete") is None
        assert "fourthcoffee.com" not in site.read(ALPINE).values("uPNSuffixes")

    def test_domain_administrators_give_any(self, site: Site) -> None:
        assert self.create(site, "fourthcoffee.com", DOMAIN_ADMIN) is None


@pytest.mark.parametrize("name", ["userPrincipalName", "USERPRINCIPALNAME"])
def test_it_is_found_among_the_properties_too(site: Site, name: str) -> None:
    for value in (f"<value>{FOREIGN}</value>", FOREIGN):
        more = f'<properties><property name="{name}">{value}</property></properties>'
        assert create(site, ALPINE_ADMIN, "bob@alpineskihouse.com", more) == Code.E_ACCESSDENIED


@pytest.mark.parametrize(
    "more",
    [
        f"<userPrincipalName>{FOREIGN}</userPrincipalName>",
        f'<properties><property name="userPrincipalName"><value>{FOREIGN}</value></property></properties>',
    ],
)
def test_an_own_user_is_not_given_one(site: Site, more: str) -> None:
    before = site.snapshot()
    request = f"<request><data><user>{ldap(JOHN)}</user>{more}</data></request>"
    result = site.engine.execute(request, ALPINE_ADMIN, namespace=AD, procedure="ModifyUser")
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert site.snapshot() == before
