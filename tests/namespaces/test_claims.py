"""Who may claim a SIP domain that nobody has: by the configured evidence, and never below or above somebody else's."""

from __future__ import annotations

import pytest

from mpf_core import Caller
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)

SUFFIXES = {"evidence": "upn-suffixes"}
APPROVALS = {
    "evidence": "approvals",
    "approved": {
        "Alpine.example.com": "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting",
        "coffee.example.com": "OU=FourthCoffee,OU=Litware,OU=Hosting",
    },
}
NONE = {"evidence": "none"}
COFFEE_ADMIN = Caller("admin@fourthcoffee.com")


def claim(site: Site, domain: str, caller: Caller = ALPINE_ADMIN, organization: str = ALPINE) -> str:
    """The text of the refusal, or nothing."""
    before = site.snapshot()
    error = site.submit("CreateSipDomain", caller, {"organization": ldap(organization), "address": domain}).error
    if error is None:
        return ""
    assert error.code == 0x80070005
    assert site.snapshot() == before
    return error.description


@pytest.mark.parametrize(
    ("settings", "domain", "refusal"),
    [
        (SUFFIXES, "alpineskihouse.com", ""),
        (SUFFIXES, "AlpineSkiHouse.COM", ""),
        (SUFFIXES, "chat.alpineskihouse.com", ""),
        (SUFFIXES, "xalpineskihouse.com", "is not among the suffixes"),
        (SUFFIXES, "fourthcoffee.com", "is not among the suffixes"),
        (SUFFIXES, "consolidatedmessenger.com", "is not among the suffixes"),
        (APPROVALS, "alpine.example.com", ""),
        (APPROVALS, "ALPINE.example.com", ""),
        (APPROVALS, "chat.alpine.example.com", "nobody approved"),
        (APPROVALS, "coffee.example.com", "nobody approved"),
        (APPROVALS, "alpineskihouse.com", "nobody approved"),
        (NONE, "anything.example.com", ""),
    ],
)
def test_the_evidence_that_is_configured_counts(settings: dict[str, object], domain: str, refusal: str) -> None:
    with make_site(claims=settings) as site:
        found = claim(site, domain)
        assert refusal in found
        assert bool(found) is bool(refusal)


def test_the_default_is_the_suffixes() -> None:
    with make_site(claims={}) as site:
        assert claim(site, "anything.example.com")
        assert not claim(site, "alpineskihouse.com")


def test_domain_administrators_claim_anything_for_anybody() -> None:
    with make_site(claims=SUFFIXES) as site:
        assert not claim(site, "anything.example.com", DOMAIN_ADMIN)


@pytest.mark.parametrize(
    "settings",
    [NONE, {"evidence": "approvals", "approved": {"chat.coffee.example.com": ALPINE.removesuffix(",DC=Fabrikam,DC=Com")}}],
)
def test_below_the_domain_of_another_organization_nobody_claims(settings: dict[str, object]) -> None:
    with make_site(claims=settings) as site:
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(OTHER_CUSTOMER), address="coffee.example.com")
        for domain in ("chat.coffee.example.com", "a.b.chat.coffee.example.com"):
            if settings is NONE or domain.startswith("chat"):
                assert "lies below 'coffee.example.com', which is another organization's" in claim(site, domain)


def test_below_the_own_and_the_parents_domain_one_does() -> None:
    with make_site() as site:
        site.succeed("CreateSipDomain", MESSENGER_ADMIN, organization=ldap(MESSENGER), address="messenger.example.com")
        assert not claim(site, "alpine.messenger.example.com")
        assert not claim(site, "chat.alpine.messenger.example.com")
        # But the parent's administrators not for themselves below the child's: they claim for the child.
        assert claim(site, "x.alpine.messenger.example.com", MESSENGER_ADMIN, MESSENGER)
        assert not claim(site, "x.alpine.messenger.example.com", MESSENGER_ADMIN, ALPINE)


