"""What one request may use up: time, turns of its loops, data that it copies, secrets that are looked out for.

Calls and their depth are counted where calls are made (`mpf_core.execution`). Whatever is used up, no catch may handle
it: it would go on without limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Set

from lxml import etree

from mpf_core import redaction
from mpf_core.config import Limits
from mpf_core.errors import Code, Doomed, MpfError
from mpf_core.provider import Element


class Allowance:
    """The allowance of one request. Used by its thread only.

    ``deadline`` is on the monotonic clock; ``cancelled`` asks whether the sender gave up.
    """

    __slots__ = ("_cancelled", "_copied", "_turns", "deadline", "limits")

    def __init__(self, limits: Limits, deadline: float | None, cancelled: Callable[[], bool]) -> None:
        self.limits = limits
        self.deadline = deadline
        self._cancelled = cancelled
        self._turns = self._copied = 0

    def check_time(self) -> None:
        """Raise TIMEOUT or CANCELLED when the request's time is over or it was cancelled."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise MpfError(Code.TIMEOUT, "The time for this request is over.")
        if self._cancelled():
            raise MpfError(Code.CANCELLED, "The request was cancelled.")

    def turn(self) -> None:
        """A loop goes round. Raises Doomed when it may not, or when the request's time is over."""
        self._turns += 1
        limit = self.limits.turns
        if self._turns > limit:
            text = f"The loops of this request go round more often than engine.limits.turns allows ({limit})."
            raise Doomed(MpfError(Code.TOO_MANY_REPEATS, text))
        try:
            self.check_time()
        except MpfError as error:
            raise Doomed(error) from None

    def hide(self, values: Set[str]) -> None:
        """Look out for more secrets (`mpf_core.redaction.hide`). Raises Doomed when there are too many."""
        if values:
            check_secrets(self.limits, values | redaction.hidden())
            redaction.hide(values)

    def copy(self, node: Element) -> None:
        """A node is about to be copied. Raises Doomed when that is too much."""
        self.write(size_of(node))

    def write(self, size: int) -> None:
        """So many characters are about to be copied. Raises Doomed when that is too much."""
        self._copied += size
        limit = self.limits.copied_bytes
        if self._copied > limit:
            text = f"The transfers of this request copy more than engine.limits.copied_bytes allows ({limit})."
            raise Doomed(MpfError(Code.TOO_MUCH_DATA, text))


def size_of(node: Element) -> int:
    """What a copy of a node costs: the length of its XML text, which is what a document costs as well, and quick to tell."""
    return len(node.text or "") if not len(node) and not node.attrib else len(etree.tostring(node, with_tail=False))


def check_secrets(limits: Limits, values: Collection[str]) -> None:
    """Every text that leaves the engine is searched for each of them. Raises Doomed when there are too many."""
    if len(values) > limits.secrets:
        text = f"More than {limits.secrets} values are marked as secret (engine.limits.secrets)."
        raise Doomed(MpfError(Code.TOO_MUCH_DATA, text))
