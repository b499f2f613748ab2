"""Which objects a call is about, and which role over each it needs: what the procedure declares of its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpf_core.errors import MpfError
from mpf_core.model import Procedure
from mpf_core.provider import Element
from mpf_core.security.calls import Call
from mpf_core.security.declarations import OBJECT_ARGUMENTS, Declared, values_of
from mpf_directory.dn import Dn
from mpf_directory.paths import LdapPath
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations

#: The kinds of arguments that name an object of the directory by LDAP path or DN.
_DIRECTORY_OBJECTS = frozenset({"object", "container"})
#: Arguments whose names say that they hold an object, where the procedure itself says nothing about them.
_UNDECLARED = dict.fromkeys(OBJECT_ARGUMENTS, Declared("object", ""))


class UnreadableTargetError(Exception):
    """An argument that must name an object holds something else. The text says which."""


def targets(procedure: Procedure, data: Element) -> Iterator[tuple[str, str, str]]:
    """Every object that the call's data names: the argument, its text, and what is needed over the object.

    The last is empty where the procedure does not say it: then its minimum role counts. Empty arguments name none.
    """
    declared = _declared(procedure)
    for name, text in values_of(data, declared):
        if declared[name].kind in _DIRECTORY_OBJECTS:
            yield name, text, declared[name].needs


def parse_target(name: str, text: str) -> Dn:
    """The object's name in the argument ``name``, which holds an LDAP path or a DN.

    Raises UnreadableTargetError for a value that is neither: what cannot be read cannot be allowed.
    """
    try:
        return LdapPath.parse(text).dn if text[:7].upper() == "LDAP://" else Dn.parse(text)
    except MpfError as error:
        raise UnreadableTargetError(f"the argument '{name}' names no object: {error.description}") from error


def _declared(procedure: Procedure) -> Mapping[str, Declared]:
    own = procedure.input_schema.declared if procedure.input_schema is not None else {}
    return {**_UNDECLARED, **own}


def organization_of(call: Call, organizations: Organizations, names: Names) -> Dn | None:
    """The organization around the first object that the call names, as it was resolved when the call was authorized."""
    for name, text, _ in targets(call.procedure, call.data):
        try:
            return organizations.innermost(names.resolve(parse_target(name, text), text, organizations))
        except UnreadableTargetError:
            return None
    return None
