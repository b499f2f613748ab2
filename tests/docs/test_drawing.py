"""A browser draws the site's charts, without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from scripts.write_reference.__main__ import CACHE
from scripts.write_reference.diagrams import NoMermaidError, mermaid_script
from scripts.write_reference.site import ROOT, build
from tests.docs.test_site import REFERENCE, needs_zensical, written

pytestmark = [pytest.mark.slow, needs_zensical]

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHART = re.compile(r"^```mermaid$", re.MULTILINE)
#: The theme's script puts a drawing in the place of the text that it has read.
WAITING, DRAWN = '<pre class="mermaid">', '<div class="mermaid">'


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """What a browser makes of a page of the site, which has every hand-written one and a small reference."""
    if BROWSER is None:
        pytest.skip("Chromium is not installed: nothing draws the charts")
    try:
        mermaid = mermaid_script(CACHE)
    except NoMermaidError as error:
        pytest.skip(f"Mermaid does not draw the charts: {error}")
    folder = tmp_path_factory.mktemp("site")
    page = "# Two\n\n```mermaid\nflowchart TD\n    n1 --> n2\n```\n\n```mermaid\nflowchart TD\n    n1[ --> n2\n```\n"
    written(folder, REFERENCE | {"One/Do_.md": page}, mermaid)
    assert build(folder / "zensical.toml", folder / "out") == 0

    def _open(page: str) -> str:
        command = [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000", "--dump-dom",
            (folder / "out" / page).as_uri(),
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    return _open


def test_all_charts_of_hand_written_pages_are_drawn(opened: Callable[[str], str]) -> None:
    folder = ROOT / "docs"
    texts = {page.relative_to(folder).as_posix(): page.read_text(encoding="utf-8") for page in folder.rglob("*.md")}
    charts = {page: len(CHART.findall(text)) for page, text in texts.items()}
    with_charts = {page: number for page, number in charts.items() if number}
    assert len(with_charts) >= 2
    pages = {page: opened(page.removesuffix(".md") + ".html") for page in with_charts}
    assert {page: text.count(DRAWN) for page, text in pages.items()} == with_charts
    assert {page: text.count(WAITING) for page, text in pages.items()} == dict.fromkeys(with_charts, 0)


def test_what_is_no_chart_is_not_drawn(opened: Callable[[str], str]) -> None:
    page = opened("reference/One/Do_.html")
    assert (page.count(DRAWN), page.count(WAITING)) == (1, 1)
