"""Which objects a call is about, and which role over each it needs: what the procedure declares of its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mpf_core.errors import MpfError
from mpf_core.model import Procedure
from mpf_core.provider import Element
from mpf_core.security.calls import Call
from mpf_core.security.declarations import OBJECT_ARGUMENTS, Declared, values_of
from mpf_directory.dn import Dn, DnForm
from mpf_directory.paths import LdapPath
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from mpf_policy.properties import named_objects

#: The kinds of arguments that name an object of the directory by LDAP path or DN.
_DIRECTORY_OBJECTS = frozenset({"object", "container"})
#: Arguments whose names say that they hold an object, where the procedure itself says nothing about them.
_UNDECLARED = dict.fromkeys(OBJECT_ARGUMENTS, Declared("object", ""))
#: What is needed over an object that a property names, such as a manager.
_NEEDED_FOR_PROPERTIES = "UserCreators"


class UnreadableTargetError(Exception):
    """An argument that must name an object holds something else. The text says which."""


class Target(NamedTuple):
    """An object that a call names: its ``text`` as it was sent, what that is as a name, and the role needed over it.

    ``needs`` is empty where the procedure does not say it: then its minimum role counts. Something is created in a
    container.
    """

    text: str
    dn: Dn
    needs: str
    is_container: bool = False


def targets(procedure: Procedure, data: Element) -> Iterator[Target]:
    """Every object that the call's data names, those in its arguments first. Empty arguments name none.

    Raises UnreadableTargetError for an argument or a property that must name one and does not; a property names it by its
    distinguished name.
    """
    yield from _arguments(values_of(data, declared := declared_by(procedure)), declared)
    for name, text in named_objects(data):
        dn = parse_target(name, text)
        _require_plain_name(name, dn)
        yield Target(text, dn, _NEEDED_FOR_PROPERTIES)


def named_before(call: Call) -> Iterator[Target]:
    """The objects that arguments of the calling procedure name, for which its own call was authorized."""
    if call.calling is not None:
        declared = declared_by(call.calling)
        pairs = ((name, text) for name, texts in call.named.items() for text in texts if name in declared)
        yield from _arguments(pairs, declared)


def _arguments(pairs: Iterable[tuple[str, str]], declared: Mapping[str, Declared]) -> Iterator[Target]:
    for name, text in pairs:
        if declared[name].kind in _DIRECTORY_OBJECTS:
            yield Target(text, parse_target(name, text), declared[name].needs, declared[name].kind == "container")


def _require_plain_name(name: str, dn: Dn) -> None:
    if dn.form is not DnForm.NAME:  # the answer would tell whose a SID or a GUID is
        raise UnreadableTargetError(f"the property '{name}' names its object by a special form")


def parse_target(name: str, text: str) -> Dn:
    """The object's name in the argument ``name``, which holds an LDAP path or a DN.

    Raises UnreadableTargetError for a value that is neither: what cannot be read cannot be allowed.
    """
    try:
        return LdapPath.parse(text).dn if text[:7].upper() == "LDAP://" else Dn.parse(text)
    except MpfError as error:
        raise UnreadableTargetError(f"the argument '{name}' names no object: {error.description}") from error


def declared_by(procedure: Procedure) -> Mapping[str, Declared]:
    """What the procedure's arguments hold, with those whose names say it."""
    own = procedure.input_schema.declared if procedure.input_schema is not None else {}
    return {**_UNDECLARED, **own}


def place_of(call: Call, target: Target, organizations: Organizations, names: Names) -> Dn:
    """The name by path of the object. Raises as `Names.resolve` does."""
    return names.resolve(target.dn, target.text, organizations, nested=call.calling is not None)


def first_target(call: Call) -> Target | None:
    """The first object that the call names; ``None`` where it names none."""
    try:
        return next(targets(call.procedure, call.data), None)
    except UnreadableTargetError:
        return None


def organization_of(call: Call, organizations: Organizations, names: Names) -> Dn | None:
    """The organization around the first object that the call names, as it was resolved when the call was authorized."""
    first = first_target(call)
    return organizations.innermost(place_of(call, first, organizations, names)) if first is not None else None
