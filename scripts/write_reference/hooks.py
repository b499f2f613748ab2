"""The page of the hooks that plugins can implement."""

from __future__ import annotations

import inspect

from mpf_core import hookspecs
from mpf_core.plugins import GROUP, SECURITY_GROUP, SECURITY_HOOKS
from scripts.write_reference.markdown import fence


def hooks_page() -> str:
    """The page as text."""
    lines = [
        "# Hooks",
        "",
        f"What a plugin can do. A plugin is named by an entry point of the group `{GROUP}`, or `{SECURITY_GROUP}`",
        "if it implements one of the hooks that are marked so: nowhere else are these heard. An exception in one of them",
        "means *refuse*.",
        "",
    ]
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("mpf_"):
            lines += [f"## {name}", "", *fence("python", f"def {name}{inspect.signature(function)}".replace("'", "")), ""]
            lines += [inspect.cleandoc(function.__doc__ or "").replace("``", "`"), ""]
            if name in SECURITY_HOOKS:
                lines += [f"Heard from plugins of the group `{SECURITY_GROUP}` only.", ""]
    return "\n".join(lines).rstrip() + "\n"
