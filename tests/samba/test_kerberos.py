"""Callers with a Kerberos ticket, against a real key distribution centre: who they are, what they may do, what goes wrong."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mpf_core import Caller, Config, Credentials, Engine, Ticket
from mpf_core import Result as Answer
from mpf_core.errors import Code, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_core.testing import AllowAll
from mpf_directory import DirectoryPlugin
from mpf_directory.accounts import Accounts
from mpf_directory.dn import Dn
from mpf_directory.kerberos import KerberosError
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Modification, ModifyOp
from mpf_directory.results import Result
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from tests.cli.conftest import Run, run
from tests.samba.controller import SERVICE_ACCOUNT, Controller, Samba, SambaCredentials, engine_config, remove_tree
from tests.samba.test_main_path import named
from tests.samba.tickets import PASSWORD, Tickets, add_account, register_service, why_no_tickets

__all__ = ["run"]  # a fixture

pytestmark = [
    pytest.mark.samba,
    pytest.mark.skipif(bool(why_no_tickets()), reason=f"no Kerberos ({why_no_tickets()})"),
]
AD = "Active Directory Provider"


@pytest.fixture(scope="module")
def tickets(
    controller: Controller, samba: Samba, directory: Directory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tickets]:
    made = Tickets(samba, tmp_path_factory.mktemp("tickets"))
    made.configure()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", str(made.configuration))
        patch.setenv("KRB5CCNAME", f"FILE:{made.folder / 'nothing'}")
        patch.delenv("KRB5_CLIENT_KTNAME", raising=False)
        controller.give_tickets(wanted=True)
        try:
            register_service(directory, directory.base.child("OU", "Domain Controllers").child("CN", "AD01"), samba.name)
            yield made
        finally:
            controller.give_tickets(wanted=False)


@pytest.fixture(scope="module")
def accounts(tickets: Tickets, directory: Directory) -> Iterator[Mapping[str, Dn]]:
    """Two users in a unit of their own: ann, who has a userPrincipalName, and ben, who has none."""
    unit = directory.base.child("OU", f"tickets {uuid4()}")
    directory.add(unit, {"objectClass": ["organizationalUnit"]})
    yield {
        "ann": add_account(directory, unit, "ann", userPrincipalName="ann@alpineskihouse.com"),
        "ben": add_account(directory, unit, "ben"),
    }
    remove_tree(directory, unit)


@pytest.fixture(scope="module")
def ann(tickets: Tickets, accounts: Mapping[str, Dn]) -> str:
    """A cache with a ticket of ann's."""
    return tickets.get("ann")


def settings(samba: Samba, **changes: Any) -> DirectorySettings:
    return DirectorySettings.model_validate(engine_config(samba) | changes)


@pytest.fixture(scope="module")
def engine(samba: Samba, accounts: Mapping[str, Dn]) -> Iterator[Engine]:
    names = ["ann@alpineskihouse.com"]
    permissions = {"trusted_requests": names, "private_procedures": names}
    config = Config.model_validate({"directory": engine_config(samba), "security": {"permissions": permissions}})
    plugins = [named("mpf.directory", DirectoryPlugin()), AllowAll(), SambaCredentials(samba)]
    with Engine(config, plugins=plugins) as made:
        yield made


def call_as(engine: Engine, caller: Caller, dn: Dn, phone: str) -> Answer:
    """Set a telephone number: everybody may set the own one."""
    request = f"""<request><procedure><execute namespace="{AD}" procedure="Set Properties" impersonate="1"><executeData>
        <path>{LdapPath(None, dn)}</path><properties><property name="telephoneNumber">{phone}</property></properties>
        </executeData></execute></procedure></request>"""
    return engine.execute(request, caller)


def phone(directory: Directory, dn: Dn) -> str | None:
    entry = directory.read(dn, ["telephoneNumber"])
    assert entry is not None
    return entry.text("telephoneNumber")


