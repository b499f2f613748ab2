"""A fresh ``mpfctl`` for each test, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mpf_core.cli import cli
from tests.cli.shelf import Site

Run = Callable[..., Result]

CUSTOMER = "LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
ADMIN = "admin@alpineskihouse.com"
OCS = "Managed Office Communications Server"
DC = "preferredDomainController=AD01.Fabrikam.com"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``mpfctl`` with arguments in an empty folder, without the environment's configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MPF_CONFIG", raising=False)

    def _run(*arguments: str, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin, prog_name="mpfctl")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return _run


@pytest.fixture
def trial(run: Run, tmp_path: Path) -> Path:
    """What ``mpfctl init`` makes, in the folder the command runs in. Returns the configuration file."""
    assert run("init").exit_code == 0
    return tmp_path / "mpf.toml"


@pytest.fixture
def site(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A store in SQLite and a provider that fails as it is told to, in the folder the command runs in."""
    made = Site(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return made
