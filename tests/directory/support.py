"""What the tests of the embedded directory say often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Entry, Modification, ModifyOp, Scope, Value

BASE = Dn.parse("DC=Fabrikam,DC=Com")
HOSTING = BASE.child("OU", "Hosting")


@contextmanager
def refused(code: int) -> Iterator[None]:
    """The block raises an MpfError with that code."""
    with pytest.raises(MpfError) as caught:
        yield
    assert f"{caught.value.code:#x}" == f"{int(code):#x}", caught.value.description


def add(attribute: str, *values: Value) -> Modification:
    """A modification that adds values."""
    return Modification(attribute, ModifyOp.ADD, values)


def remove(attribute: str, *values: Value) -> Modification:
    """A modification that deletes values, or all of them."""
    return Modification(attribute, ModifyOp.DELETE, values)


def replace(attribute: str, *values: Value) -> Modification:
    """A modification that replaces all values."""
    return Modification(attribute, ModifyOp.REPLACE, values)


class Site:
    """A directory with short ways to put objects into it and to look at them."""

    def __init__(self, directory: EmbeddedDirectory, path: Path) -> None:
        self.directory = directory
        self.path = path

    def unit(self, name: str, parent: Dn = BASE) -> Dn:
        """An organizational unit."""
        return self.put(parent.child("OU", name), "organizationalUnit")

    def user(self, name: str, parent: Dn = HOSTING, **attributes: str | Sequence[Value]) -> Dn:
        """A user whose sAMAccountName is its name."""
        return self.put(parent.child("CN", name), "user", **({"sAMAccountName": name} | attributes))

    def group(self, name: str, parent: Dn = HOSTING, **attributes: str | Sequence[Value]) -> Dn:
        """A group whose sAMAccountName is its name."""
        return self.put(parent.child("CN", name), "group", **({"sAMAccountName": name} | attributes))

    def put(self, dn: Dn, object_class: str, **attributes: str | Sequence[Value]) -> Dn:
        """Any object; a text stands for one value."""
        values = {name: [value] if isinstance(value, str) else value for name, value in attributes.items()}
        self.directory.add(dn, {"objectClass": [object_class], **values})
        return dn

    def modify(self, dn: Dn, *modifications: Modification) -> None:
        """One modify."""
        self.directory.modify(dn, modifications)

    def entry(self, dn: Dn, *attributes: str) -> Entry:
        """An object that must be there."""
        found = self.directory.read(dn, attributes)
        assert found is not None, f"{dn} is not there"
        return found

    def values(self, dn: Dn, attribute: str) -> list[Value]:
        """All values of one attribute."""
        return list(self.entry(dn, attribute).values(attribute))

    def names(self, text: str, base: Dn = HOSTING, scope: Scope = Scope.SUBTREE) -> list[str]:
        """The cn or ou of what a filter finds."""
        return [entry.dn.rdn.value for entry in self.directory.search(base, scope, Filter.parse(text), ["cn"])]
