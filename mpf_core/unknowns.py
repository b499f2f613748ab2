"""What a plan does not know: the values that only a write itself yields, and what the way of a request makes of them.

Stand-ins are in the place of its output: UNKNOWN where a value would be, COUNTS on an element that may be there another
number of times, ANYTHING where no schema says what comes. A decision that comes out the same whatever the unknown is may be
taken; one that does not ends the plan. Which it is, is found out by trying: values that the path names, and those beside it
in the data; elements that are there, and that are not.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import product
from math import prod

from lxml import etree

from mpf_core.errors import Code, Doomed, MpfError, Violation
from mpf_core.paths import Path
from mpf_core.provider import Element
from mpf_core.validation.arguments import Argument
from mpf_core.validation.input_schema import InputSchema

#: Stands where a value would be that only the write itself yields.
UNKNOWN = "(unknown until it is done)"
#: Stands in an attribute that may be missing, too.
MAYBE = f"{UNKNOWN}, or nothing"
#: The attribute of a stand-in that says how often it may be there.
COUNTS = "{urn:mpf:plan}counts"
#: The element that stands for whatever a write without an output schema may yield.
ANYTHING = "{urn:mpf:plan}anything"

_LITERALS = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+(?:\.\d+)?)")
#: What makes other texts of those that can be tried.
_MAKES_TEXT = re.compile(r"\b(?:concat|translate|substring|substring-before|substring-after)\s*\(")
#: Steps only: what they select depends on no text.
_STEPS = re.compile(r"(?:@?[\w.*-]+)(?:/@?[\w.*-]+)*")
_NAMES = re.compile(r"[A-Za-z_][\w.-]*")
#: So many unknown values and so many ways of putting something in their places are tried; beyond that nothing is decided.
_MOST_UNKNOWN, _MOST_TRIED = 3, 2000


def stand_ins(schema: InputSchema | None, known: Collection[str], *, complete: bool) -> list[Element]:
    """What stands for the output that a write's schema names, but for what is ``known`` already.

    What is ``complete`` has nothing besides what is required.
    """
    if schema is None:
        return [] if complete else [etree.Element(ANYTHING)]
    missing = (argument for argument in schema.arguments if argument.name not in known)
    return [_stand_in(argument) for argument in missing if argument.required or not complete]


def _stand_in(argument: Argument) -> Element:
    element = etree.Element(argument.name)
    counts = [*([] if argument.required else ["0"]), "1", *(["2"] if argument.repeats else [])]
    if len(counts) > 1:
        element.set(COUNTS, " ".join(counts))
    for child in argument.children:
        if child.name.startswith("@"):
            element.set(child.name[1:], UNKNOWN if child.required else MAYBE)
        else:
            element.append(_stand_in(child))
    if not len(element):
        element.text = UNKNOWN
    if argument.type == "XML" and not argument.children:
        etree.SubElement(element, ANYTHING)
    return element


def require_known(node: Element | None, path: Path, outcome: Callable[[Element], object]) -> None:
    """Raise Doomed (E_PENDING) where ``outcome`` of the node depends on what is unknown in its document.

    ``outcome`` is whether ``path`` holds, or how many nodes it selects.
    """
    if node is not None and path.text and not _is_same(node, path, outcome):
        raise pending(path.text)


def require_text_known(text: str, path: Path) -> None:
    """Raise Doomed (E_PENDING) for a text with something unknown in it."""
    if UNKNOWN in text:
        raise pending(path.text)


def require_shape_known(node: Element, what: str) -> None:
    """Raise Doomed (E_PENDING) where something below the node may be there, or may not: ``what`` looks at all of it."""
    if any(True for _ in _optional(node)):
        raise pending(what)


def pending(what: str) -> Doomed:
    """What ends a plan."""
    return Doomed(MpfError(Code.E_PENDING, f"What to do next depends on '{what}', which is known only when it is done."))


def is_unknown(data: Element) -> bool:
    """Whether there is any value in it that is unknown."""
    return any(True for _ in _places(data))


def check(schema: InputSchema, data: Element) -> None:
    """Check the data of a call as `InputSchema.check` does, but for the values that are unknown.

    Raises Doomed (E_PENDING) where it fits or not, depending on what will be there.
    """
    found = [_error(schema, _sure(data, there=there)) for there in ((True, False) if any(_optional(data)) else (True,))]
    wrong = [error for error in found if error is not None]
    if wrong and len(wrong) < len(found):
        raise pending(f"executeData ({wrong[0].description})")
    if wrong:
        raise wrong[0]


def _error(schema: InputSchema, data: Element) -> MpfError | None:
    try:
        schema.check(data)
    except MpfError as error:
        left = tuple(each for each in error.violations if not _is_about_unknown(data, each))
        if len(left) == len(error.violations):
            return error
        return MpfError(error.code, left[0].message, violations=left) if left else None
    return None


def _is_about_unknown(data: Element, violation: Violation) -> bool:
    try:
        found = data.getroottree().xpath(violation.path)
    except etree.XPathError:
        return False
    return isinstance(found, list) and any(
        any(UNKNOWN in str(text) for text in (one.text, *one.attrib.values())) for one in found if etree.iselement(one)
    )


def _sure(data: Element, *, there: bool) -> Element:
    """A copy without marks: everything that may be there is, or is not."""
    own = copy.deepcopy(data)
    for element, attribute, _ in list(_optional(own)):
        if element.tag == ANYTHING or (attribute is None and not there and "0" in str(element.get(COUNTS))):
            _times(element, 0)
        elif attribute is None:
            del element.attrib[COUNTS]
        elif not there:
            element.attrib.pop(attribute, "")
    return own


def _places(root: Element) -> Iterator[tuple[int, str | None]]:
    """The unknown texts (by the number of their element) and attributes."""
    for number, element in enumerate(root.iter(etree.Element)):
        if UNKNOWN in (element.text or ""):
            yield number, None
        yield from ((number, str(name)) for name, value in element.attrib.items() if UNKNOWN in str(value))


def _optional(root: Element) -> Iterator[tuple[Element, str | None, Sequence[int]]]:
    """The elements, and attributes, that may be there so many times."""
    for element in root.iter(etree.Element):
        if element.tag == ANYTHING:
            yield element, None, (0, 1)
        elif COUNTS in element.attrib:
            yield element, None, [int(count) for count in str(element.get(COUNTS)).split()]
        yield from ((element, str(name), (0, 1)) for name, value in element.attrib.items() if value == MAYBE)


def _is_same(node: Element, path: Path, outcome: Callable[[Element], object]) -> bool:
    root = node.getroottree().getroot()
    steps, around = _STEPS.fullmatch(path.text), [node, *node.iterancestors()]
    names = set(_NAMES.findall(path.text))
    optional = [
        (element, attribute, counts)
        for element, attribute, counts in _optional(root)
        if element not in around or attribute is not None
        if not steps or "*" in path.text or element.tag == ANYTHING or (attribute or element.tag) in names
    ]
    places = [] if steps else list(_places(root))
    if not optional and not places:
        return True
    if not steps and (_MAKES_TEXT.search(path.text) or any(element.tag == ANYTHING for element, _, _ in optional)):
        return False
    values = sorted({"", "0", "1", *_named(path.text), *_beside(root)})
    tries = prod(len(counts) for _, _, counts in optional) * len(values) ** len(places)
    if len(places) > _MOST_UNKNOWN or tries > _MOST_TRIED:
        return False
    numbers = {element: number for number, element in enumerate(root.iter(etree.Element))}
    expected = outcome(node)
    for chosen in product(*(counts for _, _, counts in optional)):
        elements = list(copy.deepcopy(root).iter(etree.Element))
        for (element, attribute, _), count in zip(optional, chosen, strict=True):
            _times(elements[numbers[element]], count, attribute, names)
        for texts in product(values, repeat=len(places)):
            for (number, name), value in zip(places, texts, strict=True):
                if name is None:
                    elements[number].text = value
                elif name in elements[number].attrib:
                    elements[number].set(name, value)
            if outcome(elements[numbers[node]]) != expected:
                return False
    return True


def _times(element: Element, count: int, attribute: str | None = None, names: Collection[str] = ()) -> None:
    """Let a part of a tree be there so many times; what may be anything has all these names."""
    parent = element.getparent()
    if attribute is not None:
        if not count:
            del element.attrib[attribute]
    elif parent is not None:
        if element.tag == ANYTHING:
            inner = [etree.Element(name, dict.fromkeys(names, "")) for name in names] if count else []
            for one in inner:
                one.extend([etree.Element(name) for name in names])
                parent.append(one)
            count = 0
        parent.extend([copy.deepcopy(element) for _ in range(1, count)])
        if not count:
            parent.remove(element)


def _named(path: str) -> Iterator[str]:
    """The literals in a path, and the numbers around those that are numbers."""
    for single, double, number in _LITERALS.findall(path):
        yield single or double or number
        if number:
            yield from (str(float(number) - 1), str(float(number) + 1))


def _beside(root: Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        yield from (str(value) for value in ((element.text or "").strip(), *element.attrib.values()) if UNKNOWN not in value)
