"""Data flow within one procedure: scopes, conditions, loops, and the transfers of before and after.

Sources: spec/provisioning-schema.md, section Z, rules 2 to 8. Each scope is a document of its own, so no path climbs from
one into another (from ``data`` into the credentials in ``context``, say).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from mpf_core import redaction
from mpf_core.allowance import Allowance
from mpf_core.errors import Code, MpfError
from mpf_core.model import Action, ForEach, IfNull, Mode, Repeat, Select, Transfer, When, WhenCase
from mpf_core.paths import Atom, Path, Selected
from mpf_core.provider import Element
from mpf_core.transforms import apply_transform
from mpf_core.unknowns import require_known, require_shape_known, require_text_known


class Skip(Exception):  # noqa: N818 - it is no error
    """The current loop iteration is to be skipped (``ifNull="skip"``)."""


class Frame:
    """The scopes of one running procedure. A scope is created when it is first needed."""

    __slots__ = (
        "_allowance",
        "_context",
        "_loops",
        "_planned",
        "_procedure_data",
        "_template",
        "cases",
        "data",
        "execute_data",
    )

    def __init__(
        self,
        data: Element,
        procedure_data: Element | None,
        context: Callable[[], Element],
        allowance: Allowance,
        *,
        planned: bool = False,
    ) -> None:
        """In a ``planned`` run some values may be unknown: what depends on one raises Doomed (`mpf_core.unknowns`)."""
        self.data = data
        self._allowance = allowance
        self._planned = planned
        self.execute_data: Element | None = None
        #: Outcome of each ``select`` so far.
        self.cases: dict[str, str | None] = {}
        self._template = procedure_data
        self._procedure_data: Element | None = None
        self._context: Element | Callable[[], Element] = context
        self._loops: dict[str, Element | None] = {}

    @property
    def context(self) -> Element:
        """The ``context`` of the running procedure; in a catch it has an ``errorContext``."""
        if not isinstance(self._context, etree._Element):
            self._context = self._context()
        return self._context

    def scope(self, name: str) -> Element | None:
        """The node that a step names; ``None`` for a loop whose optional root is absent."""
        if name == "data":
            return self.data
        if name == "executeData":
            return self.execute_data
        if name == "procedureData":
            if self._procedure_data is None:
                template = self._template
                self._procedure_data = etree.Element("procedureData") if template is None else clone(template)
            return self._procedure_data
        if name == "context":
            return self.context
        return self._loops[name]

    def iterations(self, action: Action) -> Iterator[None]:
        """Run once per loop item and repetition for which every ``when`` holds, with loop names bound.

        Order: forEach in order of appearance, then repeat, then when; conditions are tested before every repetition.
        """
        if not action.for_each and not action.repeat:
            self._allowance.turn()
            if all(self.holds(when) for when in action.when):
                yield
            return
        try:
            for _ in self._loop(action.for_each):
                for _ in range(self._repetitions(action.repeat)):
                    self._allowance.turn()
                    if all(self.holds(when) for when in action.when):
                        yield
        finally:
            self._loops = {}

    def _nodes(self, root: Element | None, path: Path) -> list[Selected]:
        if self._planned:
            require_known(root, path, lambda node: len(path.select(node)))
        return [] if root is None else path.select(root)

    def _loop(self, loops: tuple[ForEach, ...]) -> Iterator[None]:
        if not loops:
            yield
            return
        loop, rest = loops[0], loops[1:]
        nodes = self._nodes(self.scope(loop.root), loop.path)
        if not nodes:
            if loop.if_null is IfNull.FAIL:
                raise _selects_nothing("forEach", loop.root, loop.path)
            if loop.if_null is IfNull.SKIP:
                return
            self._loops[loop.name] = None
            yield from self._loop(rest)
            return
        for node in nodes:
            if isinstance(node, Atom):
                raise MpfError(Code.INVALID_SELECTION, f"forEach '{loop.name}': '{loop.path.text}' selects no elements.")
            self._allowance.turn()
            self._loops[loop.name] = node
            yield from self._loop(rest)

    def _repetitions(self, repeats: tuple[Repeat, ...]) -> int:
        times, most = 1, self._allowance.limits.repeats
        for repeat in repeats:
            nodes = self._nodes(self.scope(repeat.source), repeat.path)
            if not nodes:
                if repeat.if_null is IfNull.FAIL:
                    raise _selects_nothing("repeat", repeat.source, repeat.path)
                times *= 0 if repeat.if_null is IfNull.SKIP else 1
                continue
            text = text_of(nodes[0]).strip()
            if self._planned:
                require_text_known(text, repeat.path)
            if not (text.isascii() and text.isdigit()) or len(text) > 9:
                raise MpfError(Code.TOO_MANY_REPEATS, f"The repeat count '{redaction.mask(text)[:40]}' is no whole number.")
            times *= int(text)
        if times > most:
            raise MpfError(
                Code.TOO_MANY_REPEATS, f"{times} repetitions are more than engine.limits.repeats allows ({most})."
            )
        return times

    def holds(self, when: When) -> bool:
        """Whether a condition holds (rule 8)."""
        if isinstance(when, WhenCase):
            return self.cases.get(when.select) == when.case
        node = self.scope(when.source)
        if self._planned:
            require_known(node, when.path, when.path.holds)
        return node is not None and when.path.holds(node)

    def decide(self, select: Select) -> None:
        """Evaluate a ``select``: the first equal ``where`` wins, then defaultCase; no node gives ifNullCase."""
        self._allowance.turn()
        nodes = self._nodes(self.scope(select.source), select.path)
        if not nodes:
            self.cases[select.name] = select.if_null_case
            return
        value = text_of(nodes[0])
        if self._planned:
            require_text_known(value, select.path)
        self.cases[select.name] = next((case for wanted, case in select.cases if wanted == value), select.default_case)

    def transfer(self, transfer: Transfer) -> None:
        """Do one ``before`` or ``after``. Raises Skip where ``ifNull="skip"`` and the source is absent."""
        nodes = self._nodes(self.scope(transfer.source), transfer.source_path)
        if not nodes:
            if transfer.if_null is IfNull.IGNORE:
                return
            if transfer.if_null is IfNull.SKIP:
                raise Skip
            raise _selects_nothing(transfer.label, transfer.source, transfer.source_path)
        moving = transfer.mode is Mode.MOVE
        new: list[Selected]
        if transfer.transform is not None:
            new = self._transformed(transfer, transfer.transform, nodes)
            if not new:
                if transfer.allow_null:
                    return
                raise MpfError(
                    Code.TRANSFORM_EMPTY,
                    f"The transform in {transfer.label} gave no element; allowNullTransform='1' would allow that.",
                )
            if moving:
                for node in nodes:
                    self._take(node)
        elif moving:
            new = [self._take(node) for node in nodes]
        else:
            # A leaf that is merged only lends its text and attributes: no copy is needed.
            lending = transfer.mode is Mode.MERGE and transfer.source != transfer.destination
            new = [self._copied(node, lending=lending) for node in nodes]
        self._place(transfer, new)

    def _transformed(self, transfer: Transfer, transform: etree.XSLT, nodes: Sequence[Selected]) -> list[Selected]:
        new = list[Selected]()
        for node in nodes:
            if isinstance(node, Atom):
                raise MpfError(Code.INVALID_SELECTION, f"{transfer.label}: a transform needs an element.")
            if self._planned:
                require_shape_known(node, transfer.source_path.text or transfer.source)
            new += apply_transform(transform, node, transfer.label)
        return new

    def _take(self, node: Selected) -> Selected:
        """Remove a node from its place and return it; a scope's root gives its content and stays, empty."""
        if isinstance(node, Atom):
            if node.owner is not None:
                if node.attribute is not None:
                    if node.attribute in node.owner.attrib:
                        del node.owner.attrib[node.attribute]
                else:
                    node.owner.text = None
            return node
        if node.getparent() is None:
            own = self._copied(node, lending=False)
            node.clear()
            return own
        self._allowance.write(detach(node))
        return node

    def _copied(self, node: Selected, *, lending: bool) -> Selected:
        if isinstance(node, Atom):
            self._allowance.write(len(node.value))
            return node
        self._allowance.copy(node)
        return node if lending and not len(node) else clone(node)

    def _place(self, transfer: Transfer, new: list[Selected]) -> None:
        root = self.scope(transfer.destination)
        if root is None:
            raise _selects_nothing(transfer.label, transfer.destination, transfer.destination_path)
        targets = transfer.destination_path.select(root)
        target = targets[0] if targets else transfer.destination_path.create(root)
        if isinstance(target, Atom):
            if target.owner is None or target.attribute is None:
                raise MpfError(Code.INVALID_SELECTION, f"{transfer.label}: the destination is no element or attribute.")
            target.owner.set(target.attribute, "".join(text_of(node) for node in new))
        elif transfer.mode is Mode.MERGE:
            _merge(target, new)
        elif transfer.mode is Mode.REPLACE:
            _replace(target, new)
        else:
            for node in new:
                _insert(target, node)


