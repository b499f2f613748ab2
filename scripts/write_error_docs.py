"""Writes docs/errors.md from the table of codes in mpf_core/errors.py; a test compares the two."""

from __future__ import annotations

from pathlib import Path

from mpf_core.errors import MEANINGS, Code, format_hresult


def page() -> str:
    """The page as text."""
    lines = [
        "# Error codes",
        "",
        "The codes that the engine and the shipped providers raise. Codes that start with `0xa210` are this engine's own;",
        "all others are standard HRESULTs. Directory errors keep the code that ADSI maps the LDAP result to, and the",
        "server's own text.",
        "Written from `mpf_core/errors.py` by `scripts/write_error_docs.py`.",
        "",
        "| code | name | meaning and what to do |",
        "|---|---|---|",
    ]
    lines += [f"| `{format_hresult(code)}` | {code.name} | {MEANINGS[code]} |" for code in sorted(Code)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).parent.parent.joinpath("docs", "errors.md").write_text(page(), encoding="utf-8")
