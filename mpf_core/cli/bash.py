"""Completion for bash, which splits words at ``:`` and leaves it to the program to quote what it offers.

What click brings for bash offers ``Managed Office ...`` as it is, which bash inserts as several words. Here the program gets
the line as it was typed and returns words that bash can insert.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import ClassVar

from click.shell_completion import CompletionItem, ShellComplete

_SOURCE = r"""
%(complete_func)s() {
    local line type value
    COMPREPLY=()
    while IFS= read -r line; do
        type=${line%%%%,*} value=${line#*,}
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(MPFCTL_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@%+,-]")
#: Where bash begins a new word (``COMP_WORDBREAKS``), of what may stand in a word that is not quoted.
_WORD_BREAKS = ":=@"
_ESCAPABLE = '"\\$`'


@dataclass(slots=True)
class Typed:
    """A line up to the cursor: its words without quotes, and how the last one, which is to be completed, is written.

    ``quote`` is the quotation mark that is still open; ``kept`` how much of the word stands before bash's own last word.
    """

    words: list[str] = field(default_factory=lambda: [""])
    quote: str = ""
    kept: int = 0

    @classmethod
    def read(cls, line: str) -> Typed:
        """Read a line as bash does, as far as words and quotes go."""
        typed = cls()
        started = False
        characters = iter(line)
        for character in characters:
            if character == "\\" and typed.quote != "'":
                following = next(characters, "")
                escaped = not typed.quote or following in _ESCAPABLE
                typed.words[-1] += following if escaped else character + following
            elif typed.quote:
                if character == typed.quote:
                    typed.quote = ""
                else:
                    typed.words[-1] += character
            elif character in "'\"":
                typed.quote = character
                typed.kept = len(typed.words[-1])
            elif character.isspace():
                if started:
                    typed.words.append("")
                    typed.kept = 0
                started = False
                continue
            else:
                typed.words[-1] += character
                if character in _WORD_BREAKS:
                    typed.kept = len(typed.words[-1])
            started = True
        return typed

    def insertable(self, word: str) -> str:
        """What bash must put in the place of its last word, so that ``word`` stands there."""
        rest = word[self.kept :]
        if self.quote == "'":
            return rest.replace("'", "'\\''")
        if self.quote:
            return "".join("\\" + one if one in _ESCAPABLE else one for one in rest)
        return "".join(one if _PLAIN.match(one) else "\\" + one for one in rest)


class BashCompletion(ShellComplete):
    """Registered as ``bash`` in the place of click's own."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one to complete, without the program's name, and that one."""
        words = self._typed().words
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """``type,word`` for the script above."""
        return f"{item.type},{self._typed().insertable(item.value) if item.type == 'plain' else item.value}"

    @staticmethod
    def _typed() -> Typed:
        return Typed.read(os.environ.get("MPFCTL_LINE", ""))
