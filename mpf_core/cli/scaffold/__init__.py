"""Packages to begin with: what ``mpfctl new`` writes.

The templates are the files beside this one, a folder for each kind, and ``common`` for what all have. ``PACKAGE`` in a path
stands for the package's name, ``$name`` and the like in a file for a value (`string.Template`).
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import PurePath
from string import Template

from mpf_core.errors import ConfigError
from mpf_core.plugins import GROUP, SECURITY_GROUP, installed

#: What each kind is, for its ``pyproject.toml``, and the entry-point group in which it is heard.
KINDS = {
    "namespace": ("Procedures that compose calls of other namespaces", GROUP),
    "provider": ("A namespace with a provider of its own", GROUP),
    "policy": ("A policy", SECURITY_GROUP),
}
_SUFFIX = ".template"
_COMMON = "common"
#: Words of letters and digits. Nothing in them needs quotes in XML, Python, TOML or a shell's double quotes.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ _][A-Za-z0-9]+)*", re.ASCII)
_LONGEST = 50
#: Top-level names that our own wheel and the written tests have.
_RESERVED = re.compile(r"mpf(?:_.*)?|tests?")


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called in a package for ``name``: "Fabrikam Phones" is the package ``fabrikam_phones``, and so on."""

    name: str

    @classmethod
    def of(cls, name: str) -> Names:
        """Check a name. Raises ConfigError that says what a name may be, or what it would clash with."""
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            raise ConfigError(
                f"'{name}' cannot be a name. It takes words of letters (A to Z) and digits, beginning with a letter, "
                'and one blank or underscore between two of them, such as "Fabrikam Phones"; '
                f"{_LONGEST} characters at most."
            )
        names = cls(name)
        taken = names._taken()
        if taken:
            raise ConfigError(f"'{name}' cannot be a name: {taken}. Put another word before it: \"Fabrikam {name}\".")
        return names

    @property
    def words(self) -> list[str]:
        """The words of the name."""
        return re.split(r"[ _]", self.name)

    @property
    def package(self) -> str:
        """What is imported."""
        return "_".join(self.words).lower()

    @property
    def distribution(self) -> str:
        """What is installed, and the folder that it is written to."""
        return "-".join(self.words).lower()

    @property
    def plugin(self) -> str:
        """What is enabled."""
        return ".".join(self.words).lower()

    @property
    def class_name(self) -> str:
        """The plugin's class."""
        return "".join(word[0].upper() + word[1:] for word in self.words) + "Plugin"

    def _taken(self) -> str:
        """What has one of the names already, other than an earlier try at this package; or nothing."""
        if keyword.iskeyword(self.package) or self.package in sys.stdlib_module_names:
            return f"'{self.package}' is a word of Python's own"
        if _RESERVED.fullmatch(self.package):
            return f"the package '{self.package}' is reserved"
        plugin = next((one for one in installed() if one.name == self.plugin), None)
        if plugin is not None:
            same = plugin.distribution == self.distribution
            return "" if same else f"the plugin '{self.plugin}' is in '{plugin.distribution}', which is installed"
        if find_spec(self.package) is not None:
            return f"a package '{self.package}' is installed"
        return ""


def files(kind: str, names: Names) -> dict[PurePath, str]:
    """The text of every file of a package of that kind (`KINDS`), by its path."""
    description, group = KINDS[kind]
    values = {
        "name": names.name,
        "package": names.package,
        "distribution": names.distribution,
        "plugin": names.plugin,
        "class": names.class_name,
        "description": f"{description}, for MPF for Python.",
        "group": group,
    }
    root = resources.files(__name__)
    return {
        PurePath(str(path).replace("PACKAGE", names.package).removesuffix(_SUFFIX)): Template(text).substitute(values)
        for part in (_COMMON, kind)
        for path, text in _templates(root / part, PurePath())
    }


def _templates(folder: Traversable, inside: PurePath) -> Iterator[tuple[PurePath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        path = inside / entry.name
        if entry.is_dir():
            yield from _templates(entry, path)
        elif entry.name.endswith(_SUFFIX):
            yield path, entry.read_text(encoding="utf-8")
