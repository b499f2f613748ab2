"""Our own providers pass the conformance kit that authors are given."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias, cast

import pytest
from lxml import etree

from mpf_core.testing.conformance import Case, Sample, Subject, conformance
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.operations import guid_of
from mpf_directory.port import Entry, Modification, ModifyOp, Scope
from mpf_error import ErrorPlugin
from mpf_ocs import OcsPlugin
from tests.kills.requests import AD, OCS_PROVIDER
from tests.kills.scenarios import SCENARIOS
from tests.namespaces.support import BASE, DOMAIN_ADMIN, PARKING, SERVER, VOLATILE, seeded

pytestmark = pytest.mark.slow

Entries: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
_GENERATED = {"objectGUID", "objectSid", "whenCreated"}
#: They delete what their samples create, which is parked, so that nobody finds it to write to.
_TAKE_AWAY_NEW = {"DeleteGlobalSipDomain", "DeleteFederationDomain"}
#: What cannot be seen from outside (passwords), or is not there in the embedded directory.
_LEFT_OUT = {"User Set Password", "User Change Password", "Update ACL"}


def make(*, ocs: bool) -> Subject:
    """A plugin over a fresh embedded directory with the small hosting tree."""
    folder = tempfile.TemporaryDirectory()
    file = Path(folder.name) / "directory.db"
    file.write_bytes(seeded())
    plugins = (DirectoryPlugin(), OcsPlugin())

    def entries() -> list[Entry]:
        with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory:
            found = directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
            # Where parked objects are stays, and is empty.
            return [entry for entry in found if not str(entry.dn).endswith(PARKING)]

    known = {entry.octets("objectGUID") for entry in entries()}

    def state() -> dict[str, dict[str, list[str]]]:
        return {
            str(entry.dn): {
                name: sorted(map(repr, values))
                for name, values in entry.attributes.items()
                # What is new has new ids each time; what was there keeps its own.
                if name not in (VOLATILE if entry.octets("objectGUID") in known else VOLATILE | _GENERATED)
            }
            for entry in entries()
        }

    return Subject(
        plugins[1] if ocs else plugins[0],
        state,
        plugins=[ErrorPlugin(), plugins[0] if ocs else plugins[1]],
        config={"base_dir": folder.name, "directory": {"path": file.name}},
        caller=DOMAIN_ADMIN,
        close=folder.cleanup,
    )


def samples(namespace: str) -> Iterator[Sample]:
    """The first request for each procedure of a namespace that is also killed."""
    seen = set()
    for scenario in SCENARIOS:
        if scenario.namespace == namespace and scenario.procedure not in seen | _LEFT_OUT:
            seen.add(scenario.procedure)
            yield sample(scenario.call, tuple(sample(one) for one in scenario.setup))


def sample(step: str, setup: tuple[Sample, ...] = ()) -> Sample:
    """A sample from a step."""
    call = etree.fromstring(step)
    data = "".join(etree.tostring(child, encoding="unicode") for child in call.iterfind("executeData/*"))
    name = call.get("procedure", "")
    stranger = None if name in _TAKE_AWAY_NEW else partial(interfere, re.findall(r"(?:CN|OU)=[^<]+", data))
    return Sample(call.get("namespace", ""), name, data, setup, stranger)


def interfere(named: Sequence[str], subject: Subject) -> Callable[[], bool]:
    """A second writer: describes every object that the call has changed, and puts another in the place of each new one.

    What was created is taken away with all that others have written in it, but never what has only its name. (A name is new
    to an object that was moved, too.) ``named`` are those that the call's arguments name.
    """
    file = Path(str(subject.config["base_dir"])) / "directory.db"
    fresh = make(ocs=False)
    try:
        before, now = cast(Entries, fresh.state()), cast(Entries, subject.state())
    finally:
        fresh.close()
    known = {content["objectGUID"][0] for content in before.values()}
    theirs: list[Dn] = []
    with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory:
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
        with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory:
            entries = [directory.read(dn, ["description"]) for dn in theirs]
            return all(entry is not None and entry.text("description") == "by somebody else" for entry in entries)

    return is_there


CASES = list(
    chain(
        conformance(lambda: make(ocs=False), samples(AD)),
        conformance(lambda: make(ocs=True), samples(OCS_PROVIDER)),
    )
)


@pytest.mark.parametrize("case", [case for case in CASES if "has a sample" not in str(case)], ids=str)
def test_conformance(case: Case) -> None:
    case.run()
