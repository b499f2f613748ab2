"""``mpfctl directory check`` on a real server: a seeded one, other accounts, and rights that go too far."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core.security.principal import Credentials
from mpf_directory.check import Finding, Ground, Status, ask
from mpf_directory.commands import QUESTIONS
from mpf_directory.dn import Dn
from mpf_directory.ldap import LdapDirectory
from mpf_directory.port import Directory, Section
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from tests.samba.controller import Samba, engine_config
from tests.samba.test_acl import Unit, grant

pytestmark = [pytest.mark.samba, pytest.mark.slow]

ALPINE = "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting"


def findings(samba: Samba, account: Credentials | None = None, **settings: object) -> list[Finding]:
    checked = DirectorySettings.model_validate({**engine_config(samba), **settings})
    service = DirectoriesService(checked, samba.folder, lambda _: account or samba.administrator)
    try:
        return list(ask(Ground(service, checked), QUESTIONS))
    finally:
        service.close()


def those(found: list[Finding], status: Status, subject: str = "") -> list[str]:
    return [one.detail for one in found if one.status is status and subject in {"", one.subject}]


@pytest.fixture
def unit(seeded: Directory, place: Dn) -> Iterator[Unit]:
    """The customer's unit, whose descriptor is put back after the test."""
    made = Unit(seeded, place)
    made.dn = Dn.parse(f"{ALPINE},{seeded.base}")
    before = made.octets()
    yield made
    assert isinstance(seeded, LdapDirectory)
    seeded.write_descriptor(made.dn, before, Section.DACL)


def test_a_seeded_directory_is_ready(samba: Samba, seeded: Directory) -> None:
    found = findings(samba)
    assert those(found, Status.MISSING) == []
    assert {one.subject for one in found if one.status is Status.OK} >= {
        "connection", "bind", "schema", "RTC Service", "pools", "Hosting unit", "organizations", "framework", "rights", "forest",
    }  # fmt: skip
    assert all(one.advice for one in found if one.status is not Status.OK)


def test_a_certificate_that_nobody_vouches_for_and_one_that_is_not_checked(samba: Samba, seeded: Directory) -> None:
    found = findings(samba, ca_file=None)
    assert [one.status for one in found] == [Status.MISSING]
    assert "certificate" in found[0].detail.lower()
    found = findings(samba, ca_file=None, verify=False)
    assert those(found, Status.MISSING) == []
    assert "certificates are not checked, so anybody may be the server" in those(found, Status.WARNING, "connection")


def test_a_wrong_password_and_a_second_controller_that_is_away(samba: Samba, seeded: Directory) -> None:
    wrong = Credentials("Administrator", "wrong", "FABRIKAM")
    (only,) = findings(samba, wrong)
    assert only.status is Status.MISSING
    assert "cannot log on" in only.detail
    servers = {samba.name: samba.endpoint, "AD02.Fabrikam.com": f"{samba.address}:9"}
    found = findings(samba, servers=servers)
    assert those(found, Status.MISSING) == []
    assert [text.partition(":")[0] for text in those(found, Status.WARNING, "connection")] == ["AD02.Fabrikam.com"]


def test_an_account_with_too_few_rights(samba: Samba, unit: Unit) -> None:
    found = findings(samba, Credentials(unit.account, "Pass-w0rd of one", "FABRIKAM"))
    missing = those(found, Status.MISSING)
    assert missing == those(found, Status.MISSING, "rights")
    assert any(
        "create serviceConnectionPoint" in text or "create container, serviceConnectionPoint" in text for text in missing
    )
    assert any("write msRTCSIP-PrimaryUserAddress" in text for text in missing)


@pytest.mark.parametrize(
    ("ace", "warned"),
    [
        ({}, set()),
        ({"permission": "WRITE_DAC"}, {"otherWellKnownObjects", "uPNSuffixes"}),
        ({"permission": "GENERIC_WRITE"}, {"otherWellKnownObjects", "uPNSuffixes"}),
        ({"permission": "ADS_RIGHT_DS_WRITE_PROP", "objectTypeName": "uPNSuffixes"}, {"uPNSuffixes"}),
        ({"permission": "ADS_RIGHT_DS_WRITE_PROP", "objectTypeName": "description"}, set()),
        ({"permission": "GENERIC_WRITE", "inheritance": "CONTAINER_INHERIT_ACE|INHERIT_ONLY_ACE"}, {"msRTCSIP-*"}),
    ],
)
def test_what_administrators_can_write(samba: Samba, unit: Unit, ace: dict[str, str], warned: set[str]) -> None:
    if ace:
        admins = f"LDAP://CN=Admins@AlpineSkiHouse,{unit.dn}"
        unit.update({**grant(admins), **ace})
    texts = those(findings(samba), Status.WARNING, "administrators")
    assert all("OU=AlpineSkiHouse" in text for text in texts), texts
    said = {"otherWellKnownObjects": " its otherW", "uPNSuffixes": " its uPN", "msRTCSIP-*": " write msRTCSIP-Pri"}
    assert {name for name, words in said.items() if any(words in text for text in texts)} == warned
    assert len(texts) == len(warned)


def test_what_a_deny_takes_away(samba: Samba, unit: Unit) -> None:
    admins = f"LDAP://CN=Admins@AlpineSkiHouse,{unit.dn}"
    unit.update(
        grant(admins, "GENERIC_WRITE"),
        *(grant(admins, "ADS_RIGHT_DS_WRITE_PROP", "DENY_ACCESS", objectTypeName=name) for name in
          ("otherWellKnownObjects", "uPNSuffixes")),
    )  # fmt: skip
    assert those(findings(samba), Status.WARNING, "administrators") == []


def test_reservations_that_others_could_take(samba: Samba, unit: Unit) -> None:
    place = Dn.parse(f"CN=SIPDomainReservations,CN=Services,CN=_Private,OU=Hosting,{unit.directory.base}")
    admins = f"LDAP://CN=Admins@AlpineSkiHouse,{unit.dn}"
    ctx, change = unit.update(grant(admins, "ADS_RIGHT_DS_WRITE_PROP", objectTypeName="managedBy"), dn=place)
    (text,) = those(findings(samba), Status.WARNING, "administrators")
    assert "managedBy" in text
    unit.provider.undo(ctx, change)
