"""Fixtures for tests of namespaces, providers and policies: a plugin of pytest, which finds it once mpf-core is installed.

``mpf_engine``, ``mpf_mock`` and ``mpf_hosting`` are described at each. They work with pytest-xdist: nothing is shared.
The marker ``mpf(config={...})`` gives the engines of a test more configuration, as in ``mpf.toml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

__all__ = ["Hosting"]

if TYPE_CHECKING:  # pytest loads this package wherever mpf-core is installed, whether a project tests it or not
    from mpf_core.engine import Engine
    from mpf_core.security.principal import Caller
    from mpf_core.testing.mocks import MockProvider

#: The callers of `Hosting` by what they are.
_CALLERS = {
    "domain_admin": "Administrator@fabrikam.com",
    "hosting_admin": "admin@hosting.fabrikam.com",
    "reseller_admin": "admin@consolidatedmessenger.com",
    "customer_admin": "admin@alpineskihouse.com",
    "other_customer_admin": "admin@fourthcoffee.com",
    "user": "johnc@alpineskihouse.com",
    "hosting_representative": "csr@hosting.fabrikam.com",
    "reseller_representative": "csr@consolidatedmessenger.com",
    "customer_representative": "csr@alpineskihouse.com",
}


@dataclass(frozen=True)
class Hosting:
    """The small hosting tree in an embedded directory, an engine over it, and somebody of each role to call it.

    The tree is the one of ``mpfctl init``: Hosting, the resellers ConsolidatedMessenger and Litware, and a customer of each,
    AlpineSkiHouse and FourthCoffee; and each has a customer service representative besides. ``folder`` holds the directory.

    Over AlpineSkiHouse and what lies in it ``domain_admin``, ``hosting_admin``, ``reseller_admin`` and ``customer_admin``
    have UserCreators, and so have ``hosting_representative`` and ``reseller_representative``; ``customer_representative``
    has no more than ChildOrgCreators. ``other_customer_admin`` and ``user`` have nothing there but Users.
    """

    engine: Engine
    folder: Path
    domain_admin: Caller
    hosting_admin: Caller
    reseller_admin: Caller
    customer_admin: Caller
    other_customer_admin: Caller
    user: Caller
    hosting_representative: Caller
    reseller_representative: Caller
    customer_representative: Caller

    def submit(self, caller: Caller, namespace: str, procedure: str, **arguments: str) -> Any:
        """Send a simple request; returns the `Result`."""
        from lxml import etree  # noqa: PLC0415 - see above

        request = etree.Element("request")
        data = etree.SubElement(request, "data")
        for name, text in arguments.items():
            etree.SubElement(data, name).text = text
        return self.engine.execute(etree.tostring(request), caller, namespace=namespace, procedure=procedure)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "mpf(config): more configuration, as in mpf.toml, for the engines of this test")


@pytest.fixture
def mpf_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """A function that makes engines, closed at the end of the test: ``mpf_engine(plugins=[...], namespaces=[...])``.

    Without a ``policy`` everything is allowed; ``config`` is as in ``mpf.toml``. The callers "tester" and "Administrator@
    fabrikam.com" have the permissions to send trusted requests and to call private procedures.
    """
    from mpf_core.engine import Engine  # noqa: PLC0415

    made: list[Engine] = []

    def make(
        plugins: Sequence[object] = (),
        namespaces: Sequence[Path | str] = (),
        *,
        policy: object | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Engine:
        from mpf_core.config import Config  # noqa: PLC0415
        from mpf_core.testing.policies import AllowAll  # noqa: PLC0415

        trusted = ["tester", _CALLERS["domain_admin"]]
        settings: dict[str, Any] = {
            "base_dir": tmp_path,
            "engine": {"undo_wait": 0},
            "security": {"permissions": {"trusted_requests": trusted, "private_procedures": trusted}},
        }
        for more in (*_marked(request), config or {}):
            settings = _merged(settings, more)
        engine = Engine(Config.model_validate(settings), plugins=[*plugins, policy or AllowAll()], namespaces=namespaces)
        made.append(engine)
        return engine

    yield make
    _each(engine.close for engine in made)


@pytest.fixture
def mpf_mock() -> Iterator[Callable[..., MockProvider]]:
    """A function that makes mock providers from namespace files; at the end of the test each is verified."""
    made: list[MockProvider] = []

    def make(namespace: Path | str, *, strict: bool = False) -> MockProvider:
        from mpf_core.testing.mocks import MockProvider  # noqa: PLC0415

        made.append(MockProvider(namespace, strict=strict))
        return made[-1]

    yield make
    _each(mock.verify for mock in made)


@pytest.fixture(scope="session")
def _mpf_trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``mpfctl init`` makes, and the representatives, made once."""
    from mpf_core.cli.init import create  # noqa: PLC0415
    from mpf_directory.embedded import EmbeddedDirectory  # noqa: PLC0415
    from mpf_directory.seed import add_representatives  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("mpf-trial")
    create(folder)
    with EmbeddedDirectory(folder / "directory.db") as directory:
        add_representatives(directory)
    return folder


@pytest.fixture
def mpf_hosting(_mpf_trial: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosting]:
    """The small hosting tree, as `Hosting`, with the shipped policy and elevation rules. Fresh for each test.

    Plugins of yours come in through the marker: ``mpf(config={"plugins": {"enabled": [...]}})`` adds to those of the tree.
    """
    import shutil  # noqa: PLC0415
    import tomllib  # noqa: PLC0415

    from mpf_core.config import Config  # noqa: PLC0415
    from mpf_core.engine import Engine  # noqa: PLC0415
    from mpf_core.security.principal import Caller  # noqa: PLC0415

    shutil.copy(_mpf_trial / "directory.db", tmp_path)
    settings = tomllib.loads((_mpf_trial / "mpf.toml").read_text(encoding="utf-8"))
    settings |= {"base_dir": tmp_path, "store": {"url": "memory:"}}
    for more in _marked(request):
        settings = _merged(settings, more)
    with Engine(Config.model_validate(settings)) as engine:
        yield Hosting(engine, tmp_path, **{role: Caller(name) for role, name in _CALLERS.items()})


def _each(ends: Iterable[Callable[[], None]]) -> None:
    """Do all of them, whichever fails; raises what was raised, or a group of it."""
    errors: list[Exception] = []
    for end in ends:
        try:
            end()
        except Exception as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("at the end of the test", errors)


def _marked(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Any]]:
    """The configuration of the test's markers, that of a module or class before the test's own."""
    for marker in reversed(list(request.node.iter_markers("mpf"))):
        if marker.args or marker.kwargs.keys() != {"config"}:
            raise pytest.UsageError(f"the marker is mpf(config={{...}}), not {marker.args} {marker.kwargs}")
        yield marker.kwargs["config"]


def _merged(settings: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, plugins that are enabled are added, and anything else takes the place of what was there."""
    made = dict(settings)
    for key, value in more.items():
        before = made.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            made[key] = _merged(before, value)
        elif key == "enabled" and isinstance(before, Sequence):
            made[key] = [*before, *value]
        else:
            made[key] = value
    return made
