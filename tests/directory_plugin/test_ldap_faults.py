"""What becomes of reads and writes when a server restarts, says farewell, refers elsewhere, is busy or cuts the line."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Modification, ModifyOp, Scope
from mpf_directory.results import NoAnswerError, Result
from mpf_directory.service import DirectoriesService
from tests.directory_plugin.stub import SearchRequest, StubServer
from tests.directory_plugin.test_ldap_stub import EVERYTHING, GROUP, Answer, nothing, paged, service_at

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")

BASE = Dn.parse("DC=stub,DC=test")
CHANGE = [Modification("description", ModifyOp.REPLACE, ("x",))]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    server = StubServer(tmp_path_factory.mktemp("stub"), nothing)
    yield server
    server.close()


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    server = StubServer(tmp_path_factory.mktemp("second"), nothing, name="second.test")
    yield server
    server.close()


@pytest.fixture
def stub(running: StubServer) -> StubServer:
    running.reset()
    running.search = lambda request: ([(request.base, {"cn": ["x"]})], 0)
    return running


@pytest.fixture
def service(stub: StubServer) -> Iterator[DirectoriesService]:
    opened = service_at(stub)
    yield opened
    opened.close()


def error_of(act: Callable[..., object], *arguments: object) -> MpfError:
    with pytest.raises(MpfError) as raised:
        act(*arguments)
    return raised.value


def busy_first(times: int, code: int = 51) -> Callable[[SearchRequest], Answer]:
    left = [times]

    def search(request: SearchRequest) -> Answer:
        if left[0]:
            left[0] -= 1
            return [], code
        return [(request.base, {"cn": ["x"]})], 0

    return search


class TestReads:
    @pytest.mark.parametrize("code", [51, 52])
    def test_a_busy_server_is_asked_again(self, stub: StubServer, service: DirectoriesService, code: int) -> None:
        stub.search = busy_first(2, code)
        assert service.service().read(Dn.parse(GROUP)) is not None
        assert len(stub.requests) == 3

    def test_one_that_stays_busy_is_not_asked_for_ever(self, stub: StubServer) -> None:
        stub.search = lambda _request: ([], 51)
        service = service_at(stub, attempts=2)
        assert error_of(service.service().read, Dn.parse(GROUP)).code == Result.BUSY
        assert len(stub.requests) == 2
        service.close()

    def test_a_notice_of_disconnection_is_no_answer(self, stub: StubServer, service: DirectoriesService) -> None:
        directory = service.service()
        stub.farewells = 1
        assert directory.read(Dn.parse(GROUP)) is not None
        assert len(stub.binds) == 2

    def test_a_restart_between_two_pages_loses_nothing_and_gives_nothing_twice(
        self, stub: StubServer, service: DirectoriesService
    ) -> None:
        stub.search = paged
        directory = service.service()
        found = directory.search(BASE, Scope.SUBTREE, EVERYTHING, ["cn"])
        names = [next(found).dn.rdn.value]
        stub.drop_connections()
        names += [entry.dn.rdn.value for entry in found]
        assert names == [f"user{page}-{number}" for page in range(3) for number in range(3)]

    def test_a_page_limit_without_paging_is_an_error_and_not_a_part(
        self, stub: StubServer, service: DirectoriesService
    ) -> None:
        stub.search = lambda request: ([(f"CN=user{n},{request.base}", {"cn": ["x"]}) for n in range(10)], 4)
        directory = service.service()
        error = error_of(lambda: list(directory.search(BASE, Scope.SUBTREE, EVERYTHING, ["cn"])))
        assert error.code == Result.SIZELIMIT_EXCEEDED

    @pytest.mark.slow
    def test_no_read_waits_longer_than_the_request_may(self, stub: StubServer) -> None:
        service = service_at(stub, timeout=30)
        directory = service.service(deadline=time.monotonic() + 0.5)
        stub.silent = True
        begun = time.monotonic()
        assert error_of(directory.read, Dn.parse(GROUP)).code == Code.TIMEOUT
        assert time.monotonic() - begun < 10
        service.close()

    def test_nothing_is_begun_when_time_is_over(self, stub: StubServer, service: DirectoriesService) -> None:
        service.service()
        late = service.service
        assert error_of(lambda: late(deadline=time.monotonic() - 1).read(Dn.parse(GROUP))).code == Code.TIMEOUT
        assert stub.requests == []


def writes_of(directory: Directory) -> Sequence[tuple[str, Callable[[], None]]]:
    dn = Dn.parse(GROUP)
    return (
        ("modifyRequest", lambda: directory.modify(dn, CHANGE)),
        ("addRequest", lambda: directory.add(dn, {"objectClass": ("container",)})),
        ("delRequest", lambda: directory.delete(dn)),
        ("modDNRequest", lambda: directory.rename(dn, BASE.child("CN", "other"))),
    )


class TestWrites:
    def test_a_change_whose_answer_got_lost_is_not_sent_again(self, stub: StubServer, service: DirectoriesService) -> None:
        stub.write = lambda _kind, _dn: None
        for kind, change in writes_of(service.service()):
            stub.writes.clear()
            error = error_of(change)
            assert isinstance(error, NoAnswerError)
            assert (error.code, error.sent) == (Code.SERVER_DOWN, True)
            assert [made for made, _ in stub.writes] == [kind]

    @pytest.mark.parametrize("code", [51, 52])
    def test_a_busy_server_is_not_asked_to_change_something_twice(
        self, stub: StubServer, service: DirectoriesService, code: int
    ) -> None:
        stub.write = lambda _kind, _dn: code
        for _, change in writes_of(service.service()):
            stub.writes.clear()
            assert error_of(change).code in {Result.BUSY, Result.UNAVAILABLE}
            assert len(stub.writes) == 1

    def test_a_connection_that_has_ended_since_is_no_reason_to_fail(
        self, stub: StubServer, service: DirectoriesService
    ) -> None:
        directory = service.service()
        stub.drop_connections()
        directory.modify(Dn.parse(GROUP), CHANGE)
        assert [kind for kind, _ in stub.writes] == ["modifyRequest"]

    def test_a_notice_of_disconnection_leaves_the_outcome_open(self, stub: StubServer, service: DirectoriesService) -> None:
        directory = service.service()
        stub.farewells = 1
        error = error_of(directory.modify, Dn.parse(GROUP), CHANGE)
        assert isinstance(error, NoAnswerError)
        assert error.sent
        assert "ends the connection" in error.description

    def test_what_was_sent_is_waited_for_even_when_the_requests_time_is_over(self, stub: StubServer) -> None:
        def slow(_kind: str, _dn: str) -> int:
            time.sleep(0.6)
            return 0

        stub.write = slow
        service = service_at(stub, timeout=10)
        service.service(deadline=time.monotonic() + 0.3).modify(Dn.parse(GROUP), CHANGE)
        service.close()


class TestReferrals:
    def two(self, stub: StubServer, second: StubServer) -> DirectoriesService:
        bundle = stub.certificate.with_name("both.pem")
        bundle.write_text(stub.certificate.read_text() + second.certificate.read_text())
        servers = {"stub.test": f"127.0.0.1:{stub.port}", "second.test": f"127.0.0.1:{second.port}"}
        return service_at(stub, servers=servers, ca_file=str(bundle))

    def test_to_a_configured_server_it_is_followed_for_reads_and_writes(self, stub: StubServer, second: StubServer) -> None:
        second.reset()
        second.search = lambda request: ([(request.base, {"cn": ["from the second"]})], 0)
        stub.referrals = ["ldap://second.test/CN=moved,DC=other,DC=test"]
        stub.search = lambda _request: ([], 10)
        stub.write = lambda _kind, _dn: 10
        service = self.two(stub, second)
        entry = service.service().read(Dn.parse(GROUP))
        assert entry is not None
        assert entry.text("cn") == "from the second"
        assert second.requests[0].base == "CN=moved,DC=other,DC=test"
        service.service().modify(Dn.parse(GROUP), CHANGE)
        assert second.writes == [("modifyRequest", "CN=moved,DC=other,DC=test")]
        service.close()

    @pytest.mark.parametrize(
        "url", ["ldap://evil.test/DC=stub,DC=test", "ldaps://127.0.0.1:1/", "http://second.test/", ":::"]
    )
    def test_to_any_other_it_is_refused_before_any_connection(self, stub: StubServer, second: StubServer, url: str) -> None:
        second.reset()
        stub.referrals = [url]
        stub.search = lambda _request: ([], 10)
        service = self.two(stub, second)
        error = error_of(service.service().read, Dn.parse(GROUP))
        assert error.code == Result.REFERRAL
        assert "directory.servers does not name" in error.description
        assert second.binds == []
        service.close()

    def test_servers_that_refer_to_each_other(self, stub: StubServer, second: StubServer) -> None:
        second.reset()
        for one, other in ((stub, "second.test"), (second, "stub.test")):
            one.referrals = [f"ldap://{other}/"]
            one.search = lambda _request: ([], 10)
        service = self.two(stub, second)
        elsewhere = Dn.parse("CN=moved,DC=other,DC=test")
        assert error_of(service.service().read, elsewhere).code == Result.REFERRAL_LIMIT_EXCEEDED
        service.close()

    @pytest.mark.parametrize("name", ["", "CN=moved,DC=Stub,DC=Test"])
    def test_for_the_servers_own_domain_it_is_refused(self, stub: StubServer, second: StubServer, name: str) -> None:
        second.reset()
        stub.referrals = [f"ldap://second.test/{name}"]
        stub.search = lambda _request: ([], 10)
        stub.write = lambda _kind, _dn: 10
        service = self.two(stub, second)
        directory = service.service()
        for asked in (Dn.parse(GROUP), Dn.by_guid(UUID(int=1))):
            for error in (error_of(directory.read, asked), error_of(directory.modify, asked, CHANGE)):
                assert error.code == Result.REFERRAL
                assert "stays at one domain controller" in error.description
        assert second.binds == []
        service.close()

    def test_references_among_the_results_are_left_out(self, stub: StubServer, service: DirectoriesService) -> None:
        # The stub sends one with every search.
        assert len(list(service.service().search(BASE, Scope.SUBTREE, Filter.present("cn"), ["cn"]))) == 1


class TestPinned:
    def test_a_domain_controller_that_does_not_answer_is_not_replaced(self, stub: StubServer) -> None:
        servers = {"stub.test": f"127.0.0.1:{stub.port}", "down.test": "127.0.0.1:1"}
        service = service_at(stub, servers=servers)
        error = error_of(service.open, Identity(IdentityKind.SERVICE, "x"), "down.test")
        assert error.code == Code.SERVER_DOWN
        assert "down.test" in error.description
        assert stub.binds == []
        service.close()

    def test_no_more_connections_than_allowed_and_who_needs_one_waits(self, stub: StubServer) -> None:
        stub.search = paged
        service = service_at(stub, connections=2, timeout=1)
        directory = service.service()
        searches = [directory.search(BASE, Scope.SUBTREE, EVERYTHING, ["cn"]) for _ in range(2)]
        for search in searches:
            next(search)
        assert error_of(directory.read, Dn.parse(GROUP)).code == Result.BUSY
        list(searches.pop())
        assert directory.read(Dn.parse(GROUP)) is not None
        assert len(stub.binds) <= 3
        del searches
        service.close()


@pytest.mark.parametrize(
    ("code", "message", "hresult"),
    [
        (49, "80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data 52e, v4563", 0x8007052E),
        (49, "80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data 533, v4563", 0x80070533),
        (49, "80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data 775, v4563", 0x80070775),
        (49, "anything else", 0x8007052E),
    ],
)
def test_why_a_logon_was_refused(stub: StubServer, code: int, message: str, hresult: int) -> None:
    stub.bind_result, stub.message = code, message
    error = error_of(service_at(stub).service)
    assert error.code == hresult
    assert message in error.description


@pytest.mark.parametrize(
    ("code", "message", "hresult"),
    [
        (50, "00002098: SecErr: DSID-03150E8A, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0", Code.E_ACCESSDENIED),
        (53, "0000052D: SvcErr: DSID-031A129B, problem 5003 (WILL_NOT_PERFORM), data 0", Result.UNWILLING_TO_PERFORM),
        (68, "00002071: UpdErr: DSID-031B0D6B, problem 6005 (ENTRY_EXISTS), data 0", Code.OBJECT_ALREADY_EXISTS),
        (80, "0000208C: UpdErr: DSID-03050D4D, problem 6002 (NOT_SUPPORTED)", 0x8007208C),
        (80, "no words", Result.GEN_FAILURE),
    ],
)
def test_results_become_documented_codes_with_the_servers_words(
    stub: StubServer, service: DirectoriesService, code: int, message: str, hresult: int
) -> None:
    stub.message = message
    stub.write = lambda _kind, _dn: code
    error = error_of(service.service().modify, Dn.parse(GROUP), CHANGE)
    assert error.code == hresult
    assert message in error.description
