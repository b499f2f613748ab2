"""The example of an embedding program: a hosting panel."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mpf_core import Code, MpfError, Result, TransactionState
from mpf_core.testing import Fault, Faults

PANEL = Path(__file__).parents[2] / "examples" / "panel"
ALPINE, COFFEE = "admin@alpineskihouse.com", "admin@fourthcoffee.com"
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.slow


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.syspath_prepend(PANEL)
    monkeypatch.setenv("MPF_PANEL", str(tmp_path))
    monkeypatch.setenv("PANEL_PASSWORD", PASSWORD)
    from acme_panel.application import trial

    with TestClient(trial()) as client:
        yield client
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_panel"]:
        del sys.modules[name]


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found
    return found[1]


def enable(panel: TestClient, user: str, account: str = ALPINE, **more: str) -> tuple[int, str]:
    page = panel.get("/users", auth=(account, PASSWORD)).text
    answer = panel.post("/users", data={"user": user, "token": token_of(page), **more}, auth=(account, PASSWORD))
    return answer.status_code, answer.text


def test_a_user_is_enabled_and_listed(panel: TestClient) -> None:
    first = panel.get("/users", auth=(ALPINE, PASSWORD))
    assert (first.status_code, "sip:" in first.text) == (200, False)
    status, page = enable(panel, "Johnc")
    assert status == 200, page
    transaction = re.search(r"the transaction is (\{[0-9A-F-]+\})", page)
    assert transaction
    after = panel.get("/users", auth=(ALPINE, PASSWORD)).text
    assert "sip:johnc@alpineskihouse.com" in after.lower()
    assert f"committed {transaction[1]}" in after
    theirs = panel.get("/users", auth=(COFFEE, PASSWORD)).text
    assert "sip:" not in theirs, "that is another organization's"
    assert transaction[1] not in theirs, "and so is that"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("nobody", "There is no such object"),
        ("Johnc,OU=x", "There is no such object"),
        ("", "value"),
        ("<b>", "There is no such object"),
        ("Johnc\x01", "character"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(panel: TestClient, user: str, said: str) -> None:
    before = panel.get("/users", auth=(ALPINE, PASSWORD)).text.partition("<form")[0]
    status, page = enable(panel, user)
    assert status == 422
    assert said in page
    assert "<b>" not in page
    assert "Nothing was changed." in page or "character" in page
    assert panel.get("/users", auth=(ALPINE, PASSWORD)).text.partition("<form")[0] == before


def test_an_undo_that_fails_is_not_called_nothing(panel: TestClient) -> None:
    provisioning = panel.app.state.provisioning  # type: ignore[attr-defined]
    providers = provisioning.engine.engine.runtime.providers
    faults = Faults()
    providers.update({source: faults.wrap_provider(provider) for source, provider in providers.items()})
    faults.add(Fault.AFTER, "CreateSipUser").add(Fault.UNDO_FAILS, "CreateSipUser")
    status, page = enable(panel, "Johnc")
    assert status == 422
    assert "A part of it was changed and could not be put back" in page
    assert "Nothing was changed" not in page
    left = provisioning.engine.engine.transactions.find()[0]
    assert f"The transaction is {left.id}." in page
    assert left.state is TransactionState.INCONSISTENT


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (TransactionState.IN_DOUBT, "It was decided, and a part of it is not done yet"),
        (TransactionState.COMMITTING, "How it ended is not known yet"),
    ],
)
def test_what_is_not_over_is_said(
    panel: TestClient, monkeypatch: pytest.MonkeyPatch, state: TransactionState, said: str
) -> None:
    async def enabled(*_: object) -> Result:
        return Result(b"", "{1}", state, MpfError(Code.XACT_E_INDOUBT, "lost"))

    monkeypatch.setattr(panel.app.state.provisioning, "enable", enabled)  # type: ignore[attr-defined]
    _, page = enable(panel, "Johnc")
    assert said in page
    assert "Nothing was changed" not in page


def test_another_organizations_form_is_refused(panel: TestClient) -> None:
    foreign = token_of(panel.get("/users", auth=(COFFEE, PASSWORD)).text)
    assert enable(panel, "Johnc", token=foreign)[0] == 403
    assert enable(panel, "Johnc", token="")[0] == 403


@pytest.mark.parametrize("auth", [None, (ALPINE, "wrong"), ("nobody@alpineskihouse.com", PASSWORD)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_right_password_there_is_nothing(panel: TestClient, auth: tuple[str, str] | None, method: str) -> None:
    answer = panel.request(method, "/users", auth=auth)
    assert answer.status_code == 401
    assert "basic" in answer.headers["www-authenticate"].lower()


def test_in_maintenance_pages_are_shown_and_nothing_is_changed(panel: TestClient) -> None:
    provisioning = panel.app.state.provisioning  # type: ignore[attr-defined]
    provisioning.maintenance.is_on = True
    status, page = enable(panel, "Johnc")
    assert (status, "in maintenance" in page) == (422, True)
    provisioning.maintenance.is_on = False
    assert enable(panel, "Johnc")[0] == 200


def test_what_it_did_is_there_after_a_restart(tmp_path: Path, panel: TestClient) -> None:
    assert enable(panel, "Johnc")[0] == 200
    from acme_panel.application import trial

    with TestClient(trial()) as again:
        assert "sip:johnc" in again.get("/users", auth=(ALPINE, PASSWORD)).text.lower()
