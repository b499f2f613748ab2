"""Mermaid, which draws the site's diagrams in the reader's browser: got with npm once, so that the site needs no network."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "mermaid@11"
_INSIDE = "package/dist/mermaid.min.js"


class NoMermaidError(Exception):
    """It cannot be had here, for the reason that this says."""


def mermaid_script(cache: Path) -> Path:
    """The library's one file, in the folder ``cache``: what is there already, or what npm gets. Raises NoMermaidError."""
    script = cache / "mermaid.min.js"
    if script.exists():
        return script
    npm = shutil.which("npm")
    if npm is None:
        raise NoMermaidError("npm is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        command = [npm, "pack", "--silent", PACKAGE]
        try:
            done = subprocess.run(  # noqa: S603 - nothing in it comes from elsewhere
                command, cwd=folder, check=False, capture_output=True, text=True, timeout=120
            )
        except subprocess.TimeoutExpired as error:
            raise NoMermaidError(f"npm has not got {PACKAGE} in two minutes") from error
        packed = next(folder.glob("*.tgz"), None)
        if done.returncode or packed is None:
            raise NoMermaidError(f"npm cannot get {PACKAGE}: {done.stderr.strip()[-500:]}")
        with tarfile.open(packed) as archive:
            content = archive.extractfile(_INSIDE)
            assert content is not None
            (folder / script.name).write_bytes(content.read())
        (folder / script.name).replace(script)  # at once: others may be looking for it
    return script
