"""What a provider is: a Python class whose methods are the procedures of one namespace.

The namespace's XML owns names, types and schemas; the class must match it, which the loader checks.

* A **read** procedure is one method: ``(ctx, data) -> output``.
* A **write** procedure is ``prepare``, the decorated method, which only reads and returns a `Change`; the class's
  `Provider.apply` does it and `Provider.undo` takes it back. Providers of one kind of change (a directory's, say) share
  both, so most providers write no undo code at all.
* A **two-phase** procedure is a write procedure whose effect becomes final in `Provider.commit`.

A change is data before it is an effect: the same `Change` is the intent in the journal, the undo, the plan of a dry run,
and what elevation is checked against (design: docs/design/engine.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from lxml import etree

from mpf_core import points
from mpf_core.errors import Code, MpfError

if TYPE_CHECKING:
    from mpf_core.security.capability import Capability
    from mpf_core.security.identity import Identity
    from mpf_core.security.principal import Principal

Element: TypeAlias = etree._Element
#: What a procedure returns: elements that are appended to executeData, or nothing.
Output: TypeAlias = Iterable[Element] | None
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class ProcedureType(Enum):
    """How a procedure takes part in a transaction (spec: engine-and-runtime.md, 3)."""

    READ = "read"
    WRITE = "write"
    TWO_PHASE = "two-phase"


@dataclass(frozen=True, slots=True)
class Change:
    """What one write call will do and what undoes it, as data.

    ``data`` is JSON: all that `Provider.apply`, `Provider.undo` and `Provider.commit` need, in any process. ``output`` is
    what is known of the call's output before it is done; ``complete`` says that nothing else comes but what the output
    schema requires, so that a plan need not stop where somebody asks for more. ``reversible=False`` declares that the effect
    cannot be undone (a message that was sent); such a step ends as *irreversible*. ``format`` is the version of
    ``data``, so that a journal written by an older release can be read. ``confidential`` data is encrypted in the journal
    whatever the request and the configuration say. A change with ``data`` of ``None`` does nothing.
    """

    data: Json = field(default=None, repr=False)
    output: tuple[Element, ...] = ()
    reversible: bool = True
    format: int = 1
    confidential: bool = False
    complete: bool = False


#: The change that does nothing: the object is already as asked for.
NO_CHANGE = Change()


class Undo(Enum):
    """What an undo found: the effect was there and is gone now, or there was nothing to undo."""

    UNDONE = "undone"
    NOTHING_TO_UNDO = "nothing-to-undo"


@dataclass(slots=True)
class CallContext:
    """What the engine tells a provider about one call.

    ``identity`` is the account the call must run as; ``bag`` is the property bag that all provider calls of one
    transaction share (IProvHelper, spec: engine-and-runtime.md, 4); ``context`` is the ``executeXml/context`` element;
    ``evidence`` is JSON that `Provider.apply` may leave for a later `Provider.undo` (a generated id, say);
    ``saved_data`` holds the call's executeData during undo where the procedure has ``saveDataForRollback="1"``;
    ``stale`` counts, if that is known, the locks that the transaction has taken so far by which what it had read before may
    have become out of date: others may have changed it by the time that the lock was taken. ``capability`` is all that a
    call may do which runs with more rights than its caller has; ``None`` is no such limit. A provider calls
    ``record_assertion`` before another account than ``identity`` acts for it: whoever reads the audit sees that only the
    engine's own authorization decided. ``planned`` says that the call is made for a plan: what it prepares is shown and
    never done.

    During undo and commit ``identity`` is the recovery account, ``caller`` has nothing but a name, ``context`` holds only
    the transaction's id and ``bag`` is empty: it may be another process.
    """

    transaction_id: str
    namespace: str
    procedure: str
    step: str
    sequence: int
    identity: Identity
    caller: Principal
    context: Element
    bag: MutableMapping[Any, Any] = field(repr=False)
    deadline: float | None = None
    evidence: dict[str, Json] = field(default_factory=dict, repr=False)
    saved_data: Element | None = None
    lock_key: Callable[..., None] = field(default=lambda _key, *, shared=False: None, repr=False)
    flush: Callable[[], None] = field(default=lambda: None, repr=False)
    stale: Callable[[], int] | None = field(default=None, repr=False)
    capability: Capability | None = None
    record_assertion: Callable[[], None] = field(default=lambda: None, repr=False)
    planned: bool = False

    def lock(self, key: str, *, shared: bool = False) -> None:
        """Hold ``key`` for this transaction until it has ended, alone, or ``shared`` with others who only rely on it.

        Raises LOCK_VIOLATION if another transaction is in the way. Call it before reading what is decided on.
        """
        self.lock_key(key, shared=shared)

    def checkpoint(self) -> None:
        """Make ``evidence`` durable now, in `Provider.apply` (FlushRollbackData, spec: engine-and-runtime.md, 3).

        For a change whose next effect depends on what only the last one yielded. Costs one synced write. Raises
        STORE_UNAVAILABLE: then nothing more may be done.
        """
        self.flush()

    @contextmanager
    def effect(self) -> Iterator[None]:
        """Around each effect of a `Provider.apply`, undo or commit that has several: ``with ctx.effect(): ...``.

        Nothing is recorded: tests, and the conformance kit among them, kill before and behind it. Raises TIMEOUT, before
        the effect, when the time is over.
        """
        self.remaining()
        points.reach("provider.effect.before")
        yield
        points.reach("provider.effect.after")

    def remaining(self) -> float | None:
        """Seconds until the request's deadline, or ``None`` without one. Raises TIMEOUT when it has passed."""
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise MpfError(Code.TIMEOUT, "The time for this request is over.")
        return left


