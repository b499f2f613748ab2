"""docs/embedding.md: its code runs as it stands there, block after block."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as telemetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mpf_core.cli.init import _create_directory

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _create_directory(tmp_path / "directory.db")
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "get_tracer", provider.get_tracer)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {"folder": tmp_path, "__name__": "embedding"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    spans = exporter.get_finished_spans()
    assert spans[-1].name == "Managed Office Communications Server::GetPools"
    assert len(spans) > 1
    said = set(re.findall(r"`(mpf\.\w+)`", PAGE.read_text(encoding="utf-8")))
    given = {key for span in spans for key in span.attributes or {}}
    assert given <= said
    assert names["engine"].store.journal is not None
