"""The site: hand-written pages and the reference, built without a warning."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts.write_reference import __main__ as program
from scripts.write_reference import site
from scripts.write_reference.diagrams import NoMermaidError, mermaid_script
from scripts.write_reference.markdown import plain
from scripts.write_reference.samples import SampleError
from scripts.write_reference.site import ROOT, build, inside, write

REFERENCE = {
    "index.md": "# Reference\n\n[One](One/index.md)\n",
    "settings.md": "# Settings\n",
    "One/index.md": "# One\n\n[Do\\_](Do_.md)\n",
    "One/Do_.md": "# Do\\_\n\n[codes](../../errors.md)\n\n```mermaid\nflowchart TD\n    n1 --> n2\n```\n",
}
needs_zensical = pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="zensical is not installed")


def written(folder: Path, reference: dict[str, str] | None = None, mermaid: Path | None = None) -> dict[str, Any]:
    """Write a site with a small reference; returns its configuration."""
    config = folder / "zensical.toml"
    write(reference or REFERENCE, folder / "docs", config, mermaid)
    found: dict[str, Any] = tomllib.loads(config.read_text(encoding="utf-8"))["project"]
    return found


def test_links_to_files_that_are_no_pages_become_words() -> None:
    text = "[a](../mpf_core/engine.py) [b](security.md#who) [c](../operating.md) [d](https://example.com/x.md) [e](#here) [`f`](../../x)"
    assert (
        inside(text, "docs/design")
        == "a [b](security.md#who) [c](../operating.md) [d](https://example.com/x.md) [e](#here) `f`"
    )


def test_links_of_the_readme_lose_their_folder() -> None:
    assert inside("[a](docs/design/engine.md), [b](docs/errors.md#x), [c](LICENSE)", "") == (
        "[a](design/engine.md), [b](errors.md#x), c"
    )


def test_code_is_left_alone() -> None:
    text = "```\n[a](../x.py)\n```\n"
    assert inside(text, "docs") == text


def test_every_page_is_in_the_navigation(tmp_path: Path) -> None:
    project = written(tmp_path)
    named = []

    def collect(part: Any) -> None:
        if isinstance(part, str):
            named.append(part)
        else:
            for inner in part.values() if isinstance(part, dict) else part:
                collect(inner)

    collect(project["nav"])
    pages = [page.relative_to(tmp_path / "docs").as_posix() for page in (tmp_path / "docs").rglob("*.md")]
    assert sorted(named) == sorted(pages)
    assert len(pages) == 1 + len(list((ROOT / "docs").rglob("*.md"))) + len(REFERENCE)


def test_the_reference_is_sorted_into_namespaces(tmp_path: Path) -> None:
    assert written(tmp_path)["nav"][-1] == {
        "Reference": [
            "reference/index.md",
            {"One": ["reference/One/index.md", {"Do_": "reference/One/Do_.md"}]},
            {"Settings": "reference/settings.md"},
        ]
    }


def test_a_page_that_nobody_has_sorted_comes_behind_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("README.md", "docs/architecture.md", "docs/design/new.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Page\n", encoding="utf-8")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    navigation = written(tmp_path / "build")["nav"]
    assert [part for part in navigation if isinstance(part, str)] == ["design/new.md"]
    assert navigation[0] == {"Home": "index.md"}


def test_text_is_no_markdown_and_no_html() -> None:
    assert plain("a|b <c> & *d* [e](f) `g` #h\n  i_") == (r"a&#124;b &lt;c&gt; &amp; \*d\* \[e\](f) \`g\` \#h i\_")


def test_pages_that_are_gone_do_not_stay(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "docs" / "reference" / "old.md").write_text("# Old\n", encoding="utf-8")
    written(tmp_path)
    assert not (tmp_path / "docs" / "reference" / "old.md").exists()


@needs_zensical
@pytest.mark.slow
def test_the_site_is_built_and_draws_diagrams(tmp_path: Path) -> None:
    (tmp_path / "mermaid.js").write_text("// draws", encoding="utf-8")
    written(tmp_path, mermaid=tmp_path / "mermaid.js")
    old = tmp_path / "out" / "old.html"
    old.parent.mkdir()
    old.write_text("old", encoding="utf-8")
    assert build(tmp_path / "zensical.toml", tmp_path / "out") == 0
    page = (tmp_path / "out" / "reference" / "One" / "Do_.html").read_text(encoding="utf-8")
    assert '<pre class="mermaid">' in page
    [script] = re.findall(r'<script[^>]* src="([^"]*mermaid[^"]*)"', page)
    assert (tmp_path / "out" / "reference" / "One" / script).read_text(encoding="utf-8") == "// draws"
    assert not old.exists()
    home = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "MPF for Python" in home
    assert "fonts.googleapis" not in home


@needs_zensical
@pytest.mark.slow
@pytest.mark.parametrize("link", ["nowhere.md", "settings.md#nowhere"])
def test_a_warning_is_an_error_and_the_old_site_stays(tmp_path: Path, link: str) -> None:
    written(tmp_path, REFERENCE | {"index.md": f"# Reference\n\n[x]({link})\n"})
    (tmp_path / "out").mkdir()
    assert build(tmp_path / "zensical.toml", tmp_path / "out") != 0
    assert list((tmp_path / "out").iterdir()) == []


def test_where_npm_is_missing_or_fails_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "npm").write_text("#!/bin/sh\necho no network >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NoMermaidError, match="no network"):
        mermaid_script(tmp_path / "cache")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program, "reference", lambda: REFERENCE)
    monkeypatch.setattr(program, "build", lambda _config, _site: 0)
    assert program.main() == 0
    assert capsys.readouterr().err == "npm is not installed: browsers will need the internet to draw the site's diagrams.\n"
    assert "extra_javascript" not in (tmp_path / "build" / "zensical.toml").read_text(encoding="utf-8")


def test_what_was_got_once_is_not_got_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mermaid.min.js").write_text("// draws", encoding="utf-8")
    monkeypatch.setenv("PATH", "")
    assert mermaid_script(tmp_path) == tmp_path / "mermaid.min.js"


def test_a_sample_that_does_not_run_ends_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, str]:
        raise SampleError("One::Do: it fails")

    monkeypatch.setattr(program, "reference", broken)
    assert program.main() == 1
    assert capsys.readouterr().err == "One::Do: it fails\n"