F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """How a method takes part: the procedure's name in the namespace and its type."""

    procedure: str
    type: ProcedureType


def _marker(type_: ProcedureType) -> Callable[[str], Callable[[F], F]]:
    def named(procedure: str) -> Callable[[F], F]:
        def mark(function: F) -> F:
            function.__mpf_handler__ = Handler(procedure, type_)  # type: ignore[attr-defined]
            return function

        return mark

    return named


read = _marker(ProcedureType.READ)
write = _marker(ProcedureType.WRITE)
two_phase = _marker(ProcedureType.TWO_PHASE)
read.__doc__ = "Mark a method as the read procedure of that name."
write.__doc__ = "Mark a method as the *prepare* of the write procedure of that name."
two_phase.__doc__ = "Mark a method as the *prepare* of the two-phase procedure of that name."


class Provider:
    """Base class of providers. One instance serves one engine and all its threads: keep no state per call on it."""

    handlers: ClassVar[dict[str, tuple[Handler, str]]] = {}
    #: The versions of `Change.data` (`Change.format`) that this class can undo and commit.
    formats: ClassVar[frozenset[int]] = frozenset({1})

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[str, tuple[Handler, str]] = {}
        for base in reversed(cls.__mro__[1:]):
            found |= vars(base).get("handlers", {})
        for attribute, value in vars(cls).items():
            handler = getattr(value, "__mpf_handler__", None)
            if isinstance(handler, Handler):
                found[handler.procedure] = (handler, attribute)
        cls.handlers = found

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """Do what ``change`` says. May return output that `Change.output` could not know."""
        raise NotImplementedError(f"{type(self).__name__} has write procedures and no apply()")

    def check_capability(self, ctx: CallContext, change: Change) -> None:
        """Raise E_ACCESSDENIED when ``change`` is more than ``ctx.capability`` permits, which is not ``None``.

        Asked before anything is recorded or done. A provider that does not know what its changes touch is never elevated
        with limits.
        """
        name = f"{ctx.namespace}::{ctx.procedure}"
        raise MpfError(Code.E_ACCESSDENIED, f"'{name}' cannot tell what it changes, so it runs as its caller only.")

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Take ``change`` back. Looks first: does nothing where the effect is not there, and is safe to call twice.

        Raises anything when it cannot, or when it cannot tell whose effect it finds: the step is then *undo failed*.
        """
        raise NotImplementedError(f"{type(self).__name__} has write procedures and no undo()")

    def prepare_commit(self, ctx: CallContext, change: Change) -> None:
        """Raise when `commit` could not succeed (PrepareRequest). Asked of all two-phase steps before the first commit."""

    def commit(self, ctx: CallContext, change: Change) -> None:
        """Make the effect of a two-phase procedure final. Does nothing where it is final already: it may be called again."""
        raise NotImplementedError(f"{type(self).__name__} has two-phase procedures and no commit()")

    def describe(self, change: Change) -> str:
        """``change`` as text for people, in which nothing is secret: see `as_text`. LDIF for directory changes."""
        return as_text(change)


def as_text(change: Change) -> str:
    """The data of a change as JSON; of a confidential one that there is some."""
    return "(confidential; not shown)" if change.confidential else json.dumps(change.data, indent=2, sort_keys=True)


def argument(data: Element, name: str) -> str:
    """The text of the child ``name`` of executeData, stripped.

    Raises E_INVALIDARG with the original's texts when it is missing or empty (spec: helpers-and-ad-providers.md, 1.2).
    """
    child = next(data.iterchildren(name), None)
    if child is None:
        raise MpfError(Code.E_INVALIDARG, f"The required argument {name} was not supplied.")
    text = (child.text or "").strip()
    if not text:
        raise MpfError(Code.E_INVALIDARG, f"The argument '{name}' cannot be null.")
    return text


def optional_argument(data: Element, name: str) -> str | None:
    """The stripped text of the child ``name``, or ``None`` when it is missing or empty."""
    child = next(data.iterchildren(name), None)
    return ((child.text or "").strip() or None) if child is not None else None


def output(name: str, text: str | None = None, /, **attributes: str) -> Element:
    """A new output element: ``output("path", "LDAP://...")``."""
    if text is not None and not isinstance(text, str):
        raise TypeError(f"output({name!r}): text must be str, not {type(text).__name__}")
    element = etree.Element(name, attributes)
    element.text = text
    return element