def test_the_directory_is_bound_as_the_holder_of_the_ticket(
    engine: Engine, accounts: Mapping[str, Dn], directory: Directory, ann: str
) -> None:
    result = call_as(engine, Caller("", Ticket(cache=ann)), accounts["ann"], "+1 425 5550100")
    assert result.error is None, result.document.decode()
    assert phone(directory, accounts["ann"]) == "+1 425 5550100"
    before = phone(directory, accounts["ben"])
    refused = call_as(engine, Caller("", Ticket(cache=ann)), accounts["ben"], "+1 425 5550101")
    assert refused.error is not None
    assert refused.error.code == Code.E_ACCESSDENIED
    assert phone(directory, accounts["ben"]) == before != "+1 425 5550101"


def test_the_record_has_the_name_that_the_directory_has(engine: Engine, accounts: Mapping[str, Dn], ann: str) -> None:
    result = call_as(engine, Caller("", Ticket(cache=ann)), accounts["ann"], "+1 425 5550102")
    assert engine.transactions.get(result.transaction_id).record.caller == "ann@alpineskihouse.com"


def test_a_name_that_is_claimed_has_to_be_the_holders(engine: Engine, accounts: Mapping[str, Dn], ann: str) -> None:
    for name in ("ann@alpineskihouse.com", "FABRIKAM\\ann", str(accounts["ann"])):
        assert call_as(engine, Caller(name, Ticket(cache=ann)), accounts["ann"], "1").error is None, name
    result = call_as(engine, Caller("Administrator@fabrikam.com", Ticket(cache=ann)), accounts["ann"], "2")
    assert result.error is not None
    assert (result.error.code, result.error.description) == (
        Code.E_ACCESSDENIED,
        "The caller's name or password is wrong, or a wrong one was tried too often.",
    )


def test_somebody_without_a_principal_name_has_the_implicit_one(
    service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn]
) -> None:
    found = Accounts(service).resolve(Caller("", Ticket(cache=tickets.get("ben"))))
    assert found is not None
    assert (found.name.lower(), found.dn.lower()) == ("ben@fabrikam.com", str(accounts["ben"]).lower())


def test_credentials_that_a_host_was_handed(
    engine: Engine, accounts: Mapping[str, Dn], directory: Directory, ann: str
) -> None:
    gssapi = pytest.importorskip("gssapi")
    handed = gssapi.Credentials(usage="initiate", store={"ccache": ann})
    result = call_as(engine, Caller("", Ticket(delegated=handed)), accounts["ann"], "+1 425 5550103")
    assert result.error is None, result.document.decode()
    assert phone(directory, accounts["ann"]) == "+1 425 5550103"


def test_a_cache_that_changes_hands_does_not_lend_its_connection(
    service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn], ann: str, tmp_path: Path
) -> None:
    """Whoever was looked up as ann does not go on as ben, nor the other way round, with a ticket in the same file."""
    file = tmp_path / "cache"
    file.write_bytes(Path(ann.removeprefix("FILE:")).read_bytes())
    ticket = Ticket(cache=f"FILE:{file}")
    first = Accounts(service).resolve(Caller("", ticket))
    assert first is not None
    file.write_bytes(Path(tickets.get("ben").removeprefix("FILE:")).read_bytes())
    with pytest.raises(MpfError, match="another account") as refused:
        service.open(Identity(IdentityKind.CALLER, first.name, first, first.credentials))
    assert refused.value.code == Code.E_ACCESSDENIED
    second = Accounts(service).resolve(Caller("", ticket))
    assert second is not None
    assert (first.sid != second.sid, second.dn.lower()) == (True, str(accounts["ben"]).lower())
    bound = service.open(Identity(IdentityKind.CALLER, second.name, second, second.credentials))
    assert bound.read(accounts["ben"], ["cn"]) is not None


def test_everybody_has_a_connection_of_the_own(
    service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn], directory: Directory, ann: str
) -> None:
    for cache in (ann, tickets.get("ben")):  # the second one finds the first one's connection idle
        found = Accounts(service).resolve(Caller("", Ticket(cache=cache)))
        assert found is not None
        bound = service.open(Identity(IdentityKind.CALLER, found.name, found, found.credentials))
        own = Dn.parse(found.dn)
        (other,) = (dn for dn in accounts.values() if dn != own)
        bound.modify(own, [Modification("telephoneNumber", ModifyOp.REPLACE, ("+1 425 5550105",))])
        with pytest.raises(MpfError) as refused:
            bound.modify(other, [Modification("telephoneNumber", ModifyOp.REPLACE, ("+1 425 5550106",))])
        assert refused.value.code == Code.E_ACCESSDENIED
    assert {phone(directory, dn) for dn in accounts.values()} == {"+1 425 5550105"}


