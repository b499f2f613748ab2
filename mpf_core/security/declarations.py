"""What a procedure says about the objects that its arguments name, beside ``ApiDocInfo`` in its input schema.

``<xs:appinfo><sec:Object xmlns:sec="urn:mpf:security" kind="object" needs="UserCreators"/></xs:appinfo>`` on an argument
says what it holds, and what its caller needs over that. Policies decide by it (design: docs/design/security.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from lxml import etree

from mpf_core.provider import Element

NAMESPACE = "urn:mpf:security"
_OBJECT = f"{{{NAMESPACE}}}Object"
_ELEMENT = "{http://www.w3.org/2001/XMLSchema}element"

#: Roles of the MPS delegation model (spec: helpers-and-ad-providers.md, 2.12). A policy may know others.
ROLES = ("DomainAdmins", "OrgCreators", "UserCreators", "ChildOrgCreators", "Users")

#: What is needed over something that nobody has yet: `mpf_core.hookspecs.mpf_claim` is asked.
CLAIMED = "claimed"
#: What an argument can hold -> what can be needed over it besides roles. A policy may know other kinds.
KINDS: Mapping[str, tuple[str, ...]] = {
    "object": (),
    "container": (),
    "pool": ("assigned",),
    "upn": ("owned",),
    "sip-uri": ("owned",),
    "sip-domain": ("owned", CLAIMED),
    "none": (),
}

#: What the documented procedures call the arguments that name an object by LDAP path or DN (spec: managed-ocs.md,
#: helpers-and-ad-providers.md), and what else names something that belongs to somebody.
OBJECT_ARGUMENTS = frozenset(
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
_OTHER_ARGUMENTS = frozenset({"homeServerDN", "poolFQDN", "primaryURI"})


@dataclass(frozen=True, slots=True)
class Declared:
    """What one argument holds, and the role or relation that a caller needs over it; ``needs`` is empty for ``none``."""

    kind: str
    needs: str


def read_declarations(schema: Element) -> dict[str, Declared]:
    """The declarations of a schema by argument, at any depth. Raises ValueError for what cannot be understood."""
    found: dict[str, Declared] = {}
    for declaration in schema.iter(_OBJECT):
        element = next(declaration.iterancestors(_ELEMENT), None)
        name = element.get("name", "") if element is not None else ""
        one = Declared(declaration.get("kind", ""), declaration.get("needs", ""))
        if not name:
            raise ValueError("sec:Object belongs into the annotation of an xs:element with a name")
        if not one.kind or bool(one.needs) == (one.kind == "none") or len(declaration.attrib) > 2:
            raise ValueError(f"the sec:Object of '{name}' takes kind and needs, and kind='none' alone")
        if found.setdefault(name, one) != one:
            raise ValueError(f"'{name}' is declared in two ways, and what counts is the name")
        known = {*KINDS.get(one.kind, ()), *ROLES}
        for word, words in ((one.kind, KINDS), (one.needs, known)):
            near = get_close_matches(word, words, n=1, cutoff=0.8) if word and word not in words else []
            if near:
                raise ValueError(f"the sec:Object of '{name}' says '{word}'; did you mean '{near[0]}'?")
    return found


def undeclared(schema: Element, declared: Mapping[str, Declared]) -> Iterator[str]:
    """The arguments that have the name of one that holds an object, and no declaration."""
    names = {element.get("name", "") for element in schema.iter(_ELEMENT)}
    yield from sorted((OBJECT_ARGUMENTS | _OTHER_ARGUMENTS).intersection(names).difference(declared))


def values_of(data: Element, declared: Mapping[str, Declared]) -> Iterator[tuple[str, str]]:
    """Every declared argument in the data of a call with its text, at any depth; those without text name nothing.

    All of the text, not its first piece: whoever reads the argument later may see it that way.
    """
    for element in data.iterdescendants(etree.Element):
        name = etree.QName(element).localname
        text = "".join(map(str, element.itertext())).strip()
        if name in declared and text:
            yield name, text
