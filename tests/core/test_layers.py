"""One direction of imports: each part of the core imports only from those above it, and no plugin."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "mpf_core"
LAYERS = (
    ("errors", "log", "points", "printable", "quotations", "redaction"),
    ("provider", "security", "events", "settings"),
    ("xml", "services", "config", "paths"),
    ("hookspecs", "transforms", "unknowns", "validation", "allowance"),
    ("model", "plugins"),
    ("store", "transaction"),
    ("response", "steps", "dataflow"),
    ("loader", "admission"),
    ("administration", "attempts", "transactions", "observing"),
    ("runtime", "config_schema"),
    ("planning", "tracing", "lint", "lint_conditions", "lint_names", "authority", "graph"),
    ("execution",),
    ("submission",),
    ("engine",),
    ("asynchronous",),
    ("testing",),
    ("__init__", "cli"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imports(file: Path) -> set[str]:
    """The modules that a file imports while it is imported: type checking and functions aside."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "mpf_core":
                found |= {f"mpf_core.{alias.name}" for alias in node.names if alias.name in LEVEL}
                found |= {"mpf_core.__init__" for alias in node.names if alias.name not in LEVEL}
            else:
                found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: str(file.relative_to(CORE)))
def test_imports_run_in_one_direction(file: Path) -> None:
    own = file.relative_to(CORE).parts[0].removesuffix(".py")
    for module in imports(file):
        parts = module.split(".")
        if parts[0] == "mpf_core":
            assert LEVEL[parts[1]] <= LEVEL[own], f"{own} imports {module}"
        else:
            assert not parts[0].startswith("mpf_"), f"{own} imports the plugin {module}"


def test_every_module_has_its_layer() -> None:
    assert {
        path.name.removesuffix(".py") for path in CORE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    } == set(LEVEL)
