"""What a plan does not know: the values that only a write itself yields, and what the way of a request makes of them.

A condition that comes out the same whatever the unknown is may be decided; one that does not ends the plan. Whether it does
is found out by trying: with the values that the path names, and those beside it in the data.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from itertools import product

from lxml import etree

from mpf_core.errors import Code, Doomed, MpfError
from mpf_core.paths import Path
from mpf_core.provider import Element

#: Stands where a value would be that only the write itself yields.
UNKNOWN = "(unknown until it is done)"

_LITERALS = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+(?:\.\d+)?)")
#: What makes other texts of those that can be tried.
_MAKES_TEXT = re.compile(r"\b(?:concat|translate|substring|substring-before|substring-after)\s*\(")
#: So many unknowns and so many ways of putting values in their places are tried; beyond that nothing is decided.
_MOST_UNKNOWN, _MOST_TRIED = 3, 2000


def require_known(node: Element | None, path: Path, outcome: Callable[[Element], object]) -> None:
    """Raise Doomed (E_PENDING) where ``outcome`` of the node depends on what is unknown in its document.

    ``outcome`` is what the flow takes from ``path``: whether it holds, a text, a number of nodes.
    """
    if node is None or not path.text:
        return
    root = node.getroottree().getroot()
    places = list(_places(root))
    if places and not _is_same(root, node, places, path, outcome):
        raise pending(path.text)


def require_text_known(text: str, path: Path) -> None:
    """Raise Doomed (E_PENDING) for a text with something unknown in it."""
    if UNKNOWN in text:
        raise pending(path.text)


def pending(path: str) -> Doomed:
    """What ends a plan."""
    return Doomed(MpfError(Code.E_PENDING, f"What to do next depends on '{path}', which is known only when it is done."))


def _places(root: Element) -> Iterator[tuple[int, str | None]]:
    """The unknown texts (by the number of their element) and attributes."""
    for number, element in enumerate(root.iter(etree.Element)):
        if UNKNOWN in (element.text or ""):
            yield number, None
        yield from ((number, str(name)) for name, value in element.attrib.items() if UNKNOWN in str(value))


def _is_same(
    root: Element,
    node: Element,
    places: list[tuple[int, str | None]],
    path: Path,
    outcome: Callable[[Element], object],
) -> bool:
    if _MAKES_TEXT.search(path.text):
        return False
    values = sorted({"", "0", "1", *_named(path.text), *_beside(root)})
    if len(places) > _MOST_UNKNOWN or len(values) ** len(places) > _MOST_TRIED:
        return False
    expected = outcome(node)
    at = next(number for number, element in enumerate(root.iter(etree.Element)) if element is node)
    tried = copy.deepcopy(root)
    elements = list(tried.iter(etree.Element))
    for chosen in product(values, repeat=len(places)):
        for (number, attribute), value in zip(places, chosen, strict=True):
            if attribute is None:
                elements[number].text = value
            else:
                elements[number].set(attribute, value)
        if outcome(elements[at]) != expected:
            return False
    return True


def _named(path: str) -> Iterator[str]:
    """The literals in a path, and the numbers around those that are numbers."""
    for single, double, number in _LITERALS.findall(path):
        yield single or double or number
        if number:
            yield from (str(float(number) - 1), str(float(number) + 1))


def _beside(root: Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        yield from (str(value) for value in ((element.text or "").strip(), *element.attrib.values()) if value != UNKNOWN)
