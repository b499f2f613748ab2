"""Which objects a call is about: the arguments that name one, as the documented procedures call them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from mpf_core.errors import MpfError
from mpf_core.provider import Element
from mpf_directory.dn import Dn
from mpf_directory.paths import LdapPath

#: Arguments that hold the LDAP path or the DN of an object that a call reads, changes or creates something in.
TARGET_ARGUMENTS = frozenset(
    {
        "contact",
        "container",
        "containerPath",
        "destination",
        "destinationContainer",
        "distinguishedName",
        "group",
        "hostingPath",
        "member",
        "newMember",
        "object",
        "objectPath",
        "org",
        "organization",
        "path",
        "source",
        "user",
        "userDN",
    }
)


class UnreadableTargetError(Exception):
    """An argument that must name an object holds something else. The text says which."""


def targets(data: Element) -> list[Dn]:
    """Every object that the call's data names, at any depth. Empty arguments name none.

    Raises UnreadableTargetError for a value that is neither an LDAP path nor a DN: what cannot be read cannot be allowed.
    """
    return [_dn(name, text) for name, text in _arguments(data)]


def _arguments(data: Element) -> Iterator[tuple[str, str]]:
    for element in data.iterdescendants(etree.Element):
        name = etree.QName(element).localname
        # All text, not the first piece: whoever reads the argument later may see it that way.
        text = "".join(map(str, element.itertext())).strip()
        if name in TARGET_ARGUMENTS and text:
            yield name, text


def _dn(name: str, text: str) -> Dn:
    try:
        return LdapPath.parse(text).dn if text[:7].upper() == "LDAP://" else Dn.parse(text)
    except MpfError as error:
        raise UnreadableTargetError(f"the argument '{name}' names no object: {error.description}") from error
