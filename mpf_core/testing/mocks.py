"""Providers that stand in for real ones: they check, remember and answer calls, and undo what they never did.

    mock = MockProvider("namespaces/greetings.xml")
    mock.on("Greet", name="Ada").returns({"greeting": "Hello, Ada"})
    engine = Engine(plugins=[mock, AllowAll()], namespaces=[...])
    ...
    mock.assert_calls(("Greet", {"name": "Ada"}))

The engine checks every call against the real input schema before the mock sees it; the mock checks its own answers against
the output schema, so that a test cannot rest on an answer that the real provider could not give.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeAlias

from lxml import etree

from mpf_core import xml
from mpf_core.errors import Code, MpfError
from mpf_core.hookspecs import hookimpl
from mpf_core.loader import find_namespaces, load_namespace
from mpf_core.model import Namespace, Procedure
from mpf_core.provider import CallContext, Change, Element, Handler, Output, ProcedureType, Provider, Undo
from mpf_core.redaction import secret_free
from mpf_core.testing.values import Values, elements, fits, text_arguments

#: What answers a call: output as `elements` takes it, or a function of the call that gives such a value.
Answer: TypeAlias = "Values | Callable[[MockCall], Values]"


@dataclass(frozen=True, slots=True)
class MockCall:
    """A call that a mock has seen.

    ``arguments`` holds the text of executeData's children that have no children of their own, ``document`` the whole of
    it as XML, ``identity`` the account that the call ran as. Secrets (``do-not-log``) are in ``arguments`` only.
    """

    procedure: str
    arguments: Mapping[str, str]
    document: str = field(repr=False)
    identity: str = ""

    def __str__(self) -> str:
        return _shown(self.procedure, text_arguments(etree.fromstring(self.document)))


@dataclass(slots=True)
class Expectation:
    """How a mock answers calls of one procedure. Returned by `MockProvider.on`; its methods return it again."""

    procedure: str
    arguments: Mapping[str, str]
    _answer: Answer = None
    _error: MpfError | None = None
    _times: int | None = None
    seen: int = 0
    #: All of executeData as canonical XML, for calls that must be exactly this one.
    data: str | None = None

    def __str__(self) -> str:
        arguments = self.arguments if self.data is None else text_arguments(etree.fromstring(self.data))
        return _shown(self.procedure, arguments)

    def returns(self, answer: Answer) -> Expectation:
        """Answer with elements: a mapping (name to text, another mapping, or a list), XML, or a function of the call."""
        self._answer = answer
        return self

    def raises(self, code: int, description: str = "told to fail") -> Expectation:
        """Answer with an error."""
        self._error = MpfError(code, description)
        return self

    def once(self) -> Expectation:
        """Answer one call only; the next one gets the answer that was set before this."""
        return self.times(1)

    def times(self, number: int) -> Expectation:
        """Answer so many calls only."""
        self._times = number
        return self

    @property
    def wanted(self) -> int | None:
        """How many calls it answers; ``None`` for any number."""
        return self._times

    def matches(self, call: MockCall) -> bool:
        """Whether this answer is for the call."""
        open_ = self._times is None or self.seen < self._times
        if self.data is not None and not fits(self.data, call.document):
            return False
        return open_ and call.procedure == self.procedure and self.arguments.items() <= call.arguments.items()

    def answer(self, call: MockCall) -> list[Element]:
        """The output for the call. Raises the error that was asked for."""
        self.seen += 1
        if self._error is not None:
            raise MpfError(self._error.code, self._error.description)
        return elements(self._answer(call) if callable(self._answer) else self._answer)


class MockProvider(Provider):
    """Stands in for the provider of one namespace, and is a plugin that brings both into an engine.

    ``namespace`` is the namespace file or folder. A ``strict`` mock refuses calls that `on` was not told of; another one
    answers them with nothing. ``others`` are namespaces without a provider that come
    along. Raises ConfigError for a file that cannot be loaded.
    """

    def __init__(self, namespace: Path | str, *, strict: bool = False, others: Sequence[Path] = ()) -> None:
        self._path = Path(namespace)
        self._others = others
        self.namespace: Namespace = load_namespace(self._path)
        if self.namespace.provider_source is None:
            raise ValueError(f"{namespace}: a namespace without a provider needs no mock")
        self.name = f"mock of {self.namespace.name}"
        self.strict = strict
        #: Every call, in order.
        self.calls: list[MockCall] = []
        #: What became of write calls, in order: ``apply``, ``undo`` or ``commit``, and the procedure.
        self.effects: list[tuple[str, str]] = []
        #: The write calls whose effect is there, by number.
        self.applied: dict[int, str] = {}
        self._expectations: list[Expectation] = []
        self._problems: list[str] = []
        provided = {name: one for name, one in self.namespace.procedures.items() if one.is_provided}
        # One method answers all of them: `CallContext.procedure` says which.
        self.handlers = {name: (Handler(name, one.type), "_respond") for name, one in provided.items()}  # type: ignore[misc]

    # --- A plugin ------------------------------------------------------------------------------------------------------

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """The namespace that the mock stands in for, and those that come along."""
        return [self._path, *self._others]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        """The mock, under the real provider's source."""
        assert self.namespace.provider_source is not None
        return {self.namespace.provider_source: self}

    # --- Told by tests -------------------------------------------------------------------------------------------------

    def on(self, procedure: str, /, **arguments: str) -> Expectation:
        """Begin to say how calls of ``procedure`` with these arguments are answered; what is said last comes first.

        Raises KeyError for a procedure that the provider does not have, and for an argument that is not in its input
        schema; TypeError for one that is no text, as no call ever has it.
        """
        self._known(procedure, arguments)
        made = Expectation(procedure, arguments)
        self._expectations.insert(0, made)
        return made

    def assert_calls(self, *expected: tuple[str, Mapping[str, str]] | str) -> None:
        """All calls were these, in this order: a procedure, or a pair of it and *all* its plain arguments.

        Raises AssertionError with the differences, KeyError and TypeError as `on` does.
        """
        for one in expected:
            self._known(*((one, {}) if isinstance(one, str) else one))
        wanted = [one if isinstance(one, str) else _shown(*one) for one in expected]
        exact = [not isinstance(one, str) for one in expected]
        seen = [str(call) if at >= len(exact) or exact[at] else call.procedure for at, call in enumerate(self.calls)]
        if wanted != seen:
            self._fail("The calls were other ones (- expected, + seen):", *_differences(wanted, seen))

    def assert_called(self, procedure: str, /, **arguments: str) -> MockCall:
        """There was a call of ``procedure`` with at least these arguments; returns the first.

        Raises AssertionError, and KeyError and TypeError as `on` does.
        """
        self._known(procedure, arguments)
        wanted = Expectation(procedure, arguments)
        found = next((call for call in self.calls if wanted.matches(call)), None)
        if found is None:
            near = [str(call) for call in self.calls if call.procedure == procedure] or [str(call) for call in self.calls]
            seen = (f"  {one}" for one in near or ["none"])
            self._fail(f"There was no call {_shown(procedure, arguments)}; there were:", *seen)
        return found

    def assert_not_called(self, procedure: str | None = None) -> None:
        """There was no call of ``procedure``, or none at all. Raises AssertionError, and KeyError as `on` does."""
        if procedure is not None:
            self._known(procedure, {})
        seen = [str(call) for call in self.calls if procedure in {None, call.procedure}]
        if seen:
            self._fail("There were calls:", *(f"  {one}" for one in seen))

    def assert_nothing_left(self) -> None:
        """Every effect was undone. Raises AssertionError."""
        if self.applied:
            self._fail("Effects are left:", *(f"  {self.calls[number]}" for number in self.applied))

    def verify(self) -> None:
        """No call was unexpected, every answer fitted its schema and was asked for, and `Expectation.times` came true.

        Raises AssertionError.
        """
        missing = [
            f"{one} was called {one.seen} of {one.wanted} times."
            for one in reversed(self._expectations)
            if one.wanted is not None and one.seen < one.wanted
        ]
        unused = [f"{one} was never called." for one in reversed(self._expectations) if one.wanted is None and not one.seen]
        if self._problems or missing or unused:
            self._fail(*self._problems, *missing, *unused)

    # --- Called by the engine ------------------------------------------------------------------------------------------

    def _respond(self, ctx: CallContext, data: Element) -> Output | Change:
        procedure = self.namespace.procedures[ctx.procedure]
        document = xml.serialize(secret_free(data)).decode("utf-8")
        call = MockCall(ctx.procedure, text_arguments(data), document, ctx.identity.name)
        self.calls.append(call)
        number = len(self.calls) - 1
        found = next((one for one in self._expectations if one.matches(call)), None)
        if found is None and self.strict:
            self._problem(f"Unexpected call {call}.")
        answer = [] if found is None else self._answer(found, call)
        self._check(procedure, answer, expected=found is not None)
        if procedure.type is ProcedureType.READ:
            return answer
        return Change({"call": number}, tuple(answer), complete=True)

    def _answer(self, expectation: Expectation, call: MockCall) -> list[Element]:
        try:
            return expectation.answer(call)
        except MpfError:
            raise
        except Exception as error:
            self._problem(f"The answer for {call} cannot be made: {type(error).__name__}: {error}")

    def apply(self, ctx: CallContext, change: Change) -> None:
        """Note that the effect is there."""
        number = _number(change)
        self.applied[number] = ctx.procedure
        self.effects.append(("apply", ctx.procedure))

    def check_capability(self, ctx: CallContext, change: Change) -> None:
        """Permit everything: nothing real is changed."""

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Note that it is there no longer."""
        self.effects.append(("undo", ctx.procedure))
        return Undo.UNDONE if self.applied.pop(_number(change), None) else Undo.NOTHING_TO_UNDO

    def commit(self, ctx: CallContext, change: Change) -> None:
        """Note that it is final."""
        self.effects.append(("commit", ctx.procedure))

    def _check(self, procedure: Procedure, answer: Sequence[Element], *, expected: bool) -> None:
        if procedure.output_schema is None or not expected:
            return
        data = etree.Element("executeData")
        data.extend([etree.fromstring(etree.tostring(one)) for one in answer])
        try:
            procedure.output_schema.check(data)
        except MpfError as error:
            texts = "; ".join(dict.fromkeys([error.description, *(violation.message for violation in error.violations)]))
            self._problem(f"The answer for '{procedure.full_name}' does not fit its output schema: {texts}")

    def _known(self, procedure: str, arguments: Mapping[str, object]) -> None:
        if procedure not in self.handlers:
            raise KeyError(
                f"the provider of '{self.namespace.name}' has no '{procedure}': it has {', '.join(self.handlers)}"
            )
        schema = self.namespace.procedures[procedure].input_schema
        names = arguments.keys() if schema is None or schema.open else {one.name for one in schema.arguments}
        for name, text in arguments.items():
            if name not in names:
                raise KeyError(f"'{procedure}' has no argument '{name}': it has {', '.join(sorted(names))}")
            if not isinstance(text, str):
                raise TypeError(f"'{name}' is {text!r}, and arguments of a call are texts: say {str(text)!r}")

    def _problem(self, text: str) -> NoReturn:
        self._problems.append(text)
        raise MpfError(Code.E_UNEXPECTED, f"{self.name}: {text}")

    def _fail(self, *lines: str) -> NoReturn:
        raise AssertionError("\n".join([f"{self.name}: {lines[0]}", *lines[1:]]))


def mock_providers(plugin: object, *, strict: bool = False) -> dict[str, MockProvider]:
    """Mocks for all provider namespaces that a plugin brings, by namespace: give them to an engine in its place.

    Namespaces of the plugin that consist of steps only come along with the first of them.
    """
    found = [place for path in plugin.mpf_namespaces() for place in find_namespaces(Path(path))]  # type: ignore[attr-defined]
    provided = [place for place in found if load_namespace(place).provider_source is not None]
    others = [place for place in found if place not in provided]
    mocks = [MockProvider(place, strict=strict, others=() if number else others) for number, place in enumerate(provided)]
    return {mock.namespace.name: mock for mock in mocks}


def _number(change: Change) -> int:
    assert isinstance(change.data, dict)
    number = change.data["call"]
    assert isinstance(number, int)
    return number


def _shown(procedure: str, arguments: Mapping[str, str]) -> str:
    """The same text for the same arguments in any order."""
    return f"{procedure}({', '.join(f'{name}={value!r}' for name, value in sorted(arguments.items()))})"


def _differences(expected: Sequence[str], seen: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in difflib.ndiff(list(expected), list(seen))]
