"""Whom a directory is bound as: what one identity has read answers another only where that is the same account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Principal
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings

JOHN, ANN = Credentials("john", "one"), Credentials("ann", "two")
SERVICE = Identity(IdentityKind.SERVICE, "MPFServiceAcct")


def caller(credentials: Credentials | None) -> Identity:
    return Identity(IdentityKind.CALLER, "john", Principal("john", credentials=credentials))


def stored(name: str) -> Credentials:
    return Credentials(name, "of the service")


@pytest.fixture(params=["bind", "policy"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DirectoriesService]:
    settings = DirectorySettings.model_validate(
        {
            "backend": "ldap",
            "servers": {"AD01.Fabrikam.com": "127.0.0.1:1"},
            "server": "AD01.Fabrikam.com",
            "base": "DC=Fabrikam,DC=Com",
            "service_account": "directory",
            "impersonation": request.param,
        }
    )
    opened = DirectoriesService(settings, tmp_path, stored)
    yield opened
    opened.close()


def test_who_has_credentials_is_an_account_of_its_own(service: DirectoriesService) -> None:
    accounts = [service.account(identity) for identity in (SERVICE, caller(JOHN), caller(ANN))]
    assert len(set(accounts)) == 3


def test_another_password_is_another_account(service: DirectoriesService) -> None:
    assert service.account(caller(JOHN)) != service.account(caller(Credentials("john", "another")))


@pytest.mark.parametrize("kind", [IdentityKind.BASIC, IdentityKind.EXECUTE_AS, IdentityKind.RECOVERY])
def test_credentials_that_a_call_was_given_count(service: DirectoriesService, kind: IdentityKind) -> None:
    assert service.account(Identity(kind, "ann", credentials=ANN)) == ANN


def test_recovery_is_the_operator_even_where_the_caller_is_known(service: DirectoriesService) -> None:
    assert service.account(Identity(IdentityKind.RECOVERY, "john", Principal("john", credentials=JOHN))) is None


def test_the_operators_own_account_is_none(service: DirectoriesService) -> None:
    assert service.account(SERVICE) is None


def test_a_caller_for_whom_the_operator_acts_sees_what_the_operator_sees(service: DirectoriesService) -> None:
    assert service.account(caller(None)) is service.account(SERVICE)


@pytest.mark.parametrize("service", ["bind"], indirect=True)
def test_and_where_nobody_acts_for_it_there_is_nothing_to_be_remembered(service: DirectoriesService) -> None:
    with pytest.raises(MpfError, match="whose password is not known"):
        service.open(caller(None))
