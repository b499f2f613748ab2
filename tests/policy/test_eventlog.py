"""The event log: one line of JSON for each event, whatever is in it."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.errors import ConfigError
from mpf_core.events import Event
from mpf_core.services import Services
from mpf_eventlog import EventLogPlugin


def configured(folder: Path, **values: object) -> EventLogPlugin:
    plugin = EventLogPlugin()
    plugin.mpf_configure(values, Services(folder, pytest.fail))
    return plugin


def test_nothing_configured_writes_nothing(tmp_path: Path) -> None:
    configured(tmp_path).mpf_event(Event("call.begin", "{1}"))
    EventLogPlugin().mpf_event(Event("call.begin", "{1}"))
    assert list(tmp_path.iterdir()) == []


def test_each_event_is_a_line_with_time_name_transaction_and_fields(tmp_path: Path) -> None:
    plugin = configured(tmp_path, path="events.jsonl")
    plugin.mpf_event(Event("transaction.begin", "{1}", {"caller": "admin@fabrikam.com"}, at=1.5))
    plugin.mpf_event(Event("call.error", "{1}", {"code": 0x80070005}, at=2.0))
    assert [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("ascii").splitlines()] == [
        {
            "at": "1970-01-01T00:00:01.500000+00:00",
            "event": "transaction.begin",
            "transaction": "{1}",
            "fields": {"caller": "admin@fabrikam.com"},
        },
        {"at": "1970-01-01T00:00:02+00:00", "event": "call.error", "transaction": "{1}", "fields": {"code": 0x80070005}},
    ]


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    configured(tmp_path, path="events.jsonl").mpf_event(Event("call.begin", "{1}"))
    assert stat.S_IMODE((tmp_path / "events.jsonl").stat().st_mode) == 0o600


def test_what_is_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("before\n", encoding="ascii")
    configured(tmp_path, path="events.jsonl").mpf_event(Event("call.begin", "{1}"))
    assert (tmp_path / "events.jsonl").read_text("ascii").startswith("before\n{")


def test_a_file_that_was_rotated_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    plugin = configured(tmp_path, path="events.jsonl")
    plugin.mpf_event(Event("call.begin", "{1}"))
    (tmp_path / "events.jsonl").rename(tmp_path / "events.1")
    plugin.mpf_event(Event("call.end", "{1}"))
    assert json.loads((tmp_path / "events.jsonl").read_text("ascii"))["event"] == "call.end"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.binary(), st.booleans()), max_size=4))
def test_no_field_can_forge_a_line(tmp_path: Path, fields: dict[str, object]) -> None:
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    configured(tmp_path, path="events.jsonl").mpf_event(
        Event("call.begin", "{\n1}", {**fields, "x": "a\r\nb\x1b\x7f\u2028"})
    )
    content = path.read_bytes()
    assert content.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in content[:-1])
    assert json.loads(content)["fields"]["x"] == "a\r\nb\x1b\x7f\u2028"


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    first, second = configured(tmp_path, path="events.jsonl"), configured(tmp_path, path="events.jsonl")

    def write(plugin: EventLogPlugin, name: str) -> None:
        for _ in range(50):
            plugin.mpf_event(Event("call.begin", name, {"long": "x" * 2000}))

    threads = [threading.Thread(target=write, args=(p, f"{{{n}}}")) for n, p in enumerate([first, first, second, second])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("ascii").splitlines()]
    assert len(lines) == 200
    assert {line["transaction"] for line in lines} == {"{0}", "{1}", "{2}", "{3}"}


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        configured(tmp_path, path="no/such/folder/events.jsonl").mpf_event(Event("call.begin", "{1}"))


@pytest.mark.parametrize("values", [{"file": "events.jsonl"}, {"path": 5}, {"path": "a", "level": "debug"}])
def test_wrong_settings_are_refused(tmp_path: Path, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        configured(tmp_path, **values)
