"""The way to a controller: TLS from the beginning or by StartTLS, and a certificate that is the controller's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_directory.dn import Dn
from mpf_directory.service import DirectoriesService
from tests.directory_plugin.stub import StubServer
from tests.directory_plugin.test_ldap_stub import GROUP, nothing, service_at

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    server = StubServer(tmp_path_factory.mktemp("starttls"), nothing, start_tls=True)
    yield server
    server.close()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    """A server with the certificate of another host."""
    server = StubServer(tmp_path_factory.mktemp("other"), nothing, name="other.test")
    yield server
    server.close()


@pytest.fixture
def stub(starting: StubServer) -> StubServer:
    starting.reset()
    starting.search = lambda request: ([(request.base, {"cn": ["x"]})], 0)
    return starting


def refused(service: DirectoriesService, code: int = Code.SERVER_DOWN) -> str:
    with pytest.raises(MpfError) as raised:
        service.service()
    assert raised.value.code == code
    return raised.value.description


def test_start_tls(stub: StubServer) -> None:
    service = service_at(stub, tls="starttls")
    assert service.service().read(Dn.parse(GROUP)) is not None
    service.close()
    assert stub.binds == ["service@stub.test"]


def test_a_server_that_refuses_start_tls_gets_no_password(stub: StubServer) -> None:
    stub.start_tls_result = 53
    text = refused(service_at(stub, tls="starttls"), 0x80072035)
    assert "refuses StartTLS" in text
    assert "the server's own words" in text
    assert stub.binds == []


def test_what_was_said_before_tls_began_counts_for_nothing(stub: StubServer) -> None:
    stub.before_tls = b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
    assert refused(service_at(stub, tls="starttls"))
    assert stub.binds == []


def test_tls_from_the_beginning_at_a_server_that_expects_start_tls(stub: StubServer) -> None:
    assert refused(service_at(stub))
    assert stub.binds == []


@pytest.mark.parametrize("tls", ["ldaps", "starttls"])
def test_a_certificate_of_nobody_known(starting: StubServer, other: StubServer, tls: str) -> None:
    server = starting if tls == "starttls" else other
    server.reset()
    text = refused(service_at(server, tls=tls, ca_file=None))
    assert "is not trusted" in text
    assert server.binds == []


def test_a_certificate_of_another_host(other: StubServer) -> None:
    other.reset()
    text = refused(service_at(other))
    assert "is not trusted" in text
    assert "stub.test" in text
    assert other.binds == []


def test_not_to_check_certificates_has_to_be_said(other: StubServer) -> None:
    other.reset()
    service = service_at(other, verify=False, ca_file=None)
    service.service()
    service.close()
    assert other.binds == ["service@stub.test"]


def test_a_file_of_certificates_that_is_none(stub: StubServer, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("nothing")
    for name in ("none.pem", "missing.pem"):
        with pytest.raises(ConfigError, match=name):
            service_at(stub, ca_file=str(tmp_path / name))
