"""Our own providers pass the conformance kit that authors are given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.testing.conformance import Case, Sample, Subject, conformance
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Entry, Scope
from mpf_error import ErrorPlugin
from mpf_ocs import OcsPlugin
from tests.kills.requests import AD, OCS_PROVIDER
from tests.kills.scenarios import SCENARIOS
from tests.namespaces.support import BASE, DOMAIN_ADMIN, PARKING, SERVER, VOLATILE, seeded

pytestmark = pytest.mark.slow

_GENERATED = {"objectGUID", "objectSid", "whenCreated"}
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
    return Sample(call.get("namespace", ""), call.get("procedure", ""), data, setup)


CASES = list(
    chain(
        conformance(lambda: make(ocs=False), samples(AD)),
        conformance(lambda: make(ocs=True), samples(OCS_PROVIDER)),
    )
)


@pytest.mark.parametrize("case", [case for case in CASES if "has a sample" not in str(case)], ids=str)
def test_conformance(case: Case) -> None:
    case.run()
