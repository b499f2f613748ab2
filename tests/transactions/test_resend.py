"""Idempotency keys: a request that is sent again is not done again."""

from __future__ import annotations

import pytest

from mpf_core import Call, Caller, Code, Decision, TransactionState, hookimpl
from mpf_core.engine import Result
from mpf_core.testing import AllowAll
from tests.support import ANYBODY, CALLER, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put


def send(bench: Bench, steps: str, key: str = "k1", caller: Caller = CALLER) -> Result:
    request = f"<request><data/><procedure>{steps}</procedure></request>"
    return bench.engine.execute(request, caller, idempotency_key=key)


def puts(bench: Bench) -> int:
    return sum(1 for call in bench.store.calls if call[0] == "Put")


def test_a_finished_request_returns_its_stored_response(bench: Bench) -> None:
    first = send(bench, put("a"))
    second = send(bench, put("a"))
    assert (first.repeated, second.repeated) == (False, True)
    assert second.document == first.document
    assert second.transaction_id == first.transaction_id
    assert puts(bench) == 1


def test_the_response_survives_a_restart(site: Site, bench: Bench) -> None:
    first = send(bench, put("a"))
    bench.engine.close()
    assert send(site.engine(), put("a")).document == first.document


def test_another_body_is_refused(bench: Bench) -> None:
    send(bench, put("a"))
    result = send(bench, put("b"))
    assert result.error is not None
    assert result.error.code == Code.KEY_REUSED
    assert bench.store.values == {"a": "1"}


#: A procedure that anybody may call.
OPEN = f"""<namespace name="Open"><procedure name="Put" access="public">{ANYBODY}
  <execute namespace="Store" procedure="Put">
    <before source="data" sourcePath="*" destination="executeData"/>
  </execute>
</procedure></namespace>"""


def send_simple(bench: Bench, caller: str, name: str = "a") -> Result:
    request = f"<request><data><name>{name}</name><value>1</value></data></request>"
    return bench.engine.execute(request, Caller(caller), namespace="Open", procedure="Put", idempotency_key="k1")


def test_keys_belong_to_their_callers(site: Site) -> None:
    bench = site.engine(OPEN)
    assert send_simple(bench, CALLER.name).error is None
    result = send_simple(bench, "other@fabrikam.com", "b")
    assert (result.error, result.repeated) == (None, False)
    assert bench.store.values == {"a": "1", "b": "1"}


@pytest.mark.parametrize(
    ("sent_by", "sent_again_by", "repeated"),
    [
        ("kim@fabrikam.com", "KIM@Fabrikam.COM", True),
        ("kim@fabrikam.com", "\u212aim@fabrikam.com", False),  # the sign for kelvin
        ("sam@fabrikam.com", "\u017fam@fabrikam.com", False),  # the long s
        ("gross@fabrikam.com", "gro\u00df@fabrikam.com", False),
    ],
)
def test_a_caller_is_the_same_in_capitals_and_nobody_who_looks_alike(
    site: Site, sent_by: str, sent_again_by: str, repeated: bool
) -> None:
    bench = site.engine(OPEN)
    first, second = (send_simple(bench, name) for name in (sent_by, sent_again_by))
    assert (first.error, second.error) == (None, None)
    assert second.repeated is repeated
    assert puts(bench) == (1 if repeated else 2)


def test_what_was_rolled_back_may_be_sent_again(bench: Bench) -> None:
    bench.store.fail_after_effect.add("a")
    assert send(bench, put("a")).state is TransactionState.ROLLED_BACK
    bench.store.fail_after_effect.clear()
    result = send(bench, put("a"))
    assert result.error is None
    assert not result.repeated
    assert bench.store.values == {"a": "1"}


def test_a_running_request_is_reported_as_running(bench: Bench) -> None:
    inner: list[Result] = []
    bench.store.during_apply = lambda _ctx, _name: inner.append(send(bench, put("a")))
    assert send(bench, put("a")).error is None
    assert inner[0].error is not None
    assert inner[0].error.code == Code.REQUEST_RUNNING


def test_a_killed_request_may_be_sent_again_after_recovery(site: Site, bench: Bench) -> None:
    def run(steps: str) -> Result:
        return send(bench, steps)

    bench.run = run  # type: ignore[method-assign,assignment]
    die_at(site, bench, "provider.apply.after", put("a"))
    other = site.engine()
    waiting = send(other, put("a"))
    assert waiting.error is not None
    assert waiting.error.code == Code.REQUEST_RUNNING
    list(other.engine.recover())
    assert send(other, put("a")).error is None
    assert site.provider.values == {"a": "1"}


def test_an_inconsistent_one_waits_for_the_operator(bench: Bench) -> None:
    bench.store.fail_undo.add("a")
    failed = send(bench, put("a") + FAIL)
    assert failed.state is TransactionState.INCONSISTENT
    again = send(bench, put("a") + FAIL)
    assert again.error is not None
    assert again.error.code == Code.UNSETTLED
    assert failed.transaction_id in again.error.description


class Revocable:
    """Allows everything until it does not."""

    name = "revocable"
    allowed = True

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        return Decision(self.allowed, "no more")


def test_a_stored_response_is_given_only_to_who_is_still_allowed(site: Site) -> None:
    policy = Revocable()
    bench = site.engine(plugins=(AllowAll(), policy))
    assert send(bench, put("a")).error is None
    policy.allowed = False
    result = send(bench, put("a"))
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED


def test_a_client_transaction_id_is_only_a_name(bench: Bench) -> None:
    context = '<context><clientContext clientTransactionId="T-1"/></context>'
    bench.run(put("a"), context=context)
    result = bench.run(put("a", "2"), context=context)
    assert result.error is None
    assert bench.engine.transactions.get(result.transaction_id).record.client_transaction_id == "T-1"


def test_a_client_transaction_id_can_be_a_key(site: Site) -> None:
    bench = site.engine(client_transaction_id_is_key=True)
    context = '<context><clientContext clientTransactionId="T-1"/></context>'
    first = bench.run(put("a"), context=context)
    assert bench.run(put("a"), context=context).document == first.document
    assert bench.run(put("a", "2"), context=context).error is not None
    assert puts(bench) == 1


def test_an_empty_key_is_a_mistake(bench: Bench) -> None:
    with pytest.raises(ValueError, match="empty"):
        send(bench, put("a"), key=" ")


def test_a_read_only_request_can_have_a_key(bench: Bench) -> None:
    get = '<execute namespace="Store" procedure="Get"><executeData><name>a</name></executeData><after source="executeData" sourcePath="value" destination="data"/></execute>'
    first = send(bench, get)
    bench.store.values["a"] = "later"
    assert send(bench, get).document == first.document
