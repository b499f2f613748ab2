"""Rights of the table as commands for an administrator: ``dsacls`` in PowerShell, or ``samba-tool`` in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from mpf_directory.dn import Dn
from mpf_directory.rights import Access, Need, Reach, Right
from mpf_directory.rights_entries import Entries
from mpf_directory.security_descriptor import Ace, AceFlag, AceType

#: The letters of a right in dsacls; SDDL ([MS-DTYP] 2.5.1.1) has others for two of them.
_LETTERS = {
    Access.CREATE_CHILD: "CC",
    Access.DELETE_CHILD: "DC",
    Access.LIST: "LC",
    Access.SELF: "WS",
    Access.READ_PROP: "RP",
    Access.WRITE_PROP: "WP",
    Access.DELETE_TREE: "DT",
    Access.LIST_OBJECT: "LO",
    Access.CONTROL_ACCESS: "CA",
    Access.READ_CONTROL: "RC",
    Access.WRITE_DAC: "WD",
}
_SDDL_LETTERS = {**_LETTERS, Access.SELF: "SW", Access.CONTROL_ACCESS: "CR"}
_SDDL_FLAGS = {AceFlag.CONTAINER_INHERIT: "CI", AceFlag.INHERIT_ONLY: "IO"}
#: dsacls knows extended rights by the names that Windows shows.
_SHOWN = {"User-Force-Change-Password": "Reset Password"}
_DSACLS_REACH = {Reach.HERE: "", Reach.TREE: " /I:T", Reach.BELOW: " /I:S"}


_SDDL_TYPES = {AceType.ALLOW: "A", AceType.ALLOW_OBJECT: "OA", AceType.DENY: "D", AceType.DENY_OBJECT: "OD"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets which rights: the name as Windows shows it, and the entries for it."""

    name: str
    entries: Entries
    needs: Sequence[Need]


def powershell(recipients: Iterable[Recipient], to_make: Dn | None) -> Iterator[str]:
    """Lines for PowerShell on a machine with the administration tools of Active Directory.

    ``to_make`` is the unit for parked objects, where it has to be made first.
    """
    yield "# For PowerShell, as an administrator of the domain."
    if to_make is not None:
        yield f"dsadd ou {_quoted(str(to_make))}"
    for recipient in recipients:
        yield from _title(recipient)
        for need in recipient.needs:
            yield from _reason(need)
            for dn, reach, denied, rights in _commands(need, recipient.entries):
                given = (_quoted(f"{recipient.name}:{_dsacls(right)}") for right in rights)
                yield f"dsacls {_quoted(str(dn))}{_DSACLS_REACH[reach]} {'/D' if denied else '/G'} {' '.join(given)}"


def shell(recipients: Iterable[Recipient], to_make: Dn | None) -> Iterator[str]:
    """Lines for a shell with samba-tool. Arguments of the script are handed on to each command.

    Raises E_INVALIDARG where the schema does not know an attribute or a class.
    """
    yield "# For sh: as root on the controller, or with the arguments -H ldaps://SERVER -U Administrator."
    yield "set -e"
    if to_make is not None:
        yield f'samba-tool ou create "$@" {shlex.quote(str(to_make))}'
    for recipient in recipients:
        yield from _title(recipient)
        places = dict.fromkeys(right.place for need in recipient.needs for right in need.rights)
        for place in places:
            yield "sddl="
            here = [(need, [right for right in need.rights if right.place == place]) for need in recipient.needs]
            for need, rights in here:
                if rights:
                    yield from _reason(need)
                    entries = "".join(_sddl(recipient.entries.ace(right)) for right in _joined(rights))
                    yield f'sddl="$sddl{entries}"'
            for dn, _ in recipient.entries.by_place(right for _, rights in here for right in rights):
                yield f'samba-tool dsacl set "$@" --objectdn={shlex.quote(str(dn))} --sddl="$sddl"'


def _title(recipient: Recipient) -> Iterator[str]:
    yield ""
    yield f"# {recipient.name}"


def _reason(need: Need) -> Iterator[str]:
    yield ""
    yield f"# To {need.why}: {', '.join(need.procedures)}"


def _commands(need: Need, entries: Entries) -> Iterator[tuple[Dn, Reach, bool, list[Right]]]:
    """The rights of one row, several at once where one command can give or deny them."""
    for dn, rights in entries.by_place(_joined(need.rights)):
        for reach, denied in product(Reach, (True, False)):
            some = [right for right in rights if (right.reach, right.denied) == (reach, denied)]
            if some:
                yield dn, reach, denied, some


def _joined(rights: Iterable[Right]) -> Iterator[Right]:
    """Rights that differ in the access only, as one."""
    joined: dict[Right, Right] = {}
    for right in rights:
        key = replace(right, access=Access(0))
        known = joined.get(key)
        joined[key] = right if known is None else replace(known, access=known.access | right.access)
    return iter(joined.values())


def _dsacls(right: Right) -> str:
    letters = "".join(letters for access, letters in _LETTERS.items() if access in right.access)
    return ";".join([letters, _SHOWN.get(right.about, right.about), right.of]).rstrip(";")


def _sddl(ace: Ace) -> str:
    flags = "".join(letters for flag, letters in _SDDL_FLAGS.items() if ace.flags & flag)
    mask = "".join(letters for access, letters in _SDDL_LETTERS.items() if ace.mask & access)
    return f"({_SDDL_TYPES[ace.type]};{flags};{mask};{ace.object_type or ''};{ace.inherited_object_type or ''};{ace.sid})"


def _quoted(text: str) -> str:
    """As PowerShell takes it word for word."""
    return "'" + text.replace("'", "''") + "'"
