"""Our own providers pass the conformance kit that authors are given."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias, cast

import pytest
from lxml import etree

from mpf_core.testing import Case, Sample, Subject, conformance
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.operations import guid_of
from mpf_directory.port import Entry, Modification, ModifyOp, Scope
from mpf_directory.security_descriptor import Ace, AceType
from mpf_error import ErrorPlugin
from mpf_ocs import OcsPlugin, domains, federation
from tests.directory_plugin.descriptors import WithDescriptors
from tests.kills.requests import AD, NEW_PASSWORD, OCS_PROVIDER, OLD_PASSWORD
from tests.kills.scenarios import SCENARIOS
from tests.kills.scenarios_acl import lend_access_control_lists
from tests.kills.scenarios_hosting import ACCESS_CONTROL
from tests.namespaces.support import ALPINE, BASE, DOMAIN_ADMIN, JOHN, PARKING, SERVER, VOLATILE, seeded

pytestmark = pytest.mark.slow

Entries: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
_STAMPS = VOLATILE | {"pwdLastSet"}
_GENERATED = {"objectGUID", "objectSid", "whenCreated"}
_PASSWORDS = (OLD_PASSWORD, NEW_PASSWORD)
#: The embedded directory has no access control lists: these are tried with the lent ones.
_OF_LISTS = ("Update ACL", "Block DACL Inheritance")
_DOMAIN = "alpineskihouse.com"


def make(*, ocs: bool) -> Subject:
    """A plugin over a fresh embedded directory with the small hosting tree."""
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "directory.db").write_bytes(seeded())
    return over(folder, ocs=ocs)


def directory_of(subject: Subject) -> EmbeddedDirectory:
    """The directory as others see it."""
    file = Path(str(subject.config["base_dir"])) / "directory.db"
    return EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE))


def over(folder: tempfile.TemporaryDirectory[str], known: frozenset[bytes | None] | None = None, *, ocs: bool) -> Subject:
    """A plugin over a directory that is there; ``known`` are the objects that were there from the beginning."""
    file = Path(folder.name) / "directory.db"
    plugins = (DirectoryPlugin(), OcsPlugin())

    def entries() -> list[Entry]:
        with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory:
            found = directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
            # Where parked objects are stays, and is empty.
            return [entry for entry in found if not str(entry.dn).endswith(PARKING)]

    old = frozenset(entry.octets("objectGUID") for entry in entries()) if known is None else known

    def state() -> dict[str, dict[str, list[str]]]:
        seen = {
            str(entry.dn): {
                name: sorted(map(repr, values))
                for name, values in entry.attributes.items()
                # What is new has new ids each time; what was there keeps its own.
                if name not in (_STAMPS if entry.octets("objectGUID") in old else _STAMPS | _GENERATED)
            }
            for entry in entries()
        }
        with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory:
            if JOHN in seen:  # nobody can read a password: whether it is the one, somebody who logs on finds out
                right = [one for one in _PASSWORDS if directory.verify_password(Dn.parse(JOHN), one)]
                seen[JOHN] |= {"password": right}
        return seen

    return Subject(
        plugins[1] if ocs else plugins[0],
        state,
        plugins=[ErrorPlugin(), plugins[0] if ocs else plugins[1]],
        config={"base_dir": folder.name, "directory": {"path": file.name}},
        caller=DOMAIN_ADMIN,
        close=folder.cleanup,
        reopen=lambda: over(folder, old, ocs=ocs),
    )


def samples(namespace: str) -> Iterator[Sample]:
    """The first request for each procedure of a namespace that is also killed."""
    seen = set()
    for scenario in SCENARIOS:
        if scenario.namespace == namespace and scenario.procedure not in seen:
            seen.add(scenario.procedure)
            made = sample(scenario.call, tuple(sample(one) for one in scenario.setup))
            yield replace(made, irreversible=scenario.irreversible)


def sample(step: str, setup: tuple[Sample, ...] = ()) -> Sample:
    """A sample from a step."""
    call = etree.fromstring(step)
    data = "".join(etree.tostring(child, encoding="unicode") for child in call.iterfind("executeData/*"))
    name = call.get("procedure", "")
    stranger = STRANGERS.get(name, partial(interfere, re.findall(r"(?:CN|OU)=[^<]+", data)))
    return Sample(call.get("namespace", ""), name, data, setup, stranger)


def set_password(subject: Subject) -> Callable[[], bool]:
    """A second writer: an administrator sets a password of his own."""
    dn, third = Dn.parse(JOHN), "The third one, 3"
    with directory_of(subject) as directory:
        directory.modify(dn, [Modification("unicodePwd", ModifyOp.REPLACE, (f'"{third}"'.encode("utf-16-le"),))])

    def is_there() -> bool:
        with directory_of(subject) as directory:
            return directory.verify_password(dn, third)

    return is_there


def grant(subject: Subject) -> Callable[[], bool]:
    """A second writer: puts an entry of his own into the list that the call has changed."""
    dn, entry = Dn.parse(ALPINE), Ace(AceType.ALLOW, 0, 0x20000, "S-1-5-11")
    with directory_of(subject) as directory:
        lists = cast(WithDescriptors, directory)
        found = lists.descriptor(dn)
        assert found.dacl is not None
        lists.put(dn, replace(found, dacl=replace(found.dacl, aces=(*found.dacl.aces, entry))))

    def is_there() -> bool:
        with directory_of(subject) as directory:
            dacl = cast(WithDescriptors, directory).descriptor(dn).dacl
            return dacl is not None and entry in dacl.aces

    return is_there


def take_its_name(named: Callable[[EmbeddedDirectory, str], Dn], subject: Subject) -> Callable[[], bool]:
    """A second writer: makes another object with the name of the one that was deleted."""
    with directory_of(subject) as directory:
        dn = named(directory, _DOMAIN)
        directory.add(dn, {"objectClass": ["container"], "description": ["by somebody else"]})

    def is_there() -> bool:
        with directory_of(subject) as directory:
            found = directory.read(dn, ["description"])
            return found is not None and found.text("description") == "by somebody else"

    return is_there


STRANGERS: Mapping[str, Callable[[Subject], Callable[[], bool]]] = {
    "User Change Password": set_password,
    "Update ACL": grant,
    "Block DACL Inheritance": grant,
    "DeleteGlobalSipDomain": partial(take_its_name, domains.entry_name),
    "DeleteFederationDomain": partial(take_its_name, federation.entry_name),
}


def interfere(named: Sequence[str], subject: Subject) -> Callable[[], bool]:
    """A second writer: describes every object that the call has changed, and puts another in the place of each new one.

    What was created is taken away with all that others have written in it, but never what has only its name. (A name is new
    to an object that was moved, too.) ``named`` are those that the call's arguments name.
    """
    fresh = make(ocs=False)
    try:
        before, now = cast(Entries, fresh.state()), cast(Entries, subject.state())
    finally:
        fresh.close()
    known = {content["objectGUID"][0] for content in before.values()}
    theirs: list[Dn] = []
    with directory_of(subject) as directory:
        for name, content in now.items():
            if before.get(name) == content:
                continue
            dn = Dn.parse(name)
            if content.get("objectGUID", ("",))[0] not in known:
                directory.delete(dn)
                directory.add(dn, {"objectClass": ["container"]})
            directory.modify(dn, [Modification("description", ModifyOp.REPLACE, ("by somebody else",))])
            entry = directory.read(dn, ["objectGUID"])
            assert entry is not None
            theirs.append(Dn.by_guid(guid_of(entry)))
        if not theirs:  # it took back what its setup had done
            for dn in map(Dn.parse, named):
                directory.modify(dn, [Modification("description", ModifyOp.REPLACE, ("by somebody else",))])
                theirs.append(dn)
    assert theirs, "the call changed nothing that could be seen"

    def is_there() -> bool:
        with directory_of(subject) as directory:
            entries = [directory.read(dn, ["description"]) for dn in theirs]
            return all(entry is not None and entry.text("description") == "by somebody else" for entry in entries)

    return is_there


CASES = list(
    chain(
        conformance(lambda: make(ocs=False), [*samples(AD), *samples(ACCESS_CONTROL)]),
        conformance(lambda: make(ocs=True), samples(OCS_PROVIDER)),
    )
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(name in str(case) for name in _OF_LISTS):
        lend_access_control_lists(partial(monkeypatch.setattr, raising=False))
    case.run()
