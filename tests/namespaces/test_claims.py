"""Who may claim a SIP domain that nobody has: by the configured evidence, and never below somebody else's."""

from __future__ import annotations

import pytest

from mpf_core import Caller
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
