"""What requests leave in a directory: looked at, compared between two directories, and put back as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Scope, Value

PARKING = "MPF-Parked"

#: Names in lower case, with the values of their attributes.
State = dict[str, dict[str, frozenset[Value]]]

#: What a directory writes of its own accord whenever somebody writes or logs on.
STAMPS = frozenset(
    {
        "badpasswordtime", "badpwdcount", "dscorepropagationdata", "lastlogoff", "lastlogon", "lastlogontimestamp",
        "logoncount", "usnchanged", "whenchanged",
    }
)  # fmt: skip
#: What a directory decides on itself when an object is made, and nobody else writes.
OWN = STAMPS | {
    "accountexpires", "admincount", "codepage", "countrycode", "distinguishedname", "instancetype", "iscriticalsystemobject",
    "localpolicyflags", "msds-supportedencryptiontypes", "name", "objectcategory", "objectguid", "objectsid",
    "primarygroupid", "pwdlastset", "samaccounttype", "showinadvancedviewonly", "systemflags", "usncreated", "whencreated",
}  # fmt: skip
#: The other ends of links, which follow from those.
BACK_LINKS = frozenset({"managedobjects", "memberof"})
_UNWRITTEN = OWN | BACK_LINKS


def roots(base: Dn) -> Mapping[Dn, Filter]:
    """Every place that the procedures write in, and what belongs to them there.

    The hosting tree, Office Communications Server, its groups and the framework's, and what is parked.
    """
    everything = Filter.present("objectClass")
    groups = Filter.or_(Filter.starts_with("cn", "RTC"), Filter.starts_with("cn", "MPF"))
    return {
        base.child("OU", "Hosting"): everything,
        base.child("CN", "System").child("CN", "Microsoft").child("CN", "RTC Service"): everything,
        base.child("CN", "Users"): groups,
        base.child("OU", PARKING): everything,
    }


def state(directory: Directory) -> State:
    """Everything in `roots`, but for `STAMPS`. The place for parked objects itself may come and stay."""
    return {entry.dn.normalised: _content(entry) for entry in _entries(directory)}


def comparable(found: State) -> State:
    """The same without `OWN`, and in lower case, for a comparison between two directories."""
    return {
        name: {
            attribute: frozenset(value.lower() for value in values)
            for attribute, values in attributes.items()
            if attribute not in OWN
        }
        for name, attributes in found.items()
    }


def differences(one: State, other: State) -> dict[str, tuple[object, object]]:
    """Which entries differ, with what differs in them, for a message that can be read."""
    found: dict[str, tuple[object, object]] = {}
    for name in sorted(one.keys() | other.keys()):
        here, there = one.get(name), other.get(name)
        if here is None or there is None:
            found[name] = ("missing" if here is None else "there", "missing" if there is None else "there")
            continue
        for attribute in sorted(here.keys() | there.keys()):
            if here.get(attribute) != there.get(attribute):
                found[f"{name} {attribute}"] = (here.get(attribute), there.get(attribute))
    return found


def restore(directory: Directory, wanted: State) -> None:
    """Put everything back: objects that came are deleted, those that went are made again, values are set.

    An object that is made again has another GUID.
    """
    entries = list(_entries(directory))
    names = {entry.dn.normalised: entry.dn for entry in entries}
    found = {entry.dn.normalised: _content(entry) for entry in entries}
    for name in sorted(found.keys() - wanted.keys(), key=lambda name: -len(names[name].rdns)):
        directory.delete(names[name])
    missing = sorted(wanted.keys() - found.keys(), key=lambda name: len(Dn.parse(name).rdns))
    for name in missing:
        unwritten = _UNWRITTEN | {Dn.parse(name).rdn.type.lower()}
        given = {attribute: tuple(values) for attribute, values in wanted[name].items() if attribute not in unwritten}
        directory.add(_spelled(wanted[name]), given)
    for name in wanted.keys() & found.keys():
        changes = list(_changes(found[name], wanted[name]))
        if changes:
            directory.modify(names[name], changes)


def _changes(found: Mapping[str, frozenset[Value]], wanted: Mapping[str, frozenset[Value]]) -> Iterator[Modification]:
    for attribute in sorted((found.keys() | wanted.keys()) - _UNWRITTEN):
        values = wanted.get(attribute, frozenset())
        if found.get(attribute, frozenset()) != values:
            yield Modification(attribute, ModifyOp.REPLACE, tuple(values))


def _spelled(attributes: Mapping[str, frozenset[Value]]) -> Dn:
    (name,) = attributes["distinguishedname"]
    assert isinstance(name, str)
    return Dn.parse(name)


def _content(entry: Entry) -> dict[str, frozenset[Value]]:
    return {name.lower(): frozenset(values) for name, values in entry.attributes.items() if name.lower() not in STAMPS}


def _entries(directory: Directory) -> Iterator[Entry]:
    for root, wanted in roots(directory.base).items():
        try:
            yield from (entry for entry in directory.search(root, Scope.SUBTREE, wanted) if entry.dn.rdn.value != PARKING)
        except MpfError as error:
            if error.code != Code.NO_SUCH_OBJECT:
                raise