def clone(node: Element) -> Element:
    """A copy in a document of its own, without the tail."""
    own = copy.copy(node)  # lxml copies the whole subtree, into a document of its own
    own.tail = None
    return own


def text_of(node: Selected) -> str:
    """The string value of a node, as XPath's ``string()`` gives it."""
    if isinstance(node, Atom):
        return node.value
    return node.text or "" if not len(node) else "".join(str(part) for part in node.itertext())


def detach(node: Element) -> int:
    """Remove ``node`` from its parent and leave its tail text where it was. Returns how much text was written for that."""
    parent = node.getparent()
    if parent is None:
        return 0
    tail, node.tail = node.tail, None
    written = 0
    if tail and tail.strip():
        previous = node.getprevious()
        if previous is not None:
            text = previous.tail = (previous.tail or "") + tail
        else:
            text = parent.text = (parent.text or "") + tail
        written = len(text)
    parent.remove(node)
    return written


def _append_text(target: Element, text: str | None) -> None:
    if not text:
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text


def _insert(target: Element, node: Selected) -> None:
    if isinstance(node, Atom):
        if node.attribute is not None:
            target.set(node.attribute, node.value)
        else:
            _append_text(target, node.value)
    else:
        target.append(node)


def _merge(target: Element, nodes: Sequence[Selected]) -> None:
    texts = list[str]()  # joined before they are written: each write copies all of the text that is there
    for node in nodes:
        if isinstance(node, Atom):
            texts.append(node.value)
            continue
        for name, value in node.attrib.items():
            target.set(name, value)
        texts.append(node.text or "")
        if len(node):
            _append_text(target, "".join(texts))
            texts.clear()
            target.extend(list(node))
    _append_text(target, "".join(texts))


def _replace(target: Element, new: list[Selected]) -> None:
    parent = target.getparent()
    if parent is None:
        target.attrib.clear()
        target.text = None
        del target[:]
        _merge(target, new)
        return
    at = parent.index(target)
    detach(target)
    for node in reversed(new):
        if isinstance(node, Atom):
            _insert(parent, node)
        else:
            parent.insert(at, node)


def _selects_nothing(where: str, scope: str, path: Path) -> MpfError:
    place = f"{scope}/{path.text}" if path.text else scope
    return MpfError(Code.NOT_FOUND, f"{where}: the source node '{place}' was not found and ifNull is 'fail'.")
