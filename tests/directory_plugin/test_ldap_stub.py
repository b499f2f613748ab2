"""What a server may do that Samba does not: ranges, pages, references, silence, restarts."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ldap_connection import Controller
from mpf_directory.port import Scope
from mpf_directory.results import Result
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import Address, DirectorySettings
from tests.directory_plugin.stub import SearchRequest, StubServer

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")

Answer = tuple[Sequence[tuple[str, dict[str, list[str]]]], int]
GROUP = "CN=big,DC=stub,DC=test"
MEMBERS = [f"CN=user{number},DC=stub,DC=test" for number in range(3600)]
SERVICE = Credentials("service@stub.test", "s3cret of the service")
EVERYTHING = Filter.present("objectClass")


def nothing(_request: SearchRequest) -> Answer:
    return [], 0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    server = StubServer(tmp_path_factory.mktemp("stub"), nothing)
    yield server
    server.close()


@pytest.fixture
def stub(running: StubServer) -> StubServer:
    running.search = nothing
    running.reset()
    return running


@pytest.fixture
def service(stub: StubServer) -> Iterator[DirectoriesService]:
    opened = service_at(stub)
    yield opened
    opened.close()


def service_at(stub: StubServer, **settings: object) -> DirectoriesService:
    config = {
        "backend": "ldap",
        "server": "stub.test",
        "servers": {"stub.test": f"127.0.0.1:{stub.port}"},
        "base": "DC=stub,DC=test",
        "ca_file": str(stub.certificate),
        "service_account": "service",
        "timeout": 1,
        **settings,
    }
    return DirectoriesService(DirectorySettings.model_validate(config), Path(), lambda _name: SERVICE)


def ranged(request: SearchRequest, *, upto: int = len(MEMBERS)) -> Answer:
    asked = request.attributes[0]
    start = int(asked.partition("=")[2].partition("-")[0] or 0)
    if start >= upto:
        return [(request.base, {})], 0
    end = start + 1500
    bounds = f"{start}-{'*' if end >= len(MEMBERS) else end - 1}"
    return [(request.base, {"member": [], f"member;range={bounds}": MEMBERS[start:end]})], 0


def test_a_ranged_attribute_is_read_to_its_end(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = ranged
    entry = service.service().read(Dn.parse(GROUP), ["member"])
    assert entry is not None
    assert entry.values("member") == tuple(MEMBERS)
    assert set(entry.attributes) == {"member"}


def test_a_ranged_attribute_is_read_to_its_end_in_a_search_too(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda request: ranged(SearchRequest(GROUP, request.attributes, None))
    (entry,) = service.service().search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["member"])
    assert entry.values("member") == tuple(MEMBERS)


def test_a_part_of_a_ranged_attribute_is_an_error_and_not_the_whole(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda request: ranged(request, upto=3000)
    with pytest.raises(MpfError) as raised:
        service.service().read(Dn.parse(GROUP), ["member"])
    assert "3000" in raised.value.description


class Changing:
    """A group that changes after so many parts of it were read: one member goes, another one comes."""

    def __init__(self, stub: StubServer, *changes_after: int) -> None:
        self.members, self.usn, self.parts = list(MEMBERS), 1, 0
        self._changes_after = changes_after
        stub.search = self.search

    def search(self, request: SearchRequest) -> Answer:
        asked = request.attributes[0]
        start = int(asked.partition("=")[2].partition("-")[0] or 0)
        end = start + 1500
        bounds = f"{start}-{'*' if end >= len(self.members) else end - 1}"
        found = {f"member;range={bounds}": self.members[start:end]}
        if "uSNChanged" in request.attributes:
            found["uSNChanged"] = [str(self.usn)]
        self.parts += 1
        if self.parts in self._changes_after:
            # One goes and one comes, so that the numbers of values are what they were.
            self.members = [*self.members[1:], f"CN=new{self.parts},DC=stub,DC=test"]
            self.usn += 1
        return [(request.base, found)], 0


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_ranged_attribute_that_changes_between_its_parts_is_read_again(
    stub: StubServer, service: DirectoriesService, after: int
) -> None:
    group = Changing(stub, after)
    entry = service.service().read(Dn.parse(GROUP), ["member"])
    assert entry is not None
    assert entry.values("member") == tuple(group.members)
    assert entry.values("uSNChanged") == ()


def test_one_that_changes_all_the_while_is_an_error(stub: StubServer, service: DirectoriesService) -> None:
    group = Changing(stub, *range(100))
    with pytest.raises(MpfError) as raised:
        service.service().read(Dn.parse(GROUP), ["member"])
    assert raised.value.code == Code.LOCK_VIOLATION
    assert group.parts < 20


def test_what_is_given_whole_with_its_range_is_not_read_again(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda request: ([(request.base, {"member;range=0-*": MEMBERS[:3]})], 0)
    entry = service.service().read(Dn.parse(GROUP), ["member"])
    assert entry is not None
    assert entry.values("member") == tuple(MEMBERS[:3])
    assert len(stub.requests) == 1


def paged(request: SearchRequest) -> Answer:
    page = int(request.cookie or b"0")
    request.next_cookie = str(page + 1).encode() if page < 2 else b""
    return [(f"CN=user{page}-{number},DC=stub,DC=test", {"cn": ["x"]}) for number in range(3)], 0


def test_all_pages_are_read_and_references_are_left_out(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = paged
    found = service.service().search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"])
    assert [entry.dn.rdn.value for entry in found] == [f"user{p}-{n}" for p in range(3) for n in range(3)]
    assert len(stub.requests) == 3


def test_no_more_pages_are_read_than_are_taken(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = paged
    directory = service.service()
    found = directory.search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"])
    # A search that is under way does not stand in the way of another operation.
    assert next(found).dn.rdn.value == "user0-0"
    assert directory.read(Dn.parse(GROUP)) is not None
    del found
    assert [request.cookie for request in stub.requests] == [b"", None]
    limited = directory.search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"], limit=2)
    assert len(list(limited)) == 2


def test_a_search_that_is_not_read_to_its_end_gives_its_connection_back(stub: StubServer) -> None:
    service = service_at(stub, connections=2)
    stub.search = paged
    directory = service.service()
    for taken in (1, 4, 7):
        found = directory.search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"])
        assert len(list(islice(found, taken))) == taken
        del found
        assert directory.read(Dn.parse(GROUP)) is not None
    assert len(stub.binds) == 1
    service.close()


def test_so_does_one_in_which_whoever_reads_it_fails(stub: StubServer) -> None:
    service = service_at(stub, connections=2)
    stub.search = paged
    directory = service.service()

    def fails() -> None:
        for entry in directory.search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"]):
            raise ValueError(entry.dn)

    kept = []
    for _ in range(3):
        with pytest.raises(ValueError, match="user0-0") as raised:
            fails()
        # The error still knows where it was raised, and with that all that was there.
        kept.append(raised.value)
    assert directory.read(Dn.parse(GROUP)) is not None
    assert len(stub.binds) == 1
    service.close()


def test_an_error_after_the_first_page_is_raised(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda request: paged(request) if not request.cookie else ([], 3)
    found = service.service().search(Dn.parse("DC=stub,DC=test"), Scope.SUBTREE, EVERYTHING, ["cn"])
    with pytest.raises(MpfError) as raised:
        list(found)
    assert raised.value.code == Result.TIMELIMIT_EXCEEDED
    assert "the server's own words" in raised.value.description


def test_a_referral_is_not_followed(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda _request: ([], 10)
    with pytest.raises(MpfError) as raised:
        service.service().read(Dn.parse(GROUP))
    assert raised.value.code == Result.REFERRAL


@pytest.mark.slow
def test_silence_is_a_server_that_is_down(stub: StubServer, service: DirectoriesService) -> None:
    directory = service.service()
    stub.silent = True
    with pytest.raises(MpfError) as raised:
        directory.read(Dn.parse(GROUP))
    assert raised.value.code == Code.SERVER_DOWN
    with pytest.raises(MpfError) as raised:
        service_at(stub).service()
    assert raised.value.code == Code.SERVER_DOWN


def test_a_name_that_nobody_resolves_is_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60))
    controller = Controller("stub.test", Address("stub.test", 636), ssl.create_default_context(), timeout=0.05)
    try:
        with pytest.raises(MpfError) as raised:
            controller.connect(SERVICE)
        assert not over.is_set()
    finally:
        over.set()
    assert raised.value.code == Code.SERVER_DOWN
    assert "stub.test does not answer" in raised.value.description


def test_a_name_that_there_is_not_is_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    controller = Controller("stub.test", Address("stub.test", 636), ssl.create_default_context(), timeout=5)
    with pytest.raises(MpfError) as raised:
        controller.connect(SERVICE)
    assert raised.value.code == Code.SERVER_DOWN
    assert "Name or service not known" in raised.value.description


def test_a_closed_port_is_a_server_that_is_down(stub: StubServer) -> None:
    with pytest.raises(MpfError) as raised:
        service_at(stub, servers={"stub.test": "127.0.0.1:1"}).service()
    assert raised.value.code == Code.SERVER_DOWN
    assert "stub.test" in raised.value.description


def test_connections_are_kept_and_made_anew_when_the_server_restarted(stub: StubServer, service: DirectoriesService) -> None:
    stub.search = lambda request: ([(request.base, {"cn": ["x"]})], 0)
    for _ in range(5):
        assert service.service().read(Dn.parse(GROUP)) is not None
    assert stub.binds == ["service@stub.test"]
    stub.drop_connections()
    assert service.service().read(Dn.parse(GROUP)) is not None
    assert len(stub.binds) == 2


def test_each_account_has_connections_of_its_own(stub: StubServer, service: DirectoriesService) -> None:
    for account in ("a@stub.test", "b@stub.test", "a@stub.test"):
        service.open(Identity(IdentityKind.BASIC, account, credentials=Credentials(account, "x")))
    service.open(Identity(IdentityKind.BASIC, "c", credentials=Credentials("c", "x", "STUB")))
    others = [name for name in stub.binds if name != SERVICE.username]  # which looks up whose names they are
    assert others == ["a@stub.test", "b@stub.test", "STUB\\c"]


def test_under_the_impersonation_of_policies_the_service_account_acts(stub: StubServer) -> None:
    service = service_at(stub, impersonation="policy")
    service.open(Identity(IdentityKind.CALLER, "johnc@stub.test"))
    service.close()
    assert stub.binds == ["service@stub.test"]


def test_a_server_that_is_not_configured_is_refused_without_a_connection(
    stub: StubServer, service: DirectoriesService
) -> None:
    with pytest.raises(MpfError) as raised:
        service.open(Identity(IdentityKind.SERVICE, "x"), f"127.0.0.1:{stub.port}")
    assert raised.value.code == Code.E_ACCESSDENIED
    assert stub.binds == []


def test_a_wrong_password_stays_out_of_the_error(stub: StubServer, service: DirectoriesService) -> None:
    stub.bind_result = 49
    with pytest.raises(MpfError) as raised:
        service.service()
    assert raised.value.code == Result.LOGON_FAILURE
    assert SERVICE.password not in str(raised.value)
    assert SERVICE.password not in repr(service.__dict__)


def test_a_password_that_was_wrong_too_often_is_not_tried(stub: StubServer, service: DirectoriesService) -> None:
    def domain(request: SearchRequest) -> Answer:
        found = {"lockoutThreshold": ["3"], "lockOutObservationWindow": ["-18000000000"]}
        return ([(request.base, found)], 0) if "lockoutThreshold" in request.attributes else ([], 0)

    stub.search = domain
    service.service()
    stub.bind_result = 49
    for code in (Result.LOGON_FAILURE, Result.LOGON_FAILURE, Code.E_ACCESSDENIED):
        with pytest.raises(MpfError) as raised:
            service.open(Identity(IdentityKind.BASIC, "a", credentials=Credentials("A@stub.test", "wrong")))
        assert raised.value.code == code
    assert stub.binds.count("A@stub.test") == 2  # one less than locks an account out
    assert len([one for one in stub.requests if "lockoutThreshold" in one.attributes]) == 1


def test_an_accounts_own_settings_count_before_the_domains(stub: StubServer, service: DirectoriesService) -> None:
    guid, pso = uuid4(), "CN=strict,DC=stub,DC=test"

    def answer(request: SearchRequest) -> Answer:
        match request.attributes[0]:
            case "lockoutThreshold":
                return [(request.base, {"lockoutThreshold": ["10"]})], 0
            case "msDS-ResultantPSO" if request.base == f"<GUID={guid}>":
                return [("CN=strictly,DC=stub,DC=test", {"msDS-ResultantPSO": [pso]})], 0
            case "msDS-LockoutThreshold" if request.base == pso:
                return [(pso, {"msDS-LockoutThreshold": ["2"], "msDS-LockoutObservationWindow": ["-36000000000"]})], 0
        return [], 0

    stub.search = answer
    with service.attempt(str(guid)) as attempt:
        attempt.failed()
    with pytest.raises(MpfError, match=r"try again in 3[56]\d\d seconds"):
        service.attempt(str(guid))
    another = str(uuid4())
    for _ in range(3):
        with service.attempt(another) as attempt:
            attempt.failed()
