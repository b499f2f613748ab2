"""The steps that seeding is made of: create what is not there, add what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp, Value
from mpf_directory.results import no_such_object


def ensure(directory: Directory, dn: Dn, object_class: str, attributes: Mapping[str, Sequence[Value]] | None = None) -> None:
    """Create the object unless there is one of that name."""
    if directory.read(dn, ["objectClass"]) is None:
        directory.add(dn, {"objectClass": [object_class], **(attributes or {})})


def add_missing(directory: Directory, dn: Dn, attribute: str, values: Sequence[str]) -> None:
    """Add those of ``values`` that the object does not have, without regard to case. Raises NO_SUCH_OBJECT."""
    entry = directory.read(dn, [attribute])
    if entry is None:
        raise no_such_object(dn)
    present = {str(value).casefold() for value in entry.values(attribute)}
    missing = tuple(value for value in values if value.casefold() not in present)
    if missing:
        directory.modify(dn, [Modification(attribute, ModifyOp.ADD, missing)])


def set_if_absent(directory: Directory, dn: Dn, attribute: str, value: str) -> None:
    """Give the object ``value`` unless it has any value of ``attribute``. Raises NO_SUCH_OBJECT."""
    entry = directory.read(dn, [attribute])
    if entry is None:
        raise no_such_object(dn)
    if not entry.values(attribute):
        directory.modify(dn, [Modification(attribute, ModifyOp.ADD, (value,))])


def dns_name(base: Dn) -> str:
    """The domain's name in the domain name system, in lower case."""
    return ".".join(rdn.value for rdn in base.rdns).lower()
