"""Contacts: CreateContact and DeleteContact."""

from __future__ import annotations

import pytest

from mpf_core import Caller
from tests.namespaces.accounts import ANN, JOHN_CALLS, OTHER_ADMIN, attributes, done, properties, refused
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, DOMAIN_ADMIN, JOHN, MESSENGER_ADMIN, Site, ldap

GIVEN = {
    "givenName": "Ann",
    "sn": "Beebe",
    "middleName": "M.",
    "initials": "AMB",
    "displayName": "Ann <Beebe>",
    "description": "Writes & reads",
}


class TestCreateContact:
    def test_every_argument_becomes_its_attribute(self, site: Site) -> None:
        content = properties(mail="ann@litwareinc.com")
        arguments = {"container": ldap(ALPINE), "name": "Ann Beebe", "preferredDomainController": site.server, **GIVEN}
        (contact,) = done(site, "CreateContact", MESSENGER_ADMIN, content, **arguments)
        assert (contact.tag, attributes(contact)) == ("contact", {"path": site.path(ANN), "name": "Ann Beebe"})
        entry = site.read(ANN)
        assert {name: entry.text(name) for name in GIVEN} == GIVEN
        assert entry.text("mail") == "ann@litwareinc.com"
        assert "contact" in entry.values("objectClass")
        assert entry.values("sAMAccountName") == ()

    def test_only_a_name_is_needed(self, site: Site) -> None:
        done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe", description="")
        assert site.read(ANN).values("description") == ()

    def test_twice_is_refused(self, site: Site) -> None:
        done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")
        assert refused(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe").code == 0x80071392

    @pytest.mark.parametrize("name", ["container", "name"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {"container": ldap(ALPINE), "name": "Ann Beebe", name: ""}
        error = refused(site, "CreateContact", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")


class TestDeleteContact:
    def test_leaves_nothing_of_it(self, site: Site) -> None:
        before = site.snapshot()
        done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")
        assert len(done(site, "DeleteContact", contact=ldap(ANN))) == 0
        assert site.snapshot() == before

    def test_twice_is_an_error(self, site: Site) -> None:
        assert refused(site, "DeleteContact", DOMAIN_ADMIN, contact=ldap(ANN)).code == 0x80072030

    @pytest.mark.parametrize("dn", [JOHN, ALPINE])
    def test_only_contacts_are_deleted(self, site: Site, dn: str) -> None:
        error = refused(site, "DeleteContact", contact=ldap(dn))
        assert (error.code, error.description) == (0x80005004, f"The object '{ldap(dn)}' is no contact.")


@pytest.mark.parametrize("caller", [OTHER_ADMIN, JOHN_CALLS], ids=lambda caller: caller.name)
def test_others_may_do_neither(site: Site, caller: Caller) -> None:
    done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")
    assert refused(site, "CreateContact", caller, container=ldap(ALPINE), name="Ann").code == 0x80070005
    assert refused(site, "DeleteContact", caller, contact=ldap(ANN)).code == 0x80070005


class TestSipAddresses:
    """No contact is given a SIP address past the procedures that ask whose its domain is."""

    @pytest.mark.parametrize("name", ["msRTCSIP-PrimaryUserAddress", "MSRTCSIP-primaryuseraddress", "msRTCSIP-Line"])
    def test_attributes_of_sip_users(self, site: Site, name: str) -> None:
        content = properties(**{name: "sip:ann@fourthcoffee.com"})
        error = refused(site, "CreateContact", DOMAIN_ADMIN, content, container=ldap(ALPINE), name="Ann Beebe")
        assert error.code == 0x80070057
        assert (
            error.description == f"The property '{name}' is not accepted: it is set by Managed Office Communications Server."
        )

    @pytest.mark.parametrize(
        "name", ["1.2.840.113556.1.2.210", "OID.1.2.840.113556.1.2.210", "msRTCSIP-Line;x", " mail", "mail ", "mail;binary"]
    )
    def test_a_name_that_is_none_of_a_property(self, site: Site, name: str) -> None:
        content = properties(**{name: "sip:ann@fourthcoffee.com"})
        error = refused(site, "CreateContact", DOMAIN_ADMIN, content, container=ldap(ALPINE), name="Ann Beebe")
        assert (error.code, "it is no LDAP display name" in error.description) == (0x80070057, True)


@pytest.mark.parametrize("name", ["nTSecurityDescriptor", "objectClass", "userPassword", "sAMAccountName", "memberOf"])
def test_what_no_contact_is_given(site: Site, name: str) -> None:
    error = refused(
        site, "CreateContact", DOMAIN_ADMIN, properties(**{name: ALPINE}), container=ldap(ALPINE), name="Ann Beebe"
    )
    assert (error.code, name in error.description) == (0x80070057, True)


def test_what_contacts_are_given(site: Site) -> None:
    content = properties(manager=JOHN, department="Sales", telephoneNumber="1", l="Redmond", title="Writer")
    done(site, "CreateContact", ALPINE_ADMIN, content, container=ldap(ALPINE), name="Ann Beebe")
    assert str(site.read(ANN).text("manager")).lower() == JOHN.lower()
