"""Completion in bash: what is offered can be inserted as it is."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.cli.bash import Typed
from mpf_core.cli.init import create

BASH = shutil.which("bash")
OCS = "Managed Office Communications Server"
EXTENSIONS = f"{OCS} Extensions"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("mpfctl ", ["mpfctl", ""]),
        ("mpfctl  de", ["mpfctl", "de"]),
        ("mpfctl describe Managed\\ Off", ["mpfctl", "describe", "Managed Off"]),
        ('mpfctl describe "Managed Off', ["mpfctl", "describe", "Managed Off"]),
        ("mpfctl describe 'a\\b", ["mpfctl", "describe", "a\\b"]),
        ('mpfctl describe "a\\b\\"', ["mpfctl", "describe", 'a\\b"']),
        ('mpfctl submit "" x', ["mpfctl", "submit", "", "x"]),
    ],
)
def test_words_of_a_line(line: str, words: list[str]) -> None:
    assert Typed.read(line).words == words


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["Cc"]), min_size=1))
def test_what_is_inserted_is_read_as_the_word(word: str) -> None:
    assert shlex.split(Typed.read("mpfctl ").insertable(word)) == [word]
    for quote in "'\"":
        assert Typed.read(quote + Typed.read(quote).insertable(word) + quote).words == [word]


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_bash_reads_what_is_inserted_as_the_word(quote: str) -> None:
    word = 'it\'s "5" $HOME `x` \\n * ~ & | ; < > ( ) # {a,b} [c] ? ='
    assert BASH is not None
    script = f"printf %s {quote}{Typed.read(quote).insertable(word)}{quote}"
    assert subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True).stdout == word


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mpfctl directory ", ["check", "export", "rights", "schema", "show"]),
        ("mpfctl describe Error\\ Provider::Set", ["SetError"]),
        ("mpfctl describe Err", None),
        ('mpfctl describe "Err', None),
        ("mpfctl describe Managed\\ Hel", None),
        ("mpfctl submit --namespace Managed\\ O", [name.replace(" ", "\\ ") for name in (OCS, EXTENSIONS)]),
        ('mpfctl submit --namespace "Managed O', [OCS, EXTENSIONS]),
    ],
)
def test_bash_gets_words_it_can_insert(tmp_path: Path, line: str, offered: list[str] | None) -> None:
    create(tmp_path)
    command = tmp_path / "mpfctl"
    command.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c 'from mpf_core.cli import main; main()' \"$@\"\n")
    command.chmod(0o755)
    script = (
        'eval "$(./mpfctl completion bash)"; COMP_LINE=$1 COMP_POINT=${#1}; '
        '_mpfctl_completion ./mpfctl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert BASH is not None
    done = subprocess.run([BASH, "-c", script, "bash", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = done.stdout.splitlines()
    if offered is None:  # one namespace is left: its procedures, and what they share ends with "::"
        space = "Error Provider" if "Err" in line else "Managed Helpers"
        expected = space if '"' in line else space.replace(" ", "\\ ")
        assert len(found) > 1
        assert all(word.startswith(f"{expected}::") for word in found), found
    else:
        assert sorted(found) == offered
