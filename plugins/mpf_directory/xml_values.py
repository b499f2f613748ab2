"""Directory values in XML: ``property@name@mode`` with ``value`` children, as Create Object, Set Properties, Get Properties
and Search write them (spec: helpers-and-ad-providers.md, 3.1 to 3.5 and 2.13).

Octet strings travel as base64 and say so (``dt:dt="bin.base64"``); everything else is text as LDAP has it. So whatever Get
Properties gives can be passed back. What is passed in may say its type, if it is one of those that are known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element
from mpf_directory.dn import Dn
from mpf_directory.operations import after
from mpf_directory.paths import LdapPath
from mpf_directory.port import Entry, Modification, ModifyOp, Value
from mpf_directory.schema import Syntax, default_schema

#: Namespace of the data type attribute, ``dt:dt``.
DATATYPES = "urn:schemas-microsoft-com:datatypes"
#: E_ADS_CANT_CONVERT_DATATYPE (spec: 3.17).
CANT_CONVERT = 0x8000500C
#: Not an attribute of the directory: the object's LDAP path, which ADSI gives as one.
ADS_PATH = "ADsPath"

_DT = f"{{{DATATYPES}}}dt"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXTS = frozenset({"string", "char", "uri"})
_OCTETS: Mapping[str, Callable[[str], bytes]] = {
    "bin.base64": lambda text: base64.b64decode(text, validate=True),
    "bin.hex": bytes.fromhex,
}
_INTEGERS = frozenset({"int", "i1", "i2", "i4", "i8", "ui1", "ui2", "ui4", "ui8"})
_TIMES = frozenset({"dateTime", "dateTime.tz"})
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS = {"1": "TRUE", "-1": "TRUE", "true": "TRUE", "0": "FALSE", "false": "FALSE"}


class Mode(Enum):
    """What a property of a write call does with the values that are there: IADs::PutEx (spec: 3.23)."""

    CLEAR = "clear"
    UPDATE = "update"
    APPEND = "append"
    DELETE = "delete"


def property_elements(data: Element) -> list[Element]:
    """The ``property`` elements of ``data/properties``. Each has a name: E_INVALIDARG otherwise."""
    found = data.findall("properties/property")
    for element in found:
        if not element.get("name"):
            raise MpfError(Code.E_INVALIDARG, "A property has no name.")
    return found


def modifications(elements: Iterable[Element]) -> list[Modification]:
    """What ``property`` elements ask for. ``update``, the default, without values removes the attribute.

    Raises E_INVALIDARG for an unknown mode, E_ADS_CANT_CONVERT_DATATYPE for a value that is none of its type.
    """
    return [part for element in elements for part in _modification(element)]


def initial_values(elements: Iterable[Element]) -> dict[str, tuple[Value, ...]]:
    """The attributes that a new object gets from ``property`` elements."""
    nothing = Entry(Dn.parse("CN=new"), {})
    return {name: values for name, values in after(nothing, modifications(elements)).items() if values}


def values_of(element: Element) -> tuple[Value, ...]:
    """The values of one ``property``: its ``value`` children, or its own text. Empty ones are left out."""
    name = element.get("name", "")
    children = element.findall("value")
    if not children:
        own = (element.text or "").strip()
        return (_value(name, own, element.get(_DT)),) if own else ()
    texts = ((child.text or "", child.get(_DT)) for child in children)
    return tuple(_value(name, text, type_) for text, type_ in texts if text.strip())


def property_element(name: str, values: Iterable[Value]) -> Element:
    """``property@name`` with one ``value`` for each of ``values``; empty when there are none."""
    element = etree.Element("property", {"name": name})
    for value in values:
        child = etree.SubElement(element, "value", nsmap={"dt": DATATYPES} if isinstance(value, bytes) else None)
        if isinstance(value, bytes):
            child.set(_DT, "bin.base64")
            child.text = base64.b64encode(value).decode("ascii")
        else:
            child.text = _xml_text(value)
    return element


def property_list(data: Element) -> list[str]:
    """The attribute names in ``data/propertyList``; empty means all."""
    return [name for element in data.findall("propertyList/property") if (name := (element.get("name") or "").strip())]


def wanted_attributes(names: Iterable[str]) -> list[str]:
    """The attributes that have to be read for these properties."""
    return [name for name in names if name.lower() != ADS_PATH.lower()]


def properties_of(entry: Entry, names: list[str], server: str | None) -> Iterator[Element]:
    """The entry's properties of those names, each once and in that order, or all it has; ADsPath is its LDAP path."""
    if not names:
        yield from (property_element(name, values) for name, values in entry.attributes.items())
        return
    for name in names:
        if name.lower() == ADS_PATH.lower():
            yield property_element(name, [str(LdapPath(server, entry.dn))])
        else:
            yield property_element(name, entry.values(name))


def _modification(element: Element) -> Iterator[Modification]:
    name, text = element.get("name", ""), element.get("mode") or Mode.UPDATE.value
    try:
        mode = Mode(text.strip().lower())
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise MpfError(Code.E_INVALIDARG, f"Property '{name}': the mode '{text}' is none of {known}.") from None
    values = values_of(element)
    if mode is Mode.CLEAR:
        yield Modification(name, ModifyOp.REPLACE)
    elif mode is Mode.UPDATE:
        yield Modification(name, ModifyOp.REPLACE, values)
    elif values:
        yield Modification(name, ModifyOp.ADD if mode is Mode.APPEND else ModifyOp.DELETE, values)


def _value(name: str, text: str, type_: str | None) -> Value:
    """A value from its text. Its type comes from ``dt:dt``, or from the schema where that knows better."""
    known = default_schema().attribute(name)
    try:
        if type_ is not None and type_ in _OCTETS:
            octets = _OCTETS[type_]("".join(text.split()))
            # A value that travels as text may be sent in octets, but not the other way round.
            return octets if known is None or known.is_bytes else octets.decode()
        if known is not None and known.is_bytes:
            raise ValueError("octets need dt:dt='bin.base64' or 'bin.hex'")
        if type_ == "boolean" or (known is not None and known.syntax is Syntax.BOOLEAN):
            lower = text.strip().lower()
            return _BOOLEANS[lower]
        if type_ in _INTEGERS:
            return _integer(text)
        if type_ in _TIMES:
            return _time(text)
        if type_ is not None and type_ not in _TEXTS:
            raise ValueError(f"values of the type '{type_}' are not known")
    except (KeyError, ValueError, binascii.Error) as error:
        reason = error if isinstance(error, ValueError) else f"'{text}' is no boolean"
        raise MpfError(CANT_CONVERT, f"Property '{name}': {reason}.") from None
    return text


def _integer(text: str) -> str:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"'{text}' is no integer")
    return str(int(text))


def _time(text: str) -> str:
    """A time as LDAP has it, of one as XML has it; without a zone it is UTC."""
    text = text.strip()
    if not _DAY.match(text):
        raise ValueError(f"'{text}' is no time")
    given = datetime.fromisoformat(text)
    try:
        there = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"'{text}' is before or after all times") from error
    return f"{there.year:04}{there:%m%d%H%M%S}.0Z"


def _xml_text(value: str) -> str:
    """``value`` as XML can carry it: the characters that XML 1.0 cannot become U+FFFD."""
    return _NOT_XML.sub("\ufffd", value)