def test_nothing_shows_where_the_ticket_is(
    engine: Engine, accounts: Mapping[str, Dn], ann: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller("", Ticket(cache=ann, delegated=bytes(1)))
    principal = Principal("ann", credentials=caller.credentials)
    with caplog.at_level(logging.DEBUG):
        call_as(engine, Caller("", Ticket(cache=ann)), accounts["ann"], "3")
        failed = call_as(engine, Caller("", Ticket(cache=ann + " of nobody")), accounts["ann"], "3")
    place = ann.removeprefix("FILE:")
    shown = [repr(caller), repr(principal), caplog.text, failed.document.decode(), repr(failed.error)]
    assert caplog.records
    assert [text for text in shown if place in text] == []


def failure(service: DirectoriesService, ticket: Ticket) -> tuple[int, str]:
    with pytest.raises(MpfError) as caught:
        Accounts(service).resolve(Caller("", ticket))
    return caught.value.code, caught.value.description


def test_no_ticket(service: DirectoriesService, tickets: Tickets) -> None:
    code, text = failure(service, Ticket())
    assert (code, "kinit" in text) == (KerberosError.NO_CREDENTIALS, True)
    assert failure(service, Ticket(cache=f"FILE:{tickets.folder / 'missing'}"))[0] == KerberosError.NO_CREDENTIALS


def test_a_cache_without_a_ticket_is_not_made_up_for(
    service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kerberos itself would go on with the keytab of the process, so with an account that is not the caller's."""
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(tickets.keytab("ben")))
    assert failure(service, Ticket(cache=f"FILE:{tickets.folder / 'missing'}"))[0] == KerberosError.NO_CREDENTIALS
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tickets.folder / 'made'}")
    found = Accounts(service).resolve(Caller("", Ticket()))
    assert found is not None
    assert found.dn.lower() == str(accounts["ben"]).lower()


def test_an_expired_ticket(service: DirectoriesService, tickets: Tickets, ann: str) -> None:
    code, text = failure(service, Ticket(cache=tickets.shifted(ann, 24 * 3600)))
    assert (code, "expired" in text) == (KerberosError.CONTEXT_EXPIRED, True)


def test_clocks_that_differ(service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn]) -> None:
    fresh = tickets.get("ben")  # without a ticket for the service, which is asked for by the wrong clock
    code, text = failure(service, Ticket(cache=tickets.shifted(fresh, 3600)))
    assert (code, "clocks" in text) == (KerberosError.TIME_SKEW, True)


def test_a_service_that_kerberos_does_not_know(samba: Samba, ann: str) -> None:
    other = settings(samba, server="AD09.Fabrikam.com", servers={"AD09.Fabrikam.com": samba.endpoint}, verify=False)
    service = DirectoriesService(other, samba.folder, lambda _name: samba.administrator)
    try:
        code, text = failure(service, Ticket(cache=ann))
    finally:
        service.close()
    assert (code, "ldap/AD09.Fabrikam.com" in text) == (KerberosError.TARGET_UNKNOWN, True)


def test_a_service_with_the_key_of_another_account(
    samba: Samba, ann: str, accounts: Mapping[str, Dn], directory: Directory
) -> None:
    register_service(directory, accounts["ben"], "AD08.Fabrikam.com")
    other = settings(samba, server="AD08.Fabrikam.com", servers={"AD08.Fabrikam.com": samba.endpoint}, verify=False)
    service = DirectoriesService(other, samba.folder, lambda _name: samba.administrator)
    try:
        code, text = failure(service, Ticket(cache=ann))
    finally:
        service.close()
    assert code == Result.LOGON_FAILURE
    assert text.startswith("The holder of the Kerberos ticket cannot log on at AD08.Fabrikam.com: ")


