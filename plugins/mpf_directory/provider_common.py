"""What the procedures of the Active Directory Provider share: reading their arguments, opening the object they name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mpf_core import redaction
from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, argument, output
from mpf_directory.changes import DirectoryProvider
from mpf_directory.dn import BAD_PATHNAME, Dn, DnForm, Rdn
from mpf_directory.locking import renamed_meanwhile
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Entry

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def unable_to_open(path: object) -> MpfError:
    """The error for a path that names nothing (spec: helpers-and-ad-providers.md, Common exceptions)."""
    text = f"Unable to open object '{path}'./There is no such object on the server./ADsGetObject"
    return MpfError(Code.NO_SUCH_OBJECT, text)


def flag(data: Element, name: str) -> bool:
    """Whether the flag ``name`` is given: an empty element, as the original wants it, or one that does not say no."""
    text = data.findtext(name)
    return text is not None and text.strip().lower() not in {"0", "false"}


def path_output(name: str, server: str | None, dn: Dn) -> Element:
    """An output element that holds an LDAP path. It names a server where the path that was given did."""
    return output(name, str(LdapPath(server, dn)))


def relative_name(text: str, type_: str) -> Rdn:
    """A relative name: ``CN=Johnc``, escaped as in a DN, or, without its type, the bare value.

    ``type_`` is the type that objects of the class are named by; only that one counts as a type, so that a value may
    hold an equals sign. Raises E_ADS_BAD_PATHNAME for more than one part, and E_INVALIDARG for a name that nobody could read
    or type: one with control characters, or of nothing but blanks. A directory takes such names.
    """
    _require_readable(text)
    if text.partition("=")[0].strip().lower() != type_.lower() or "=" not in text:
        return Rdn(type_, text)
    parts = Dn.parse(text).rdns
    if len(parts) != 1:
        raise MpfError(BAD_PATHNAME, f"'{text}' is no relative name: it has {len(parts)} parts.")
    _require_readable(parts[0].value)
    return Rdn(type_, parts[0].value)


def _require_readable(name: str) -> None:
    if not name.strip(" ") or _CONTROL.search(name):
        raise MpfError(
            Code.E_INVALIDARG, f"{redaction.mask(name)!r:.100} is no name: it has control characters, or nothing but blanks."
        )


class PathCalls(DirectoryProvider):
    """Procedures that are given LDAP paths. The server in a path wins; without one it is the default one."""

    def open(self, ctx: CallContext, data: Element, name: str = "path") -> tuple[LdapPath, Directory]:
        """The path in the argument ``name``, and the directory it leads to."""
        path = LdapPath.parse(argument(data, name))
        return path, self.directory_of(ctx, path)

    def fetch(
        self, ctx: CallContext, data: Element, attributes: Sequence[str], name: str = "path"
    ) -> tuple[LdapPath, Directory, Entry]:
        """The path in the argument ``name``, its directory and its object. Raises NO_SUCH_OBJECT."""
        path, directory = self.open(ctx, data, name)
        return path, directory, self.require(directory, path, attributes)

    def resolve(self, ctx: CallContext, data: Element, name: str = "path") -> tuple[LdapPath, Directory, Dn]:
        """The path in the argument ``name``, its directory, and the name to lock, which no other one of it stands for.

        Only special forms (``<GUID=...>``) are looked up for that; `require` makes sure that the name still holds when it is
        locked. Raises NO_SUCH_OBJECT.
        """
        path, directory = self.open(ctx, data, name)
        return path, directory, self.plain(directory, path)

    @classmethod
    def plain(cls, directory: Directory, path: LdapPath) -> Dn:
        """The ordinary name of what ``path`` names."""
        if path.dn.form is DnForm.NAME:
            return path.dn
        return cls.require(directory, path, ["objectClass"]).dn

    @staticmethod
    def require(directory: Directory, path: LdapPath, attributes: Sequence[str], held: Dn | None = None) -> Entry:
        """The object at ``path``. Raises NO_SUCH_OBJECT in the words of ADSI.

        ``held`` is the name that was locked for it: LOCK_VIOLATION when it has another one by now.
        """
        entry = directory.read(path.dn, attributes)
        if entry is None:
            raise unable_to_open(path)
        if held is not None and entry.dn != held:
            raise renamed_meanwhile(held)
        return entry
