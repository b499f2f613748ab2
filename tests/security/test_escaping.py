"""What a terminal or a reader would obey is escaped wherever text is shown or logged; no text passes for another line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mpf_core import Caller, MpfError
from mpf_core.cli.logs import Logs
from mpf_core.config import LoggingSettings
from mpf_core.log import logger
from mpf_core.printable import printable
from mpf_core.response import failure
from mpf_core.transaction.states import TransactionState
from tests.security.canaries.parrot import CALLER, UNDO_FAILS
from tests.security.canaries.world import World, a_world

#: ANSI sequences with the bytes of seven and of eight bits, marks that turn the line, line ends of all kinds, a lone half.
NASTY = (
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "a\nFORGED line",
    "a\r\nFORGED line",
    "a\u2028FORGED line\x85",
    "\x00\x08\x7f",
    "\ud800",
    "[red]no markup[/red]",
)
texts = st.lists(st.sampled_from(NASTY) | st.text(max_size=5), min_size=1, max_size=4).map("".join)
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def obeyed(text: str) -> str:
    """The characters that are neither shown nor the ends of lines."""
    return "".join(sorted({char for char in text if not char.isprintable() and char not in "\n\t"}))


def assert_shown(text: str, *, lines: bool = True) -> None:
    """Nothing is obeyed; and with ``lines`` nothing of what was given begins a line."""
    assert obeyed(text) == ""
    if lines:
        assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("escaping")) as made:
        (made.folder / UNDO_FAILS).touch()
        yield made


def request(text: str, *, fail: bool = False, client: str = "") -> str:
    data = escape(json.dumps(text)) if text else '""'
    context = f'<context><clientContext clientTransactionId="{client}"/></context>' if client else ""
    steps = [f"<text>{data}</text>", *([f"<text>{data}</text><fail/>"] if fail else [])]
    made = "".join(
        f'<execute namespace="Parrot" procedure="Quote" impersonate="1"><executeData>{step}</executeData></execute>'
        for step in steps
    )
    return f"<request><data/>{context}<procedure>{made}</procedure></request>"


@given(texts)
@example("".join(NASTY))
def test_printable(text: str) -> None:
    shown = printable(text)
    assert obeyed(shown) == ""
    assert printable(shown) == shown
    assert printable(text, keep="").isprintable()


@pytest.mark.slow
@few
@given(texts)
@example("".join(NASTY))
def test_what_a_provider_says(world: World, text: str) -> None:
    """In errors, outcomes, changes: submitted, traced, planned, listed and shown."""
    commands = (("-vv", "submit", "-", "--as", CALLER.name, "--trace"), ("plan", "-", "--as", CALLER.name))
    for command in commands:
        assert_shown(world.mpfctl(*command, stdin=request(text, fail=True)), lines=False)
    assert_shown(world.mpfctl("transactions", "list", "--unsettled"))
    latest = world.engine.transactions.find()[0]
    assert latest.state is TransactionState.INCONSISTENT
    assert_shown(world.mpfctl("transactions", "show", latest.id), lines=False)
    assert world.mpfctl("transactions", "show", latest.id, "--json").isascii()


@pytest.mark.slow
@few
@given(texts.filter(lambda text: "\0" not in text and "\ud800" not in text))
@example("a\nFORGED line\x1b[2J\u202e")
def test_what_a_caller_is_called(world: World, name: str) -> None:
    """A name that nobody knows, in the audit, in logs and in the refusal."""
    output = world.mpfctl("-vv", "submit", "-", "--as", f"x{name}", stdin=request("x"))
    assert_shown(output)
    assert "0x80070005" in output
    assert_shown(world.mpfctl("audit", "list", "--limit", "3"))
    assert len(world.mpfctl("audit", "list", "--limit", "3").splitlines()) <= 5
    world.engine.execute(request("x"), Caller(f"x{name}"))
    assert obeyed("\n".join(line for line in world.logged.lines if "request.refused" in line)) == ""


@pytest.mark.slow
@few
@given(texts)
@example("a\nFORGED line\x1b[2J\u202e")
@pytest.mark.parametrize("format", ["console", "json"])
def test_logs(format: str, capsys: pytest.CaptureFixture[str], text: str) -> None:  # noqa: A002 - the setting's name
    logs = Logs()
    logs.start(LoggingSettings(format=format, level="debug"))  # type: ignore[arg-type]
    try:
        logger(bound=text).info(text, value=text, inner={text: [text]}, path=Path(text.replace("\0", "")))
        try:
            raise MpfError(0x80004005, text) from ValueError(text)
        except MpfError:
            logger().error("failed", exc_info=True)
    finally:
        logs.stop()
    shown = capsys.readouterr().err
    assert_shown(shown, lines=False)
    assert_shown(shown.partition("failed")[0])


def test_a_host_that_listens_by_itself_gets_them_escaped_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mpf")
    logger().info("a\x1b[2J", name_of="x\u202e\nFORGED")
    (record,) = caplog.records
    assert (record.getMessage(), vars(record)["name_of"]) == ("a\\x1b[2J", "x\\u202e\\nFORGED")


@given(texts)
def test_error_documents(text: str) -> None:
    error = MpfError(0x80004005, text)
    error.step = text
    document = failure(error, "{1}", TransactionState.ROLLED_BACK, ())
    assert obeyed(document.decode()) == ""
