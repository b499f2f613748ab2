"""Elevation: only configured edges, and what may be configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.errors import ConfigError
from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call
from mpf_core.services import Services
from mpf_policy import PolicyPlugin
from tests.policy.hosting import call, configured, hosting_tree

MANAGED = "Managed Office Communications Server"
PROVIDER = "Office Communications Server Provider"


def edge(calling: tuple[str, str] | None, called: tuple[str, str]) -> Call:
    return call("UserCreators")._replace(
        calling=Procedure(*calling) if calling else None,
        procedure=Procedure(*called, access=Access.PRIVATE),
    )


def rule(calling: str, called: str, reason: str = "needs the rights of RTCUniversalServerAdmins") -> dict[str, object]:
    return {"from": calling, "to": called, "reason": reason, "may": "anything"}


def policy(folder: Path, *rules: dict[str, object]) -> PolicyPlugin:
    return configured(hosting_tree(), folder, elevations=list(rules))


def test_without_rules_nothing_is_elevated(tmp_path: Path) -> None:
    assert policy(tmp_path).mpf_elevate(edge((MANAGED, "CreateSipUser"), (PROVIDER, "CreateSipUser"))) is None


def test_a_rule_grants_its_edge_with_its_reason(tmp_path: Path) -> None:
    plugin = policy(tmp_path, rule(f"{MANAGED}::CreateSipUser", f"{PROVIDER}::CreateSipUser", "homes a user"))
    grant = plugin.mpf_elevate(edge((MANAGED, "CreateSipUser"), (PROVIDER, "CreateSipUser")))
    assert grant is not None
    assert grant.reason == "homes a user"


@pytest.mark.parametrize(
    ("calling", "called", "granted"),
    [
        ((MANAGED, "CreateSipUser"), (PROVIDER, "CreateSipUser"), True),
        ((MANAGED, "GetPools"), (PROVIDER, "GetPools"), True),
        ((PROVIDER, "CreateSipUser"), (MANAGED, "CreateSipUser"), False),
        (("Hosted Office Communications Server", "GetPools"), (PROVIDER, "GetPools"), False),
        ((MANAGED + " 2", "GetPools"), (PROVIDER, "GetPools"), False),
        ((MANAGED, "GetPools"), ("Active Directory Provider", "Delete Object"), False),
        (None, (PROVIDER, "GetPools"), False),
    ],
)
def test_a_star_stands_for_the_procedures_of_that_namespace_only(
    tmp_path: Path, calling: tuple[str, str] | None, called: tuple[str, str], granted: bool
) -> None:
    plugin = policy(tmp_path, rule(f"{MANAGED}::*", f"{PROVIDER}::*"))
    assert (plugin.mpf_elevate(edge(calling, called)) is not None) is granted


def test_a_star_may_follow_the_beginning_of_a_name(tmp_path: Path) -> None:
    plugin = policy(tmp_path, rule(f"{MANAGED}::*", f"{PROVIDER}::Get*"))
    assert plugin.mpf_elevate(edge((MANAGED, "GetPools"), (PROVIDER, "GetPools")))
    assert plugin.mpf_elevate(edge((MANAGED, "GetPools"), (PROVIDER, "DeleteSipUser"))) is None


def test_a_procedure_of_a_request_is_named_request(tmp_path: Path) -> None:
    plugin = policy(tmp_path, rule("request", f"{PROVIDER}::GetPools"))
    assert plugin.mpf_elevate(edge(None, (PROVIDER, "GetPools")))
    assert plugin.mpf_elevate(edge((MANAGED, "GetPools"), (PROVIDER, "GetPools"))) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"elevations": [rule("*", f"{PROVIDER}::*")]},
        {"elevations": [rule(f"{MANAGED}::*", "*")]},
        {"elevations": [rule(f"{MANAGED}*", f"{PROVIDER}::*")]},
        {"elevations": [rule(f"{MANAGED}::Get?ools", f"{PROVIDER}::*")]},
        {"elevations": [rule(f"{MANAGED}::*Pools", f"{PROVIDER}::*")]},
        {"elevations": [rule(MANAGED, f"{PROVIDER}::*")]},
        {"elevations": [rule(f"{MANAGED}::*", f"{PROVIDER}::*", "")]},
        {"elevations": [{"from": f"{MANAGED}::*", "to": f"{PROVIDER}::*", "may": "anything"}]},
        {"elevations": [{**rule(f"{MANAGED}::*", f"{PROVIDER}::*"), "when": "always"}]},
        {"elevations": [{"from_": f"{MANAGED}::*", "to": f"{PROVIDER}::*", "reason": "x", "may": "anything"}]},
        {"elevations": [{"from": f"{MANAGED}::*", "to": f"{PROVIDER}::*", "reason": "x"}]},
        {"elevations": [{**rule(f"{MANAGED}::*", f"{PROVIDER}::*"), "may": "everything"}]},
        {"elevation": []},
        {"hosting_ou": ""},
    ],
)
def test_settings_that_say_too_much_or_too_little_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        PolicyPlugin().mpf_configure(settings, Services(tmp_path, pytest.fail))
    assert raised.value.problems
    assert "mpf.policy" in str(raised.value)
