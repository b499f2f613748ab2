"""What may stand in [directory]."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mpf_core.errors import ConfigError
from mpf_core.security.principal import Credentials
from mpf_core.settings import parse_settings
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import Address, DirectorySettings, server_key

LDAP = {"backend": "ldap", "server": "dc1.x.com", "base": "DC=x,DC=com", "service_account": "directory"}


def problems(**settings: object) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_settings(DirectorySettings, settings, "directory")
    return str(raised.value)


def test_nothing_is_needed_for_the_embedded_directory_of_the_samples() -> None:
    settings = DirectorySettings()
    assert settings.backend == "embedded"
    assert list(settings.controllers) == [server_key("AD01.Fabrikam.com")]


def test_a_server_without_addresses_is_its_own_address() -> None:
    settings = DirectorySettings.model_validate(LDAP)
    assert settings.controllers == {"dc1.x.com": ("dc1.x.com", Address("dc1.x.com", 636))}


def test_names_of_servers_are_compared_without_case_and_final_dot() -> None:
    settings = DirectorySettings.model_validate({**LDAP, "server": "DC1.X.com.", "servers": {"dc1.x.com": "10.0.0.1"}})
    assert settings.controllers[server_key(settings.server)] == ("dc1.x.com", Address("10.0.0.1", 636))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("dc1", Address("dc1", 636)),
        ("dc1:3269", Address("dc1", 3269)),
        ("[::1]:1636", Address("::1", 1636)),
        ("[::1]", Address("::1", 636)),
        ("::1", Address("::1", 636)),
    ],
)
def test_an_address_has_a_host_and_perhaps_a_port(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", ":636", "ldaps://dc1", "dc1:x", "dc1:0", "dc1:65536", "a b", "[::1", "[::1]x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Address.parse(text)
    assert "servers" in problems(**{**LDAP, "servers": {"dc1.x.com": text}})


def test_mistakes_are_said_by_key() -> None:
    assert "did you mean 'ca_file'" in problems(ca_fiel="x")
    assert "backend" in problems(backend="openldap")
    assert "base" in problems(base="x.com")
    assert "needs base, service_account" in problems(backend="ldap", server="dc1.x.com")
    assert "missing in servers" in problems(**{**LDAP, "servers": {"dc2.x.com": "dc2.x.com"}})
    assert "differ in case only" in problems(**{**LDAP, "servers": {"dc1.x.com": "a", "DC1.x.com": "b"}})
    assert "timeout" in problems(timeout=0)


def test_only_a_server_needs_its_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [
        name for name in sys.modules if name.partition(".")[0] == "ldap3" or name.startswith("mpf_directory.ldap_")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ldap3", None)

    def no_credentials(name: str) -> Credentials:
        raise ConfigError(name)

    DirectoriesService(DirectorySettings(), tmp_path, no_credentials).close()
    with pytest.raises(ConfigError, match=r"mpf-core\[ldap\]"):
        DirectoriesService(DirectorySettings.model_validate(LDAP), tmp_path, no_credentials)
