"""The embedded directory and a real server, asked the same: the same outcome, except for what stands in a table here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpf_core.errors import Code, MpfError, format_hresult
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Modification, ModifyOp, Scope
from mpf_directory.results import Result

pytestmark = pytest.mark.samba

Step = Callable[[Directory, Dn], object]

#: step -> (outcome on the embedded directory, outcome on Samba), where they differ: all refuse, but with another code, and
#: the embedded directory has the one of Active Directory. Only Samba takes values twice that differ in case.
DIFFERENCES: dict[str, tuple[object, object]] = {
    "add a unit by CN": (format_hresult(Result.NAMING_VIOLATION), format_hresult(Result.OBJ_CLASS_VIOLATION)),
    "change the class": (format_hresult(Result.CANT_MOD_OBJ_CLASS), format_hresult(Result.OBJ_CLASS_VIOLATION)),
    "duplicate values": (format_hresult(Result.ATTRIBUTE_OR_VALUE_EXISTS), None),
    "home server that is not there": (format_hresult(Code.NO_SUCH_OBJECT), format_hresult(Result.CONSTRAINT_VIOLATION)),
    # "Other", and inside of its text ERROR_DS_GENERIC_ERROR.
    "move to nowhere": (format_hresult(Code.NO_SUCH_OBJECT), "0x80072095"),
    "out of range": (format_hresult(Result.CONSTRAINT_VIOLATION), format_hresult(Result.INVALID_ATTRIBUTE_SYNTAX)),
    "too long": (format_hresult(Result.CONSTRAINT_VIOLATION), format_hresult(Result.INVALID_ATTRIBUTE_SYNTAX)),
    "two single values": (format_hresult(Result.CONSTRAINT_VIOLATION), format_hresult(Result.ATTRIBUTE_OR_VALUE_EXISTS)),
    "write back link": (format_hresult(Result.UNWILLING_TO_PERFORM), format_hresult(Result.CONSTRAINT_VIOLATION)),
}


def change(name: str, attribute: str, op: ModifyOp, *values: str) -> Step:
    return lambda directory, place: directory.modify(_named(place, name), [Modification(attribute, op, values)])


def values(name: str, attribute: str) -> Step:
    def look(directory: Directory, place: Dn) -> object:
        entry = directory.read(_named(place, name), [attribute])
        own = str(place).lower()
        return None if entry is None else sorted(str(value).lower().replace(own, "") for value in entry.values(attribute))

    return look


def add(name: str, object_class: str, **attributes: str) -> Step:
    given = {"objectClass": [object_class], **{key: [value] for key, value in attributes.items()}}
    return lambda directory, place: directory.add(_named(place, name), given)


def find(text: str) -> Step:
    def look(directory: Directory, place: Dn) -> object:
        found = directory.search(place, Scope.SUBTREE, Filter.parse(text), ["cn"])
        return sorted(entry.dn.rdn.value.lower() for entry in found)

    return look


def enter(group: str, member: str, op: ModifyOp) -> Step:
    return lambda directory, place: directory.modify(
        _named(place, group), [Modification("member", op, (str(_named(place, member)),))]
    )


def _named(place: Dn, path: str) -> Dn:
    for part in path.split("/"):
        type_, _, value = part.partition("=")
        place = place.child(type_, value)
    return place


STEPS: dict[str, Step] = {
    "add unit": add("OU=unit", "organizationalUnit"),
    "add user": add("OU=unit/CN=john", "user", sAMAccountName="contract john", displayName="John"),
    "add group": add("CN=group", "group", sAMAccountName="contract group"),
    "add twice": add("OU=unit", "organizationalUnit"),
    "add below nothing": add("OU=none/CN=x", "container"),
    "add with a wrong class": add("CN=x", "noSuchClass"),
    "add with a wrong attribute": add("CN=x", "container", noSuchAttribute="1"),
    "add an attribute of another class": add("CN=x", "container", userPrincipalName="x@y"),
    "add a unit by CN": add("CN=x", "organizationalUnit"),
    "add a taken account name": add("CN=x", "user", sAMAccountName="contract john"),
    "display name": values("OU=unit/CN=john", "displayName"),
    "classes": values("OU=unit/CN=john", "objectClass"),
    "enter group": enter("CN=group", "OU=unit/CN=john", ModifyOp.ADD),
    "enter group again": enter("CN=group", "OU=unit/CN=john", ModifyOp.ADD),
    "enter nobody": enter("CN=group", "CN=nobody", ModifyOp.ADD),
    "back link": values("OU=unit/CN=john", "memberOf"),
    "write back link": change("OU=unit/CN=john", "memberOf", ModifyOp.ADD, "CN=x"),
    "leave group without being in it": enter("CN=group", "OU=unit", ModifyOp.DELETE),
    "second single value": change("OU=unit/CN=john", "displayName", ModifyOp.ADD, "Second"),
    "two single values": change("OU=unit/CN=john", "displayName", ModifyOp.REPLACE, "a", "b"),
    "same value in another case": change("OU=unit/CN=john", "displayName", ModifyOp.REPLACE, "JOHN"),
    "too long": change("OU=unit/CN=john", "displayName", ModifyOp.REPLACE, "x" * 257),
    "out of range": change("OU=unit/CN=john", "msRTCSIP-ArchivingEnabled", ModifyOp.REPLACE, "128"),
    "no boolean": change("OU=unit/CN=john", "msRTCSIP-UserEnabled", ModifyOp.REPLACE, "yes"),
    "boolean": change("OU=unit/CN=john", "msRTCSIP-UserEnabled", ModifyOp.REPLACE, "TRUE"),
    "address": change("OU=unit/CN=john", "msRTCSIP-PrimaryUserAddress", ModifyOp.ADD, "sip:John@x.com"),
    "delete value": change("OU=unit/CN=john", "msRTCSIP-UserEnabled", ModifyOp.DELETE, "TRUE"),
    "delete it again": change("OU=unit/CN=john", "msRTCSIP-UserEnabled", ModifyOp.DELETE, "TRUE"),
    "delete nothing": change("OU=unit/CN=john", "description", ModifyOp.DELETE),
    "replace by nothing": change("OU=unit/CN=john", "description", ModifyOp.REPLACE),
    "empty value": change("OU=unit/CN=john", "description", ModifyOp.ADD, ""),
    "duplicate values": change("OU=unit/CN=john", "proxyAddresses", ModifyOp.ADD, "smtp:a@b", "SMTP:A@B"),
    "home server that is not there": change("OU=unit/CN=john", "msRTCSIP-PrimaryHomeServer", ModifyOp.ADD, "CN=none,DC=x"),
    "change the class": change("OU=unit/CN=john", "objectClass", ModifyOp.REPLACE, "contact"),
    "change the name": change("OU=unit/CN=john", "cn", ModifyOp.REPLACE, "jack"),
    "change the GUID": change("OU=unit/CN=john", "objectGUID", ModifyOp.REPLACE, "0123456789abcdef"),
    "find address": find("(msRTCSIP-PrimaryUserAddress=SIP:john@X.com)"),
    "find by class": find("(objectCategory=person)"),
    "find nested": find("(memberOf:1.2.840.113556.1.4.1941:=CN=none,DC=Fabrikam,DC=Com)"),
    "find an unknown attribute": find("(noSuchAttribute=1)"),
    "find by an unknown attribute or another": find("(|(noSuchAttribute=1)(sAMAccountName=contract john))"),
    "find not": find("(&(objectClass=user)(!(displayName=j*)))"),
    "delete a full unit": lambda directory, place: directory.delete(_named(place, "OU=unit")),
    "move below itself": lambda directory, place: directory.rename(_named(place, "OU=unit"), _named(place, "OU=unit/OU=x")),
    "move to nowhere": lambda directory, place: directory.rename(_named(place, "CN=group"), _named(place, "OU=no/CN=group")),
    "rename onto another": lambda directory, place: directory.rename(
        _named(place, "OU=unit/CN=john"), _named(place, "CN=group")
    ),
    "change the case of a name": lambda directory, place: directory.rename(
        _named(place, "OU=unit/CN=john"), _named(place, "OU=unit/CN=John")
    ),
    "rename the unit": lambda directory, place: directory.rename(_named(place, "OU=unit"), _named(place, "OU=other")),
    "member followed": values("CN=group", "member"),
    "name followed": values("OU=other/CN=john", "cn"),
    "delete user": lambda directory, place: directory.delete(_named(place, "OU=other/CN=john")),
    "member is gone": values("CN=group", "member"),
    "delete user again": lambda directory, place: directory.delete(_named(place, "OU=other/CN=john")),
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDirectory]:
    with EmbeddedDirectory.create(tmp_path_factory.mktemp("embedded") / "directory.db") as made:
        yield made


def outcomes(directory: Directory, place: Dn) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, step in STEPS.items():
        try:
            found[name] = step(directory, place)
        except MpfError as error:
            found[name] = format_hresult(error.code)
    return found


def test_both_directories_do_the_same(directory: Directory, embedded: EmbeddedDirectory, place: Dn) -> None:
    embedded.add(place, {"objectClass": ["organizationalUnit"]})
    here, there = outcomes(embedded, place), outcomes(directory, place)
    different = {name: (here[name], there[name]) for name in STEPS if here[name] != there[name]}
    assert different == DIFFERENCES