def test_no_kerberos_server_answers(
    service: DirectoriesService, tickets: Tickets, accounts: Mapping[str, Dn], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tickets.get("ben")
    silent = tickets.folder / "silent.conf"
    silent.write_text(tickets.configuration.read_text().replace(f"kdc = {tickets.samba.address}", "kdc = 127.0.0.1:1"))
    monkeypatch.setenv("KRB5_CONFIG", str(silent))
    code, text = failure(service, Ticket(cache=fresh))
    assert (code, "krb5.conf" in text) == (KerberosError.NO_AUTHENTICATING_AUTHORITY, True)


def test_without_the_library_it_says_what_to_install(
    service: DirectoriesService, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    code, text = failure(service, Ticket(cache=ann))
    assert (code, "pip install 'mpf-core[kerberos]'" in text) == (KerberosError.SECPKG_NOT_FOUND, True)


def test_a_disabled_account_is_refused(
    service: DirectoriesService, tickets: Tickets, directory: Directory, place: Dn
) -> None:
    account = f"cleo{place.rdn.value[-8:]}"
    dn = add_account(directory, place, account)
    cache = tickets.get(account)
    directory.modify(dn, [Modification("userAccountControl", ModifyOp.REPLACE, ("514",))])
    code, text = failure(service, Ticket(cache=cache))
    assert (code, "disabled" in text) == (KerberosError.LOGON_DENIED, True)


def test_the_service_account_binds_with_a_keytab(samba: Samba, tickets: Tickets, accounts: Mapping[str, Dn]) -> None:
    def nothing_stored(name: str) -> Credentials:
        raise AssertionError(name)

    service = DirectoriesService(settings(samba, keytab=str(tickets.keytab("ben"))), samba.folder, nothing_stored)
    try:
        found = service.service().read(accounts["ben"], ["cn"])
        missing = DirectoriesService(settings(samba, keytab="none"), samba.folder, nothing_stored)
        with pytest.raises(MpfError) as caught:
            missing.service()
    finally:
        service.close()
    assert found is not None
    assert caught.value.code == KerberosError.NO_CREDENTIALS


def test_a_request_from_the_command_line(  # noqa: PLR0917 - fixtures
    run: Run,
    samba: Samba,
    tickets: Tickets,
    accounts: Mapping[str, Dn],
    directory: Directory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "mpf.toml").write_text(
        f"""[plugins]
        enabled = ["mpf.directory", "mpf.policy"]
        [directory]
        backend = "ldap"
        server = "{samba.name}"
        base = "{samba.base}"
        ca_file = "{samba.ca_file}"
        service_account = "{SERVICE_ACCOUNT}"
        servers = {{ "{samba.name}" = "{samba.endpoint}" }}
        [security.permissions]
        trusted_requests = ["Administrator@fabrikam.com"]
        private_procedures = ["Administrator@fabrikam.com"]
        """
    )
    own = samba.administrator
    monkeypatch.setenv(f"MPF_CREDENTIAL_{SERVICE_ACCOUNT.upper()}", f"{own.domain}\\{own.username}:{own.password}")
    request = f"""<request><procedure><execute namespace="{AD}" procedure="Set Properties" impersonate="1"><executeData>
        <path>{LdapPath(None, accounts["ben"])}</path><properties><property name="description">Baker</property></properties>
        </executeData></execute></procedure></request>"""
    (tmp_path / "request.xml").write_text(request)
    nobody = run("submit", "request.xml", "--kerberos")
    assert nobody.exit_code == 1
    assert "0x8009030e" in nobody.stdout.lower()
    monkeypatch.setenv("KRB5CCNAME", tickets.get("Administrator", own.password))
    planned = run("plan", "request.xml", "--kerberos")
    assert planned.exit_code == 0, planned.output
    assert "as administrator@fabrikam.com (caller)" in planned.stdout.lower()
    done = run("submit", "request.xml", "--kerberos")
    assert done.exit_code == 0, done.output
    entry = directory.read(accounts["ben"], ["description"])
    assert entry is not None
    assert entry.text("description") == "Baker"


def test_passwords_still_work_beside_tickets(engine: Engine, accounts: Mapping[str, Dn], directory: Directory) -> None:
    own = Caller("ann@alpineskihouse.com", Credentials("ann", PASSWORD, "FABRIKAM"))
    assert call_as(engine, own, accounts["ann"], "+1 425 5550104").error is None
    assert phone(directory, accounts["ann"]) == "+1 425 5550104"
