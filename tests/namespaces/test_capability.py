"""A provider that has a mistake, or a bad intention, gets no further than the rule of the elevated call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mpf_core.provider import CallContext, Change
from mpf_directory.dn import Dn
from mpf_directory.operations import Modify, ValueChange, to_json
from mpf_directory.port import Modification, ModifyOp
from mpf_managed import elevations
from mpf_ocs.provider import OcsProvider
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    JOHN,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)

KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
ADMINS = f"CN=Admins@AlpineSkiHouse,{ALPINE}"
USER = {"user": ldap(JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        made.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        made.succeed("SetPoolAssignment", made.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield made


def refused(site: Site, *, steps: int = 0) -> str:
    """The refusal, after which nothing is changed; ``steps`` were recorded before it."""
    before = site.snapshot()
    result = site.submit("CreateSipUser", ALPINE_ADMIN, USER)
    assert result.error is not None
    assert result.error.code == 0x80070005
    assert site.snapshot() == before
    assert len(result.rollback) == steps
    return result.error.description


def changed(monkeypatch: pytest.MonkeyPatch, make: Callable[[Change], Change]) -> None:
    """Let the provider prepare something else than it should."""
    real = OcsProvider.create_sip_user
    monkeypatch.setattr(OcsProvider, "create_sip_user", lambda *arguments: make(real(*arguments)))


def with_operation(operation: Modify) -> Callable[[Change], Change]:
    def make(change: Change) -> Change:
        assert isinstance(change.data, dict)
        operations = change.data["operations"]
        assert isinstance(operations, list)
        return replace(change, data={**change.data, "operations": [*operations, to_json(operation)]})

    return make


@pytest.mark.parametrize(
    ("dn", "attribute"),
    [(KIMBA, "msRTCSIP-UserEnabled"), (ADMINS, "member"), (JOHN, "adminCount"), (JOHN, "sAMAccountName")],
)
def test_a_change_of_something_else_is_refused_and_not_even_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch, dn: str, attribute: str
) -> None:
    operation = Modify(Dn.parse(dn), {attribute: ValueChange(("x",))})
    changed(monkeypatch, with_operation(operation))
    assert f"does not permit: modify of {attribute} at" in refused(site)


def test_what_is_done_beside_the_change_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = OcsProvider.apply

    def apply(self: OcsProvider, ctx: CallContext, change: Change) -> object:
        change_of = Modification("description", ModifyOp.REPLACE, ("mine",))
        self.reopen(ctx, change).modify(Dn.parse(KIMBA), [change_of])
        return real(self, ctx, change)

    monkeypatch.setattr(OcsProvider, "apply", apply)
    assert f"does not permit: modify of description at '{KIMBA}'" in refused(site, steps=1)


def test_a_rule_without_the_object_permits_nothing_on_it() -> None:
    rules = [dict(rule) for rule in elevations()]
    for rule in rules:
        if rule["to"].endswith("Provider::CreateSipUser"):
            rule["may"] = [rule["may"][0]]
    with make_site(rules=rules) as site:
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        assert "does not permit: modify" in refused(site)


def test_elevations_are_recorded_with_begin_and_outcome(site: Site) -> None:
    assert site.submit("CreateSipUser", ALPINE_ADMIN, USER).error is None
    again = site.submit(
        "CreateSipUser", ALPINE_ADMIN, {**USER, "primaryURI": "sip:other@alpineskihouse.com", "user": ldap(KIMBA)}
    )
    assert again.error is not None
    lines = [line.entry for line in site.engine.store.audit.lines()]
    begun = [line for line in lines if line.event == "elevation"]
    ended = [line for line in lines if line.event == "elevation.end"]
    assert [(one.transaction_id, one.procedure, one.identity) for one in begun] == [
        (one.transaction_id, one.procedure, one.identity) for one in ended
    ]
    assert {one.details["outcome"] for one in ended} == {"done"}
    (created,) = [one for one in begun if one.procedure.endswith("Provider::CreateSipUser")]
    assert created.caller == ALPINE_ADMIN.name
    assert created.identity == "MPFServiceAcct"
    assert created.details["from"] == f"{OCS}::CreateSipUser"
    # A call of the own organization is elevated before another organization's object refuses the request: none here.
    assert all(one.transaction_id != again.transaction_id for one in begun)
