"""docs/embedding.md: its code runs as it stands there, block after block."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mpf_core.cli.init import _create_directory

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    _create_directory(tmp_path / "directory.db")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {"folder": tmp_path, "__name__": "embedding"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["engine"].store.journal is not None
