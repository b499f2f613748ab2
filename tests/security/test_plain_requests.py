"""Which requests are admitted without a permission: the shape of all documented samples, and nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core import Code, Config
from tests.support import ANYBODY, CALLER, Bench

ECHO = f'<namespace name="N"><procedure name="P" access="public">{ANYBODY}<transform/></procedure></namespace>'
PLAIN = '<before source="data" destination="executeData"/><after source="executeData" destination="data" mode="merge"/>'


def call(content: str = PLAIN, attributes: str = 'impersonate="1"') -> str:
    return f'<execute namespace="N" procedure="P" {attributes}>{content}</execute>'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, ECHO, config=Config())


@pytest.mark.parametrize("steps", [call(), call() * 3, call(f"<executeData><a>1</a></executeData>{PLAIN}")])
def test_the_documented_shape_is_admitted(bench: Bench, steps: str) -> None:
    assert bench.run(steps, "<a/>").error is None


MORE = {
    "no impersonation": call(attributes=""),
    "as the service account": call(attributes='impersonate="2"'),
    "a loop": call(f'<forEach name="x" root="data" path="a"/>{PLAIN}'),
    "repetitions": call(f'<repeat source="data" sourcePath="a"/>{PLAIN}'),
    "a condition": call(f'<when source="data" sourcePath="a"/>{PLAIN}'),
    "credentials handed on": call(attributes='impersonate="1" trusted="1"'),
    "clear undo data": call(attributes='impersonate="1" sensitive="2"'),
    "the context read": call('<before source="context" destination="executeData"/>'),
    "the context written": call('<after source="executeData" destination="context"/>'),
    "data of its own": f"<procedureData/>{call()}",
    "a step that is no call": "<transform/>",
    "a try": f"<try>{call()}</try><catch/>",
    "a queue": call().replace("execute ", "queue ").replace("/execute>", "/queue>"),
    "one of several": call() + call(attributes=""),
}


@pytest.mark.parametrize("steps", MORE.values(), ids=MORE)
def test_anything_more_needs_the_permission(bench: Bench, tmp_path: Path, steps: str) -> None:
    result = bench.run(steps, "<a>1</a>")
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert "'trusted_requests'" in result.error.description
    trusted = Config.model_validate({"security": {"permissions": {"trusted_requests": [CALLER.name]}}})
    (tmp_path / "trusted").mkdir()
    with_it = Bench(tmp_path / "trusted", ECHO, config=trusted).run(steps, "<a>1</a>")
    assert with_it.error is None or "'trusted_requests'" not in with_it.error.description
