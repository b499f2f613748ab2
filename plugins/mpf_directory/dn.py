"""Distinguished names: the only place where a DN is parsed, compared, escaped or put together (RFC 4514).

The parser is our own and small: the ones of the LDAP libraries refuse names that a directory accepts (an unescaped
``=`` in a value, a blank after a comma next to an escaped one) and need quadratic time. It refuses what Active Directory
does not use either: RDNs of several parts (``CN=a+OU=b``) and BER values (``CN=#0401``).
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from mpf_core.errors import MpfError
from mpf_core.security.names import caseless

#: E_ADS_BAD_PATHNAME (spec: helpers-and-ad-providers.md, 3.17).
BAD_PATHNAME = 0x80005000

_RDN = re.compile(
    r"""\ *+(?P<type>[A-Za-z][A-Za-z0-9-]*+|\d++(?:\.\d++)++)\ *+=\ *+
        (?P<value>(?:[^,+"\\<>;#\ \x00-\x1f]|\\(?:[0-9A-Fa-f]{2}|[ "\#+,;<=>\\]))
                  (?:[^,+"\\<>;\x00-\x1f]|\\(?:[0-9A-Fa-f]{2}|[ "\#+,;<=>\\]))*+)
        (?P<end>,|\Z)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\.", re.DOTALL)
#: What a server may send in a name and nobody may pass as one: see `respelled`. The group is what stays as it is.
_SERVED = re.compile(r'((?:\\[0-9A-Fa-f]{2})+|\\[ "#+,;<=>\\])|["+;<>\\\x00-\x1f\x7f]|(?<=[A-Za-z0-9]=)#')
_SPECIAL = re.compile(r'[,+"\\<>;=]|^[ #]|[ ]\Z|[\x00-\x1f\x7f]')
_LONGEST = 8192
_BLANKS = re.compile(r"  +")
_SID = re.compile(r"S-1-\d+(?:-\d+){1,15}", re.IGNORECASE)
_DASHED = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")
_HEX32 = re.compile(r"[0-9A-Fa-f]{32}")


class Rdn(NamedTuple):
    """One part of a name: attribute type as spelled, value without escapes."""

    type: str
    value: str


class DnForm(Enum):
    """How a name names its object: by its path, or by one of Active Directory's special forms."""

    NAME = "dn"
    GUID = "guid"
    WKGUID = "wkguid"
    SID = "sid"


def squeeze(value: str) -> str:
    """A piece of a directory string as it is compared: without case, runs of blanks as one."""
    return _BLANKS.sub(" ", value).casefold()


def fold(value: str) -> str:
    """The form in which two directory strings are compared: without case, runs of blanks as one, none at the ends."""
    return squeeze(value).strip(" ")


def escape(value: str) -> str:
    """``value`` as it stands in a DN. Raises E_ADS_BAD_PATHNAME for an empty value or a lone surrogate."""
    if not value:
        raise MpfError(BAD_PATHNAME, "a relative distinguished name needs a value")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MpfError(BAD_PATHNAME, "a distinguished name holds a character that is no Unicode text") from None
    return _SPECIAL.sub(lambda found: _escape_one(found[0]), value)


def _escape_one(char: str) -> str:
    return f"\\{ord(char):02X}" if ord(char) < 0x20 or char == "\x7f" else f"\\{char}"


def respelled(text: str) -> str:
    """A name, or a DN with binary, as a server sends it, in a spelling that `Dn.parse` reads.

    RFC 4514 lets control characters stand as they are, and so Samba sends them; Active Directory may come to hold names that
    were never meant to be read here. One object must not make every search that comes upon it fail, and leaving it out would
    say that its account name or its SIP address is free. So each character that the parser refuses is taken for a part of
    the value that it stands in. For control characters that is what they are. An RDN of several parts (``CN=a+OU=b``), which
    no directory here accepts, becomes a name that is not the server's: the object is seen, and whoever asks for it by that
    name is told that there is none.
    """
    return _SERVED.sub(_respelled_one, text)


def _respelled_one(found: re.Match[str]) -> str:
    kept: str | None = found[1]
    if kept is None:
        return _escape_one(found[0])
    try:
        _unescape_one(found)
    except UnicodeDecodeError:
        return kept.replace("\\", r"\\")
    return kept


def _compared(rdn: Rdn) -> str:
    return f"{rdn.type.lower()}={escape(caseless(_BLANKS.sub(' ', rdn.value)).strip(' ') or ' ')}"


def _rstrip(text: str) -> str:
    """``text`` without the blanks at its end, except one that is escaped."""
    bare = text.rstrip(" ")
    escaped = len(bare) < len(text) and (len(bare) - len(bare.rstrip("\\"))) % 2
    return f"{bare} " if escaped else bare


def _unescape(text: str) -> str:
    bare = _rstrip(text)
    return _ESCAPE.sub(_unescape_one, bare) if "\\" in bare else bare


def _unescape_one(found: re.Match[str]) -> str:
    text = found[0]
    return text[1] if len(text) == 2 else bytes.fromhex(text.replace("\\", "")).decode()


class Dn:
    """A distinguished name, immutable; equal names (without regard to case and blanks) are equal and hash alike.

    Equal are names that are so in every directory, because it is decided by them who may do what: a long s is no s here.
    For locks and indexes `key` and `normalised` are the same already where one directory could have it so.

    ``str()`` gives the original spelling. Besides ordinary names it holds ``<GUID=...>``, ``<WKGUID=guid,container>``
    and ``<SID=...>``: `form` tells which, `guid` and `sid` give the key, `container` the second half of a WKGUID name.
    """

    __slots__ = ("_same", "_text", "form", "guid", "key", "rdns", "sid")

    _text: str
    #: What equal names have in common.
    _same: tuple[str, ...]
    form: DnForm
    #: Parts from the object upwards, escapes removed; those of the container for a WKGUID name; none for GUID and SID.
    rdns: tuple[Rdn, ...]
    #: The parts as the most generous directory compares them, from the object upwards.
    key: tuple[str, ...]
    #: The object's GUID, or the well-known GUID. Its ``bytes_le`` are what objectGUID holds.
    guid: UUID | None
    #: ``S-1-5-...``, or empty.
    sid: str

    def __init__(
        self, text: str, rdns: tuple[Rdn, ...], form: DnForm = DnForm.NAME, *, guid: UUID | None = None, sid: str = ""
    ) -> None:
        """For this module; use `parse`, `by_guid`, `by_well_known_guid`, `by_sid` or `child`."""
        # Values of nothing but blanks are names, too, and all the same one.
        key = tuple(f"{rdn.type.lower()}={escape(fold(rdn.value) or ' ')}" for rdn in rdns)
        same = key if text.isascii() and "\\" not in text else tuple(map(_compared, rdns))
        parts = {"_text": text, "_same": same, "form": form, "rdns": rdns, "key": key, "guid": guid, "sid": sid}
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str) -> Dn:
        """Read a DN in string form. Raises E_ADS_BAD_PATHNAME (0x80005000) for anything that is none."""
        return _parse(text)

    @classmethod
    def from_server(cls, text: str) -> Dn:
        """Read a name that a server sends: see `respelled`. Raises E_ADS_BAD_PATHNAME for what is no name at all."""
        return _parse(respelled(text))

    @classmethod
    def by_guid(cls, guid: UUID) -> Dn:
        """``<GUID=...>`` for the object with that objectGUID, wherever it is."""
        return cls(f"<GUID={guid}>", (), DnForm.GUID, guid=guid)

    @classmethod
    def by_well_known_guid(cls, guid: UUID, container: Dn) -> Dn:
        """``<WKGUID=...,container>``: what (other)wellKnownObjects of ``container`` says under ``guid``."""
        container.require_name()
        return cls(f"<WKGUID={guid.bytes_le.hex().upper()},{container}>", container.rdns, DnForm.WKGUID, guid=guid)

    @classmethod
    def by_sid(cls, sid: str) -> Dn:
        """``<SID=...>`` for the account with that SID (``S-1-5-...``). Raises E_ADS_BAD_PATHNAME when it is none."""
        return _parse(f"<SID={sid}>")

    @property
    def rdn(self) -> Rdn:
        """Type and value of the object's own part."""
        self.require_name()
        return self.rdns[0]

    @property
    def parent(self) -> Dn | None:
        """The name of the container, in the original spelling; ``None`` at the top."""
        self.require_name()
        if len(self.rdns) == 1:
            return None
        first = _RDN.match(self._text)
        assert first is not None
        return Dn(self._text[first.end() :].lstrip(" "), self.rdns[1:])

    @property
    def container(self) -> Dn:
        """The container that a WKGUID name searches in; an ordinary name itself."""
        if self.form is DnForm.NAME:
            return self
        if self.form is not DnForm.WKGUID:
            raise MpfError(BAD_PATHNAME, f"{self} has no container")
        return Dn(self._text.partition(",")[2][:-1].strip(" "), self.rdns)

    @property
    def normalised(self) -> str:
        """One spelling for all equal names: lower case, no needless blanks, one way of escaping."""
        if self.form is DnForm.GUID:
            return f"<guid={self.guid}>"
        if self.form is DnForm.SID:
            return f"<sid={self.sid}>"
        path = ",".join(self.key)
        return path if self.form is DnForm.NAME else f"<wkguid={self.guid},{path}>"

    def child(self, attribute: str, value: str) -> Dn:
        """The name of an object below this one, with ``value`` escaped. E_ADS_BAD_PATHNAME for an impossible part."""
        self.require_name()
        rdn = f"{attribute}={escape(value)}"
        if (found := _RDN.fullmatch(rdn)) is None or found["type"] != attribute:
            raise MpfError(BAD_PATHNAME, f"{attribute!r:.100} is no attribute type")
        return Dn(f"{rdn},{self._text}", (Rdn(attribute, value), *self.rdns))

    def is_within(self, other: Dn) -> bool:
        """Whether this is ``other`` or lies anywhere below it."""
        self.require_name()
        other.require_name()
        return self._same[-len(other._same) :] == other._same

    def moved(self, old: Dn, new: Dn) -> Dn:
        """What this is called when ``old``, which it is or lies below, is called ``new``."""
        for rdn in reversed(self.rdns[: len(self.rdns) - len(old.rdns)]):
            new = new.child(*rdn)
        return new

    def require_name(self) -> None:
        """Raises E_ADS_BAD_PATHNAME when this is one of the special forms."""
        if self.form is not DnForm.NAME:
            raise MpfError(BAD_PATHNAME, f"{self} names an object without its place")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Dn cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Dn cannot be changed")

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_parse, (self._text,))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dn):
            return NotImplemented
        return (self._same, self.form, self.guid, self.sid) == (other._same, other.form, other.guid, other.sid)

    def __hash__(self) -> int:
        return hash((self._same, self.guid, self.sid))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Dn({self._text!r})"


@lru_cache(maxsize=4096)
def _parse(text: str) -> Dn:
    if len(text) > _LONGEST:
        raise MpfError(BAD_PATHNAME, f"a distinguished name has at most {_LONGEST} characters")
    text = _rstrip(text.strip("\t\r\n").lstrip(" "))
    if text.startswith("<"):
        return _parse_special(text)
    rdns: list[Rdn] = []
    position, end = 0, ","
    while end:
        found = _RDN.match(text, position)
        if found is None:
            raise MpfError(BAD_PATHNAME, f"{text!r:.200} is no distinguished name (character {position + 1})")
        try:
            rdns.append(Rdn(found["type"], _unescape(found["value"])))
        except UnicodeDecodeError:
            raise MpfError(BAD_PATHNAME, f"{text!r:.200}: the escaped bytes are no UTF-8") from None
        position, end = found.end(), found["end"]
    return Dn(text, tuple(rdns))


def _parse_special(text: str) -> Dn:
    kind, equal, rest = text[1:-1].partition("=")
    kind = kind.upper()
    if equal and text.endswith(">"):
        if kind == "SID" and _SID.fullmatch(rest):
            return Dn(text, (), DnForm.SID, sid=rest.upper())
        if kind == "GUID" and (guid := parse_guid(rest)):
            return Dn(text, (), DnForm.GUID, guid=guid)
        if kind == "WKGUID":
            key, comma, name = rest.partition(",")
            if comma and _HEX32.fullmatch(key):
                container = _parse(name)
                container.require_name()
                return Dn(text, container.rdns, DnForm.WKGUID, guid=UUID(bytes_le=bytes.fromhex(key)))
    raise MpfError(BAD_PATHNAME, f"{text!r:.200} is no distinguished name")


def parse_guid(text: str) -> UUID | None:
    """A GUID as Active Directory writes it: dashed, with or without braces, or the 32 digits of its bytes."""
    if _HEX32.fullmatch(text):
        return UUID(bytes_le=bytes.fromhex(text))
    return UUID(text) if _DASHED.fullmatch(text) else None


def domain_of(dn: Dn) -> str:
    """The DNS name of the domain that a name lies in (``fabrikam.com``); empty for one without ``DC=`` parts."""
    if dn.form in {DnForm.GUID, DnForm.SID}:
        return ""
    return ".".join(rdn.value for rdn in dn.container.rdns if rdn.type.upper() == "DC")