@pytest.mark.parametrize(
    "settings",
    [NONE, {"evidence": "approvals", "approved": {"coffee.example.com": ALPINE.removesuffix(",DC=Fabrikam,DC=Com")}}],
)
def test_above_the_domain_of_another_organization_nobody_claims(settings: dict[str, object]) -> None:
    with make_site(claims=settings) as site:
        for domain in ("chat.coffee.example.com", "xcoffee.example.com"):
            site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(OTHER_CUSTOMER), address=domain)
        assert "lies above a domain of another organization" in claim(site, "coffee.example.com")
        assert settings is not NONE or not claim(site, "alpine.example.com"), "that one has none below it"


def test_above_the_own_and_a_customers_domain_one_does() -> None:
    with make_site() as site:
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpine.messenger.example.com")
        assert claim(site, "messenger.example.com", organization=ALPINE) == ""
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="a.b.example.com")
        assert claim(site, "b.example.com", MESSENGER_ADMIN, MESSENGER) == ""


class TestSuffixesAsEvidence:
    """They count where they are one organization's alone."""

    @staticmethod
    def write(site: Site, organization: str, *suffixes: str) -> None:
        """As an administrator can who is bound directly."""
        modification = Modification("uPNSuffixes", ModifyOp.ADD, suffixes)
        site.directory.modify(Dn.parse(organization), [modification])

    @pytest.mark.parametrize("suffix", ["fourthcoffee.com", "chat.fourthcoffee.com"])
    def test_one_that_is_anothers_too_or_lies_below_it_is_none(self, suffix: str) -> None:
        with make_site(claims=SUFFIXES) as site:
            self.write(site, ALPINE, suffix)
            assert "is not among the suffixes" in claim(site, suffix)

    @pytest.mark.parametrize("domain", ["messenger.example.com", "alpine.messenger.example.com"])
    def test_nor_is_the_resellers_where_a_customer_has_it(self, domain: str) -> None:
        with make_site(claims=SUFFIXES) as site:
            self.write(site, MESSENGER, "messenger.example.com")
            self.write(site, ALPINE, domain)
            assert claim(site, domain, MESSENGER_ADMIN, MESSENGER)
            assert bool(claim(site, domain)) is (domain == "messenger.example.com"), "below it, it is the customer's"

    def test_a_top_level_domain_is_none(self) -> None:
        with make_site(claims=SUFFIXES) as site:
            self.write(site, ALPINE, "example")
            assert claim(site, "alpine.example")

    def test_those_of_a_unit_that_is_no_organization_are_in_nobodys_way(self) -> None:
        with make_site(claims=SUFFIXES) as site:
            site.add_unit(OTHER_CUSTOMER, "Fake")
            self.write(site, f"OU=Fake,{OTHER_CUSTOMER}", "alpineskihouse.com")
            assert not claim(site, "alpineskihouse.com")

    def test_an_organization_that_was_created_here_has_them_as_evidence(self) -> None:
        with make_site(claims=SUFFIXES) as site:
            one = '<properties><property name="uPNSuffixes">proseware.example</property></properties>'
            data = f"<container>{ldap(MESSENGER)}</container><name>Proseware</name><policyName>customer</policyName>{one}"
            made = site.engine.execute(
                f"<request><data>{data}</data></request>",
                MESSENGER_ADMIN,
                namespace="Managed Active Directory",
                procedure="CreateOrganization",
            )
            assert made.error is None, made.error
            assert not claim(site, "proseware.example", MESSENGER_ADMIN, f"OU=Proseware,{MESSENGER}")


def test_a_taken_domain_is_told_as_before_and_only_to_those_who_could_claim_it() -> None:
    with make_site(claims=SUFFIXES) as site:
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(OTHER_CUSTOMER), address="elsewhere.example.com")
        taken = claim(site, "elsewhere.example.com")
        free = claim(site, "nowhere.example.com")
        assert taken.replace("elsewhere", "x") == free.replace("nowhere", "x")


def test_without_the_evidence_a_mistake_in_the_settings_says_so() -> None:
    with (
        pytest.raises(AssertionError, match="approved"),
        make_site(claims={"evidence": "approvals", "approved": {"a.b": "nobody"}}),
    ):
        pass
