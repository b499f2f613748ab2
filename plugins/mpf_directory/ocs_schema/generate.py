"""Makes the LDIF of the extension from its tables (spec: ocs-provider-and-ad-schema.md, part 3)."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Any

from mpf_directory.dn import Dn
from mpf_directory.schema import Syntax, default_schema

_TRUE_ARC = "1.2.840.113556.1.6.24"
#: "Give me a free link number" (MS-ADTS 3.1.1.2.3).
_AUTOMATIC_LINK = "1.2.840.113556.1.2.50"

#: Syntax -> attributeSyntax, oMSyntax and the octets of oMObjectClass.
_SYNTAXES: dict[Syntax, tuple[str, int, str]] = {
    Syntax.TEXT: ("2.5.5.12", 64, ""),
    Syntax.BOOLEAN: ("2.5.5.8", 1, ""),
    Syntax.INTEGER: ("2.5.5.9", 2, ""),
    Syntax.OCTETS: ("2.5.5.10", 4, ""),
    Syntax.SID: ("2.5.5.17", 4, ""),
    Syntax.DN: ("2.5.5.1", 127, "2b0c0287731c00854a"),
    Syntax.DN_BINARY: ("2.5.5.7", 127, "2a864886f7140101010b"),
}
#: As of the class `container`: administrators and the system write, every authenticated account reads.
_DEFAULT_SECURITY = "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)"
_STRUCTURAL, _AUXILIARY = 1, 3

Value = str | int | bool | bytes
Lines = Iterable[tuple[str, Value]]


@dataclass(frozen=True, slots=True)
class Part:
    """Records that have to be in force before the next part is loaded."""

    name: str
    ldif: str


def ocs_schema(root: Dn) -> tuple[Part, ...]:
    """The extension for the forest whose root domain is ``root``: attributes, classes, additions to existing classes.

    Back links come after the other attributes, and classes after those that they name, because a server looks every name
    up in the schema that is in force.
    """
    tables = _Tables(root.child("CN", "Configuration").child("CN", "Schema"))
    return (
        Part("attributes", _ldif(tables.attributes(back_links=False))),
        Part("back-links", _ldif(tables.attributes(back_links=True))),
        *(Part(f"classes-{n}", _ldif(records)) for n, records in enumerate(tables.classes(), start=1)),
        Part("additions", _ldif(tables.additions())),
    )


def complete_ldif(root: Dn) -> str:
    """All parts as one file for ``ldifde``, with the request to put the schema in force between them."""
    update = "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n-\n\n"
    return "".join(f"# {part.name}\n{part.ldif}{update}" for part in ocs_schema(root))


def _ldif(records: Iterable[tuple[Dn, Lines]]) -> str:
    return "".join(f"dn: {dn}\n" + "".join(_line(name, value) for name, value in lines) + "\n" for dn, lines in records)


def _line(name: str, value: Value) -> str:
    if isinstance(value, bytes):
        return f"{name}:: {base64.b64encode(value).decode()}\n"
    return f"{name}: {str(value).upper() if isinstance(value, bool) else value}\n" if name else f"{value}\n"


class _Tables:
    """The two files, read, and the records that they make."""

    def __init__(self, container: Dn) -> None:
        package = files("mpf_directory")
        self.container = container
        self.facts: dict[str, Any] = tomllib.loads((package / "schema_ocs.toml").read_text("utf-8"))
        self.server: dict[str, Any] = tomllib.loads((package / "ocs_schema" / "server.toml").read_text("utf-8"))

    def dn(self, name: str) -> Dn:
        return self.container.child("CN", _common_name(name))

    def oid(self, name: str) -> str:
        known: Mapping[str, str] = self.facts["identifiers"]
        if name in known:
            return f"{_TRUE_ARC}.{known[name]}"
        return f"{self.server['arc']}.{self.server['identifiers'][name]}"

    def attributes(self, *, back_links: bool) -> Iterator[tuple[Dn, Lines]]:
        forward: dict[str, str] = {back: link for link, back in self.facts["links"].items()}
        names = [name for kind in self.facts["attributes"].values() for group in kind.values() for name in group]
        for name in sorted(names, key=str.lower):
            if (name in forward) is back_links:
                yield self.dn(name), list(self._attribute(name, forward.get(name)))

    def _attribute(self, name: str, forward: str | None) -> Iterator[tuple[str, Value]]:
        attribute = default_schema().attribute(name)
        assert attribute is not None
        syntax, om_syntax, om_class = _SYNTAXES[attribute.syntax]
        yield from self._common(name, "attributeSchema")
        yield "attributeID", self.oid(name)
        yield "attributeSyntax", syntax
        yield "oMSyntax", om_syntax
        if om_class:
            yield "oMObjectClass", bytes.fromhex(om_class)
        yield "isSingleValued", attribute.single
        if attribute.lower is not None:
            yield "rangeLower", attribute.lower
        if attribute.upper is not None:
            yield "rangeUpper", attribute.upper
        if forward is not None:
            number = self.server["link_ids"].get(forward)
            yield "linkID", self.oid(forward) if number is None else number + 1
        elif attribute.back_link:
            yield "linkID", self.server["link_ids"].get(name, _AUTOMATIC_LINK)
        if name in self.server["global_catalog"]:
            yield "isMemberOfPartialAttributeSet", True
        if name in self.server["indexed"]:
            yield "searchFlags", 1

    def classes(self) -> Iterator[list[tuple[Dn, Lines]]]:
        """Generations of classes: each names only those before it and existing ones."""
        table: Mapping[str, Mapping[str, Any]] = self.facts["classes"]
        needs = {
            name: {own["superior"], *own.get("auxiliary", ()), *own.get("parents", ())}.intersection(table)
            for name, own in table.items()
        }
        order = TopologicalSorter(needs)
        order.prepare()
        while ready := sorted(order.get_ready()):
            yield [(self.dn(name), list(self._class(name, table[name]))) for name in ready]
            order.done(*ready)

    def _class(self, name: str, own: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
        yield from self._common(name, "classSchema")
        yield "governsID", self.oid(name)
        yield "objectClassCategory", _AUXILIARY if own.get("kind") == "auxiliary" else _STRUCTURAL
        yield "rDNAttID", "cn"
        yield "subClassOf", own["superior"]
        for attribute, values in (("auxiliaryClass", "auxiliary"), ("possSuperiors", "parents"), ("mayContain", "may")):
            for value in own.get(values, ()):
                yield attribute, value
        yield "defaultObjectCategory", str(self.dn(name))
        yield "defaultSecurityDescriptor", _DEFAULT_SECURITY
        yield "defaultHidingValue", True

    def _common(self, name: str, object_class: str) -> Iterator[tuple[str, Value]]:
        yield "changetype", "add"
        yield "objectClass", object_class
        yield "cn", _common_name(name)
        yield "lDAPDisplayName", name
        yield "adminDisplayName", name
        yield "adminDescription", name
        yield "showInAdvancedViewOnly", True

    def additions(self) -> Iterator[tuple[Dn, Lines]]:
        # proxyAddresses needs no addition: `top` may contain it, in Active Directory as in Samba.
        for name, attributes in self.facts["extends"].items():
            values = [("mayContain", attribute) for attribute in attributes]
            yield self.dn(name), [("changetype", "modify"), ("add", "mayContain"), *values, ("", "-")]


def _common_name(name: str) -> str:
    """``ms-RTC-SIP-Line`` for ``msRTCSIP-Line``; the classes that the extension adds to are ``User`` and ``Contact``."""
    rest = name.removeprefix("msRTCSIP-")
    return f"ms-RTC-SIP-{rest}" if rest != name else name.capitalize()
