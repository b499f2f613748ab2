"""The directory schema as data: attributes and classes, read from the TOML files beside this module.

Both directories use it: the embedded one enforces it, the one over LDAP learns from it which values are bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

_FILES = ("schema_ad.toml", "schema_ocs.toml")
_OCS_ARC = "1.2.840.113556.1.6.24"


class Syntax(Enum):
    """How the values of an attribute look and compare."""

    TEXT = "text"
    INTEGER = "integer"
    LARGE_INTEGER = "large-integer"
    BOOLEAN = "boolean"
    TIME = "time"
    OCTETS = "octets"
    SID = "sid"
    DN = "dn"
    DN_BINARY = "dn-binary"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute type.

    ``lower`` and ``upper`` limit the length of text and octets, the value of integers, and the binary part of a DN with
    binary. ``back_link`` names the computed attribute that shows a forward link from the other side, ``link`` on that one
    names the forward link. ``system`` attributes are written by the directory only, ``constructed`` ones are computed when
    asked for by name, ``secret`` ones cannot be read.
    """

    name: str
    syntax: Syntax
    single: bool
    lower: int | None = None
    upper: int | None = None
    back_link: str | None = None
    link: str | None = None
    system: bool = False
    constructed: bool = False
    secret: bool = False
    oid: str | None = None

    @property
    def key(self) -> str:
        """The name in lower case."""
        return self.name.lower()

    @property
    def is_bytes(self) -> bool:
        """Whether values are ``bytes`` at the port."""
        return self.syntax in (Syntax.OCTETS, Syntax.SID)

    @property
    def is_dn(self) -> bool:
        """Whether values name an object, alone or with a binary part."""
        return self.syntax in (Syntax.DN, Syntax.DN_BINARY)


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One object class, with everything that it inherits.

    ``chain`` goes from ``top`` to the class itself, ``must`` and ``may`` are attribute keys (lower case), ``parents`` the
    names of the classes whose objects may hold one.
    """

    name: str
    structural: bool
    naming: str
    category: str
    chain: tuple[str, ...]
    must: frozenset[str]
    may: frozenset[str]
    parents: frozenset[str]
    oid: str | None = None


class Schema:
    """Attributes and classes by name, without regard to case."""

    def __init__(self, attributes: Mapping[str, Attribute], classes: Mapping[str, ObjectClass]) -> None:
        """Both mappings go by name in lower case."""
        self.attributes = attributes
        self.classes = classes

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name, or ``None``."""
        return self.attributes.get(name.lower())

    def object_class(self, name: str) -> ObjectClass | None:
        """The class of that name, or ``None``."""
        return self.classes.get(name.lower())

    def is_bytes(self, name: str) -> bool:
        """Whether values of ``name`` are ``bytes`` at the port; an unknown attribute is text."""
        attribute = self.attribute(name)
        return attribute is not None and attribute.is_bytes

    def is_single(self, name: str) -> bool:
        """Whether ``name`` has one value at most; an unknown attribute may have several."""
        attribute = self.attribute(name)
        return attribute is not None and attribute.single

    @cached_property
    def forward_links(self) -> dict[str, Attribute]:
        """Forward link's key -> the back link it shows up as."""
        return {a.key: self.attributes[a.back_link.lower()] for a in self.attributes.values() if a.back_link}


@cache
def default_schema() -> Schema:
    """Active Directory's classes with the extension of Office Communications Server 2007. Read once."""
    attributes: dict[str, Attribute] = {}
    classes: dict[str, dict[str, Any]] = {}
    identifiers: dict[str, str] = {}
    for name in _FILES:
        data = tomllib.loads((files(__package__) / name).read_text("utf-8"))
        identifiers |= {key.lower(): f"{_OCS_ARC}.{tail}" for key, tail in data.get("identifiers", {}).items()}
        attributes |= {attribute.key: attribute for attribute in _attributes(data, identifiers)}
        classes |= data["classes"]
        for extended, more in data.get("extends", {}).items():
            classes[extended] = {**classes[extended], "may": [*classes[extended].get("may", []), *more]}
    inherited = _Inheritance(classes, identifiers)
    return Schema(attributes, {name.lower(): inherited.resolve(name) for name in classes})


def _attributes(data: Mapping[str, Any], identifiers: Mapping[str, str]) -> Iterator[Attribute]:
    links: dict[str, str] = data.get("links", {})
    back = {backward: forward for forward, backward in links.items()}
    flags = {flag: set(names) for flag, names in data.get("flags", {}).items()}
    for syntax, cardinalities in data["attributes"].items():
        for cardinality, ranges in cardinalities.items():
            for name, limits in ranges.items():
                lower, _, upper = limits.partition("..")
                yield Attribute(
                    name,
                    Syntax(syntax),
                    single=cardinality == "single",
                    lower=int(lower) if lower else None,
                    upper=int(upper) if upper else None,
                    back_link=links.get(name),
                    link=back.get(name),
                    oid=identifiers.get(name.lower()),
                    **{flag: name in names for flag, names in flags.items()},
                )


class _Inheritance:
    """Works out what each class has from its superiors and auxiliary classes."""

    def __init__(self, classes: Mapping[str, dict[str, Any]], identifiers: Mapping[str, str]) -> None:
        self.classes = classes
        self.identifiers = identifiers

    def chain(self, name: str) -> tuple[str, ...]:
        superior = self.classes[name].get("superior")
        return (*self.chain(superior), name) if superior else (name,)

    def collect(self, name: str, what: str) -> frozenset[str]:
        own = self.classes[name]
        found = set(own.get(what, ()))
        for other in (*self.chain(name)[:-1], *own.get("auxiliary", ())):
            found |= self.collect(other, what)
        return frozenset(found)

    def resolve(self, name: str) -> ObjectClass:
        own = self.classes[name]
        holders = self.collect(name, "parents")
        return ObjectClass(
            name=name,
            structural=own.get("kind", "structural") == "structural",
            naming=own.get("naming", "cn"),
            # The common name of an extension's class schema object is its display name with dashes.
            category=own.get("category", name.replace("msRTCSIP", "ms-RTC-SIP")),
            chain=self.chain(name),
            must=frozenset(attribute.lower() for attribute in self.collect(name, "must")),
            may=frozenset(attribute.lower() for attribute in self.collect(name, "may")),
            # What may be held by a class may be held by its subclasses.
            parents=frozenset(other for other in self.classes if holders.intersection(self.chain(other))),
            oid=self.identifiers.get(name.lower()),
        )
