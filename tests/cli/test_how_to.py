"""The how-to pages: every command in a block of theirs runs, one after another, in a folder that `mpfctl init` has filled.

What a page adds to `mpf.toml` is added, where it does. Only Kerberos is refused here, by the embedded directory: tests/samba has it.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.policy.keyrings import Memory, ring, use

__all__ = ["ring", "use"]  # fixtures

HOW_TO = sorted((Path(__file__).parents[2] / "docs" / "how-to").glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_the_commands_of_a_how_to_run(
    run: Run, trial: Path, ring: Memory, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text(encoding="utf-8")
    folder = trial.parent
    monkeypatch.chdir(folder)
    sample = run("describe", "Managed Office Communications Server::CreateSipDomain", "--sample")
    (folder / "request.xml").write_text(sample.stdout)
    (folder / "password.txt").write_text("S3cret-of-a-page\n")
    for name, content in re.findall(r"Write `([\w.]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content)
    for settings, block in re.findall(
        r"Add to `mpf.toml`:\n\n```toml\n(.*?)```|^ *```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE
    ):
        trial.write_text(f"{trial.read_text()}\n{settings}")
        for line in re.findall(r"^ *\$ mpfctl (.*)$", block, re.MULTILINE):
            words = shlex.split(line)
            if words == ["init"]:
                continue  # that was done for the trial
            target = words[words.index(">") + 1] if ">" in words else None
            source = words[words.index("<") + 1] if "<" in words else None
            end = min((words.index(mark) for mark in "<>" if mark in words), default=len(words))
            result = run(*words[:end], stdin=(folder / source).read_bytes() if source else None)
            if "--kerberos" in words:
                assert (result.exit_code, "no Kerberos: say with --as" in result.output) == (1, True), result.output
                continue
            assert result.exit_code == 0, f"mpfctl {line}: {result.output}"
            if target:
                (folder / target).write_text(result.stdout)
