"""One Samba domain controller for all tests in this folder, or a plain word on why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.port import Directory
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from tests.samba.controller import PASSWORD, SEEDED, Controller, Samba, engine_config, remove_tree, why_not
from tests.samba.tickets import why_no_tickets

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What leaves thousands of objects comes last, in whichever order the others run: they look at everything there is."""
    items.sort(key=lambda item: item.path == _FOLDER / "test_large_group.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reason = why_not()
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if "tests/samba/" in report.nodeid]
    if not reason and skipped and (no_tickets := why_no_tickets()):
        terminalreporter.write_line(
            f"NOT TESTED with Kerberos tickets: {len(skipped)} tests skipped - {no_tickets}", yellow=True, bold=True
        )
    if reason and skipped:
        terminalreporter.write_line(
            f"NOT TESTED against a real Active Directory: {len(skipped)} tests skipped - {reason}", yellow=True, bold=True
        )


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """What starts, stops and restarts the domain controller. Skips the test where there can be none."""
    if reason := why_not():
        pytest.skip(reason)
    made = Controller(tmp_path_factory.mktemp("samba"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def samba(controller: Controller) -> Samba:
    """A running domain controller of FABRIKAM.COM with the OCS schema and nothing else in it."""
    return controller.start()


@pytest.fixture(scope="session")
def service(samba: Samba) -> Iterator[DirectoriesService]:
    """The service on that controller."""
    settings = DirectorySettings.model_validate(engine_config(samba))
    opened = DirectoriesService(settings, samba.folder, lambda _name: samba.administrator)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def directory(service: DirectoriesService) -> Directory:
    """The controller's directory, bound as its administrator."""
    return service.service()


@pytest.fixture(scope="module")
def seeded(directory: Directory) -> Directory:
    """The directory with the tree as it is seeded, whatever other tests left of theirs."""
    computers = [
        directory.base.child("CN", "Computers").child("CN", name) for pool in layout.POOLS for name in pool.front_ends
    ]
    for root in (*SEEDED, *computers):
        if directory.read(root, ["cn"]) is not None:
            remove_tree(directory, root)
    seed_hosting_tree(directory, PASSWORD)
    return directory


@pytest.fixture
def place(directory: Directory) -> Iterator[Dn]:
    """A fresh organizational unit, removed with everything in it after the test."""
    dn = directory.base.child("OU", f"test {uuid4()}")
    directory.add(dn, {"objectClass": ["organizationalUnit"]})
    yield dn
    remove_tree(directory, dn)
