"""The pages of the site: those of docs/, and the reference below them."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from mpf_core.engine import Engine
from mpf_core.model import Procedure
from mpf_managed import elevations
from scripts.write_reference.api import api_page
from scripts.write_reference.book import Book
from scripts.write_reference.commands import commands_page
from scripts.write_reference.completeness import missing
from scripts.write_reference.hooks import hooks_page
from scripts.write_reference.markdown import slug
from scripts.write_reference.namespaces import namespace_page, overview_page
from scripts.write_reference.procedures import procedure_page
from scripts.write_reference.samples import Sample, SampleError, run, stage_set
from scripts.write_reference.settings import settings_page
from tests.namespaces.support import make_site

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "zensical.toml"
_MERMAID = "javascripts/mermaid.min.js"
_LINK = re.compile(r"(?<!!)\[([^\]\[]+)\]\(([^)\s]+)\)")


def pages(engine: Engine, sample: Callable[[Procedure], Sample]) -> Iterator[tuple[str, str]]:
    """The reference of what ``engine`` has loaded: paths below it, and texts. ``sample`` gives the sample of a procedure."""
    book = Book.of(engine.namespaces, tuple(elevations()))
    yield "index.md", overview_page(book)
    yield "settings.md", settings_page()
    yield "commands.md", commands_page(engine)
    yield "hooks.md", hooks_page()
    yield "api.md", api_page()
    for space in book.namespaces.values():
        yield f"{slug(space.name)}/index.md", namespace_page(space, book)
    for procedure in book.procedures():
        address = book.addresses[procedure.namespace, procedure.name]
        yield address, procedure_page(procedure, sample(procedure), book)


def reference() -> dict[str, str]:
    """The reference of all our namespaces. Raises SampleError for a sample that does not run, and for what is not said."""
    with stage_set(), make_site() as site:
        book = Book.of(site.engine.namespaces)
        gaps = [gap for procedure in book.procedures() for gap in missing(procedure)]
        if gaps:
            raise SampleError("\n".join(["This is missing:", *gaps]))
        return dict(pages(site.engine, run))


def write(reference: Mapping[str, str], source: Path, config: Path, mermaid: Path | None = None) -> None:
    """Write all pages of the site, those of the reference too, to the folder ``source``; its configuration to ``config``.

    ``mermaid`` is the library that draws the diagrams; without it, browsers look for one in the network.
    """
    shutil.rmtree(source, ignore_errors=True)
    _put(source / "index.md", inside((ROOT / "README.md").read_text(encoding="utf-8"), ""))
    for page in sorted((ROOT / "docs").rglob("*.md")):
        place = page.relative_to(ROOT)
        _put(source / place.relative_to("docs"), inside(page.read_text(encoding="utf-8"), str(place.parent)))
    for address, text in reference.items():
        _put(source / "reference" / address, text)
    if mermaid is not None:
        (source / _MERMAID).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mermaid, source / _MERMAID)
    _put(config, _configuration(source, config, list(reference)))


def build(config: Path, site: Path) -> int:
    """Build what `write` has written, and put it in the place of the folder ``site``; warnings are errors.

    Returns the exit code; unless it is 0, ``site`` stays as it was.
    """
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(config)]
    code = subprocess.run(command, check=False, cwd=config.parent).returncode  # noqa: S603 - nothing in it comes from elsewhere
    if code == 0:
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(config.parent / "site", site)
    return code


def inside(text: str, folder: str) -> str:
    """A page of the repository's ``folder`` as the site has it: its root is docs/, and other files are no links."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_LINK.sub(lambda found: _link(found[1], found[2], folder), part) for part in parts[::2]]
    return "".join(parts)


def _link(label: str, target: str, folder: str) -> str:
    if "://" in target or target.startswith("#"):
        return f"[{label}]({target})"
    path, mark, anchor = target.partition("#")
    place = posixpath.normpath(posixpath.join(folder, path))
    if not place.startswith("docs/") or not place.endswith(".md"):
        return label
    start = posixpath.join("docs", posixpath.relpath(folder or "docs", "docs"))
    return f"[{label}]({posixpath.relpath(place, start)}{mark}{anchor})"


def _configuration(source: Path, config: Path, reference: Sequence[str]) -> str:
    """zensical.toml for ``source``, with every page in the navigation."""
    document = tomlkit.parse(CONFIG.read_text(encoding="utf-8"))
    project = document["project"]
    assert isinstance(project, MutableMapping)
    project["docs_dir"] = os.path.relpath(source, config.parent)
    if (source / _MERMAID).exists():
        project["extra_javascript"] = [_MERMAID]
    navigation = [{"Home": "index.md"}, *project["nav"].unwrap()]
    named = set(_targets(navigation))
    written = [page.relative_to(source).as_posix() for page in sorted(source.rglob("*.md"))]
    navigation += [page for page in written if page not in named and not page.startswith("reference/")]
    project["nav"] = [*navigation, {"Reference": _reference(source, reference)}]
    return tomlkit.dumps(document)


def _reference(source: Path, addresses: Sequence[str]) -> list[Any]:
    """The navigation of the reference: namespaces with their procedures, and what else there is."""
    entries: list[Any] = ["reference/index.md"]
    folders: dict[str, list[Any]] = {}
    for address in addresses:
        folder, page = posixpath.dirname(address), f"reference/{address}"
        if folder:
            entry = page if address.endswith("/index.md") else {_title(source / page): page}
            folders.setdefault(folder, []).append(entry)
        elif address != "index.md":
            entries.append({_title(source / page): page})
    namespaces = [{_title(source / "reference" / folder / "index.md"): inner} for folder, inner in sorted(folders.items())]
    return [entries[0], *namespaces, *entries[1:]]


def _targets(navigation: object) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, Mapping):
        for inner in navigation.values():
            yield from _targets(inner)
    elif isinstance(navigation, Sequence):
        for inner in navigation:
            yield from _targets(inner)


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as file:
        return file.readline().removeprefix("# ").strip().replace("\\", "")


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
