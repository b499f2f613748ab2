"""What the audit says of requests: who, for whom, as whom, and how it ended; refused ones too."""

from __future__ import annotations

from mpf_core import Caller
from mpf_core.store.port import AuditEntry
from mpf_core.testing import AllowAll
from tests.support import CALLER, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put


def lines(bench: Bench) -> list[AuditEntry]:
    return [line.entry for line in bench.engine.store.audit.lines()]


def test_a_request_has_a_begin_and_an_end(bench: Bench) -> None:
    result = bench.run(put("a"))
    begin, end = (entry for entry in lines(bench) if entry.event.startswith("request."))
    assert (begin.event, end.event) == ("request.begin", "request.end")
    assert begin.transaction_id == end.transaction_id == result.transaction_id
    assert (begin.caller, begin.procedure) == (CALLER.name, "Store::Put")
    assert end.details == {"state": "committed", "committed": 1}


def test_a_failed_one_has_its_code(bench: Bench) -> None:
    bench.run(put("a") + FAIL)
    end = lines(bench)[-1]
    assert end.details == {"state": "rolled-back", "code": "0x80004005", "undone": 1}
    assert end.identity == "MPFServiceAcct"


def test_a_reading_one_is_there_too(bench: Bench) -> None:
    bench.run('<execute namespace="Store" procedure="Get"><executeData><name>a</name></executeData></execute>')
    assert [entry.event for entry in lines(bench)].count("request.end") == 1


def test_a_refused_one_is_there_too(bench: Bench) -> None:
    bench.engine.execute(b"<nonsense/>", Caller("mallory@fabrikam.com"))
    (entry,) = lines(bench)
    assert (entry.event, entry.caller) == ("request.refused", "mallory@fabrikam.com")
    assert entry.details == {"code": "0xa2100004"}


def test_elevation_is_recorded_with_the_effective_identity_before_the_call(site: Site) -> None:
    bench = site.engine(plugins=(AllowAll(),))
    seen: list[list[str]] = []
    bench.store.during_apply = lambda _ctx, _name: seen.append([entry.event for entry in lines(bench)])
    bench.run(put("a").replace('impersonate="1"', 'impersonate="2"'))
    assert "elevation" in seen[0]
    (elevation,) = [entry for entry in lines(bench) if entry.event == "elevation"]
    assert (elevation.caller, elevation.identity, elevation.procedure) == (CALLER.name, "MPFServiceAcct", "Store::Put")
    assert elevation.details["reason"] == "testing"


def test_caller_trustee_and_who_vouched_are_fields_of_their_own(bench: Bench) -> None:
    request = f'<request><data/><context><securityContext trustee="friend@fabrikam.com"/></context><procedure>{put("a")}</procedure></request>'
    caller = Caller(CALLER.name, asserted_by="root")
    assert bench.engine.execute(request, caller).error is None
    entry = lines(bench)[0]
    assert (entry.caller, entry.trustee, entry.asserted_by) == (CALLER.name, "friend@fabrikam.com", "root")


def test_recovery_and_operators_are_in_it(site: Site, bench: Bench) -> None:
    bench.store.fail_undo.add("a")
    die_at(site, bench, "provider.apply.after", put("a"))
    other = site.engine()
    (recovered,) = other.engine.recover()
    other.engine.transactions.retry(recovered.transaction_id, "olivia")
    other.engine.transactions.resolve(recovered.transaction_id, "olivia", "by hand")
    recovery, retry, resolve = lines(other)[-3:]
    assert (recovery.event, recovery.identity) == ("recovery", "MPFServiceAcct")
    assert recovery.details == {"state": "inconsistent", "undo-failed": 1}
    assert (retry.event, retry.details["by"]) == ("retry", "olivia")
    assert (resolve.event, resolve.details["because"]) == ("resolve", "by hand")
    assert other.engine.store.audit.verify() == []


def test_no_data_of_calls_is_in_it(site: Site, bench: Bench) -> None:
    bench.run(put("a", "MARKED-VALUE") + FAIL)
    assert "MARKED-VALUE" not in repr(lines(bench))
    assert b"MARKED-VALUE" not in site.bytes()
