"""Proxy addresses: those of mail are everybody's to give; SIP ones are given by Managed Office Communications Server alone."""

from __future__ import annotations

import base64

import pytest

from tests.namespaces.accounts import ANN, BOB, BOB_UPN, DT, create_bob, done, refused
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, JOHN, MESSENGER, MESSENGER_ADMIN, Site, ldap

HELD = "The property 'proxyAddresses' is not replaced as a whole"
SIP = "A SIP address is not accepted in 'proxyAddresses': CreateSipUser and SetSipUserProperties set it, as primaryURI."
NONE = "The property 'proxyAddresses' is not accepted: it is none of those that an object of this class is given."
OCTETS = base64.b64encode(b"SIP:kimba@fourthcoffee.com").decode()
#: Procedures that take properties, with what they need besides, and what they make.
TAKERS = {
    "CreateUser": ({"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}, BOB),
    "CreateContact": ({"container": ldap(ALPINE), "name": "Ann Beebe"}, ANN),
    "ModifyUser": ({"user": ldap(JOHN)}, JOHN),
    "CreateOrganization": ({"container": ldap(MESSENGER), "name": "Proseware", "policyName": "customer"}, None),
    "ModifyOrganization": ({"org": ldap(ALPINE)}, None),
}


def addresses(*values: str, mode: str = "update", octets: bool = False) -> str:
    kind = f'{DT} dt:dt="bin.base64"' if octets else ""
    inner = "".join(f"<value {kind}>{value}</value>" for value in values)
    return f'<properties><property name="proxyAddresses" mode="{mode}">{inner}</property></properties>'


def enable_john(site: Site) -> None:
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address="alpineskihouse.com")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    site.succeed("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI="sip:johnc@alpineskihouse.com")


@pytest.mark.parametrize("procedure", TAKERS)
@pytest.mark.parametrize(
    "content",
    [
        addresses("sip:kimba@fourthcoffee.com"),
        addresses("smtp:kimba@fourthcoffee.com", " Sip:kimba@fourthcoffee.com", mode="append"),
        addresses(OCTETS, mode="append", octets=True),
        addresses("SIP:johnc@alpineskihouse.com", mode="delete"),
    ],
    ids=["update", "append", "octets", "delete"],
)
def test_nobody_gives_a_sip_address_as_a_property(site: Site, procedure: str, content: str) -> None:
    """Organizations are given no addresses at all."""
    arguments, made = TAKERS[procedure]
    error = refused(site, procedure, DOMAIN_ADMIN, content, **arguments)
    assert (error.code, error.description) == (0x80070057, SIP if made else NONE)


@pytest.mark.parametrize("procedure", [name for name, (_, made) in TAKERS.items() if made])
def test_addresses_of_mail_are_given(site: Site, procedure: str) -> None:
    arguments, made = TAKERS[procedure]
    done(site, procedure, DOMAIN_ADMIN, addresses("SMTP:somebody@alpineskihouse.com", mode="append"), **arguments)
    assert "SMTP:somebody@alpineskihouse.com" in site.read(str(made)).values("proxyAddresses")


class TestASipUser:
    @pytest.mark.parametrize("content", [addresses("SMTP:j@alpineskihouse.com"), addresses(), addresses(mode="clear")])
    def test_keeps_the_address_when_all_are_replaced(self, site: Site, content: str) -> None:
        enable_john(site)
        error = refused(site, "ModifyUser", MESSENGER_ADMIN, content, user=ldap(JOHN))
        assert (error.code, error.description.startswith(HELD)) == (0x80070057, True)

    def test_is_given_other_addresses_beside_it(self, site: Site) -> None:
        enable_john(site)
        done(site, "ModifyUser", MESSENGER_ADMIN, addresses("SMTP:j@alpineskihouse.com", mode="append"), user=ldap(JOHN))
        done(site, "ModifyUser", MESSENGER_ADMIN, addresses("SMTP:j@alpineskihouse.com", mode="delete"), user=ldap(JOHN))
        assert site.read(JOHN).values("proxyAddresses") == ("sip:johnc@alpineskihouse.com",)

    def test_only_those_of_others_are_replaced(self, site: Site) -> None:
        create_bob(site, addresses("SMTP:bob@alpineskihouse.com"))
        done(site, "ModifyUser", MESSENGER_ADMIN, addresses("SMTP:ross@alpineskihouse.com"), user=ldap(BOB))
        assert site.read(BOB).values("proxyAddresses") == ("SMTP:ross@alpineskihouse.com",)
