"""The schema: facts of the specification, and that its tables fit together."""

from __future__ import annotations

import pytest

from mpf_directory.schema import Syntax, default_schema

SCHEMA = default_schema()


@pytest.mark.parametrize(
    ("name", "syntax", "single", "lower", "upper"),
    [
        ("msRTCSIP-PrimaryUserAddress", Syntax.TEXT, True, 0, 454),
        ("msRTCSIP-UserEnabled", Syntax.BOOLEAN, True, None, None),
        ("msRTCSIP-PrimaryHomeServer", Syntax.DN, True, None, None),
        ("msRTCSIP-ArchivingEnabled", Syntax.INTEGER, True, 0, 127),
        ("msRTCSIP-UserExtension", Syntax.TEXT, False, None, None),
        ("msRTCSIP-UserPolicy", Syntax.DN_BINARY, False, None, None),
        ("msRTCSIP-OriginatorSid", Syntax.SID, True, None, None),
        ("msRTCSIP-TenantId", Syntax.OCTETS, True, None, 16),
        ("msRTCSIP-DomainName", Syntax.TEXT, True, 0, 1024),
        ("msRTCSIP-TrustedServerVersion", Syntax.INTEGER, True, 1, None),
        ("msRTCSIP-FrontEndServers", Syntax.DN, False, None, None),
        ("msRTCSIP-PolicyContent", Syntax.TEXT, True, None, None),
        ("msRTCSIP-MeetingFlags", Syntax.INTEGER, True, None, None),
        ("proxyAddresses", Syntax.TEXT, False, 1, 1123),
        ("otherWellKnownObjects", Syntax.DN_BINARY, False, 16, 16),
        ("dNSHostName", Syntax.TEXT, True, 0, 2048),
        ("displayName", Syntax.TEXT, True, 0, 256),
    ],
)
def test_documented_attributes(name: str, syntax: Syntax, single: bool, lower: int | None, upper: int | None) -> None:
    attribute = SCHEMA.attribute(name.upper())
    assert attribute is not None
    assert (attribute.name, attribute.syntax, attribute.single) == (name, syntax, single)
    assert (attribute.lower, attribute.upper) == (lower, upper)


def test_object_identifiers_are_the_true_ones() -> None:
    attribute = SCHEMA.attribute("msRTCSIP-UserPolicy")
    object_class = SCHEMA.object_class("msRTCSIP-PoolService")
    assert attribute is not None
    assert object_class is not None
    assert attribute.oid == "1.2.840.113556.1.6.24.1.132"
    assert object_class.oid == "1.2.840.113556.1.6.24.2.15"


@pytest.mark.parametrize("name", ["objectGUID", "objectSid", "msRTCSIP-OriginatorSid", "unicodePwd", "nTSecurityDescriptor"])
def test_octets_are_bytes(name: str) -> None:
    assert SCHEMA.is_bytes(name)


def test_other_values_are_text() -> None:
    assert not SCHEMA.is_bytes("cn")
    assert not SCHEMA.is_bytes("member")
    assert not SCHEMA.is_bytes("nobodyKnowsThis")
    assert not SCHEMA.is_single("nobodyKnowsThis")


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        ("member", "memberOf"),
        ("msRTCSIP-PoolAddress", "msRTCSIP-FrontEndServers"),
        ("msRTCSIP-MCUFactoryPath", "msRTCSIP-PoolAddresses"),
        ("msRTCSIP-DefaultLocationProfileLink", "msRTCSIP-ServerReferenceBL"),
    ],
)
def test_links_know_each_other(forward: str, back: str) -> None:
    one, two = SCHEMA.attribute(forward), SCHEMA.attribute(back)
    assert one is not None
    assert two is not None
    assert (one.back_link, two.link) == (back, forward)


def test_a_class_has_what_its_superiors_have() -> None:
    user = SCHEMA.object_class("user")
    assert user is not None
    assert user.chain == ("top", "person", "organizationalPerson", "user")
    assert user.must == {"samaccountname", "objectsid"}
    assert {"sn", "givenname", "proxyaddresses", "msrtcsip-primaryuseraddress", "userprincipalname"} <= user.may


@pytest.mark.parametrize(
    ("child", "parent", "allowed"),
    [
        ("msRTCSIP-PoolService", "serviceConnectionPoint", True),
        ("msRTCSIP-Pools", "msRTCSIP-Service", True),
        ("serviceConnectionPoint", "msRTCSIP-Pool", True),
        ("user", "container", True),
        ("organizationalUnit", "container", False),
        ("user", "user", False),
        ("container", "user", False),
    ],
)
def test_which_class_holds_which(child: str, parent: str, allowed: bool) -> None:
    object_class = SCHEMA.object_class(child)
    assert object_class is not None
    assert (parent in object_class.parents) == allowed


def test_every_class_names_known_attributes_and_classes() -> None:
    for object_class in SCHEMA.classes.values():
        assert object_class.must | object_class.may <= SCHEMA.attributes.keys(), object_class.name
        assert object_class.naming in SCHEMA.attributes
        assert {name.lower() for name in (*object_class.chain, *object_class.parents)} <= SCHEMA.classes.keys()
