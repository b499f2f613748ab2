"""Canary secrets in every field that may carry one, looked for in everything that leaves the engine.

One world, made once: requests that succeed, fail, crash, are repeated, planned, traced, recorded and cannot be undone, with
a provider, a policy and an observer that repeat every secret they hear (`tests.security.canaries.parrot`). Then every place where
something can be read is searched. That each search can find something is shown by putting a secret there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core import redaction
from mpf_core.store.keys import read_key_file
from tests.security.canaries.parrot import (
    CALLER,
    TOKENS,
    excerpts,
    found_in,
)
from tests.security.canaries.plants import PLANTS, put_into_audit, put_into_directory
from tests.security.canaries.sinks import COMMANDS, IN_PROCESS, as_bytes, logs, written
from tests.security.canaries.world import REQUESTS, World, a_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world that is searched."""
    with a_world(tmp_path_factory.mktemp("canaries")) as found:
        yield found


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Another one, in which secrets are put."""
    with a_world(tmp_path_factory.mktemp("leaking")) as found:
        yield found


@pytest.mark.parametrize("sink", IN_PROCESS)
def test_no_secret_gets_out(world: World, sink: str) -> None:
    content = as_bytes(IN_PROCESS[sink](world))
    assert len(content) > 100
    assert found_in(content) == {}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_writes_a_secret(world: World, command: str) -> None:
    content = as_bytes(written(world, command))
    assert content
    assert not content.startswith((b"Usage", b"Error"))
    assert found_in(content) == {}


def test_a_new_master_key_is_not_written_either(tmp_path: Path) -> None:
    with a_world(tmp_path) as found:
        before = read_key_file(found.folder / "mpf.key").ids
        content = as_bytes(found.mpfctl("-vv", "store", "rotate") + found.mpfctl("store", "rotate", "--json"))
        after = (found.folder / "mpf.key").read_text()
    assert before[0].encode() not in after.encode()
    assert content
    assert found_in(content) == {}
    assert not [line for line in after.split() if len(line) > 30 and line.encode() in content]


def test_every_secret_is_within_reach(leaking: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or none of them could get out."""
    monkeypatch.setattr(redaction, "mask", lambda text: text)
    with leaking.listening():
        documents = [leaking.engine.execute(text, CALLER).document for text in REQUESTS.values()]
    unheard = {"the store's key", "an old value that a provider calls confidential", "a password in the directory"}
    assert found_in(as_bytes(logs(leaking)) + b"\n".join(documents)).keys() >= TOKENS.keys() - unheard
    assert TOKENS["the store's key"] in repr(read_key_file(leaking.folder / "mpf.key").current)


@pytest.mark.parametrize("form", ["plain", "base64", "utf-16"])
@pytest.mark.parametrize("sink", IN_PROCESS)
def test_it_would_be_found_there(leaking: World, sink: str, form: str) -> None:
    token = f"Planted{form.replace('-', '')}{sink.replace('_', '')}99"
    text = {
        "plain": token,
        "base64": base64.b64encode(f"x{token}".encode()).decode(),
        "utf-16": base64.b64encode(f'"{token}"'.encode("utf-16-le")).decode(),
    }[form]
    PLANTS[sink](leaking, text)
    content = as_bytes(IN_PROCESS[sink](leaking))
    assert any(excerpts(content, token))


#: Commands whose output is not what a request, or its record, says: what is planted there has to be planted in the store.
PLANTED = {
    "audit list": put_into_audit,
    "audit export": put_into_audit,
    "directory show": put_into_directory,
    "directory export": put_into_directory,
}
WITHOUT_TEXTS = {
    "transactions list",
    "transactions list --json",
    "audit elevations",
    "audit verify",
    "audit prune",
    "store info",
    "store prune",
    "recover",
    "recover --json",
    "graph",
    "directory check",
    "plugins",
    "credentials list",
}


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - WITHOUT_TEXTS))
def test_a_command_would_show_it(leaking: World, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without masking, or with a secret in the store, there it is."""
    if command in PLANTED:
        PLANTED[command](leaking, TOKENS["marked in data"])
    monkeypatch.setattr(redaction, "mask", lambda text: text)
    assert "marked in data" in found_in(as_bytes(written(leaking, command)))
