"""The conformance kit for provider authors: does every write procedure undo itself, whatever goes wrong?

An author says how to make a fresh subject (the plugin, and how its world looks from outside) and gives sample calls:

    def make() -> Subject:
        return over({})

    def over(greetings: dict[str, str]) -> Subject:
        return Subject(GreetingsPlugin(greetings), lambda: dict(greetings), reopen=lambda: over(greetings))

    def somebody_else(subject: Subject) -> Callable[[], bool]:
        subject.plugin.greetings["Ada"] = "theirs"
        return lambda: subject.plugin.greetings.get("Ada") == "theirs"

    CASES = conformance(make, [Sample("Greetings", "Add", "<name>Ada</name>", stranger=somebody_else)])

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_conformance(case: Case) -> None:
        case.run()

Each case raises AssertionError with what is wrong. Nothing is started besides an engine with a store in memory.
"""

from __future__ import annotations

import difflib
import pprint
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from lxml import etree

from mpf_core.config import Config
from mpf_core.engine import Engine
from mpf_core.errors import MpfError
from mpf_core.provider import CallContext, Change, Element, Output, ProcedureType, Provider, Undo
from mpf_core.security.principal import Caller
from mpf_core.store.port import Store
from mpf_core.submission import Result
from mpf_core.testing.dying import MortalStore
from mpf_core.testing.faults import Fault, Faults
from mpf_core.testing.kills import passing
from mpf_core.testing.policies import AllowAll
from mpf_core.testing.wrapping import WrappedProvider, wrap_plugin
from mpf_core.transaction.states import StepState, TransactionState

_FAULTS = (Fault.BEFORE, Fault.INSTEAD, Fault.AFTER, Fault.TIME_OUT, Fault.CUT)
#: Lines of a difference that are shown.
_SHOWN = 20
_SETTLED = {StepState.UNDONE, StepState.NOTHING_TO_UNDO}


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider under test, fresh: the plugin that brings it, and how its world looks from outside.

    ``state`` returns something that can be compared: whatever the write procedures change must be in it, and nothing else.
    ``plugins``, ``namespaces`` and ``config`` (as in ``mpf.toml``) are what it needs besides, ``caller`` is who calls;
    ``close`` is called at the end. ``reopen`` returns a subject over the same world, with a plugin (and ``plugins``) as a
    new process would make them: what the old ones knew is lost with the process that dies.
    """

    plugin: object
    state: Callable[[], object]
    plugins: Sequence[object] = ()
    namespaces: Sequence[Path | str] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    caller: Caller = Caller("conformance")  # noqa: RUF009 - frozen
    close: Callable[[], None] = lambda: None
    reopen: Callable[[], Subject] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A call that succeeds on a fresh subject: the content of its executeData, as XML, after the calls in ``setup``.

    ``stranger`` is for the case of a second writer: it changes the same thing from outside, behind the call's effect, and
    returns a function that tells whether the stranger's work is still there. Where nobody else can write to it, ``alone``
    says why. ``irreversible`` says that the procedure's changes declare that they cannot be undone (``reversible=False``);
    ``effects`` that it has so many at least, each marked with `CallContext.effect`, so that deaths between them are tried.
    """

    namespace: str
    procedure: str
    data: str = ""
    setup: tuple[Sample, ...] = ()
    stranger: Callable[[Subject], Callable[[], bool]] | None = None
    irreversible: bool = False
    name: str = ""
    alone: str = ""
    effects: int = 1

    def __str__(self) -> str:
        return self.name or f"{self.namespace}::{self.procedure}"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is tried. ``run`` raises AssertionError with what is wrong."""

    name: str
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.name


def conformance(make: Callable[[], Subject], samples: Iterable[Sample]) -> list[Case]:
    """All cases for these samples; a procedure that writes and has no sample is a case that fails."""
    samples = list(samples)
    cases = [Case("every write procedure has a sample", partial(_complete, make, samples))]
    for sample in samples:
        tried: dict[str, Callable[[_Trial], None]] = {
            "answers as its schemas say": _answers,
            "preparing it changes nothing": _plans,
        }
        if sample.irreversible:
            tried["declares that it cannot be undone"] = _irreversible
        else:
            tried |= {
                "a later failure undoes it": _fails_behind,
                **{f"the fault '{fault.value}' leaves nothing": partial(_fault, fault=fault) for fault in _FAULTS},
                "undo twice is undo once": _undo_twice,
                "undo of nothing does nothing": _undo_of_nothing,
                "a process that dies at any point leaves nothing or all": _dies,
            }
            if not sample.alone:
                tried["a second writer loses nothing"] = _stranger
        cases += [Case(f"{sample}: {name}", partial(_run, make, sample, function)) for name, function in tried.items()]
    return cases


class _Recorder(WrappedProvider):
    """Remembers the changes that were applied, and the answers."""

    def __init__(self, inner: Provider, seen: list[tuple[Provider, CallContext, Change]], answers: list[Output]) -> None:
        super().__init__(inner)
        self._seen, self._answers = seen, answers

    def respond(self, ctx: CallContext, data: Element) -> Output | Change:
        made = super().respond(ctx, data)
        if isinstance(made, Change):
            self._answers.append(made.output)
            self._seen.append((self.inner, ctx, made))
            return made
        answer = None if made is None else list(made)
        self._answers.append(answer)
        return answer

    def apply(self, ctx: CallContext, change: Change) -> Output:
        made = super().apply(ctx, change)
        late = None if made is None else list(made)
        self._answers.append(late)
        return late


class _Trial:
    """A fresh subject in an engine, after the sample's setup."""

    def __init__(self, make: Callable[[], Subject], sample: Sample, store: Store | None = None) -> None:
        self.subject, self.sample, self.faults = make(), sample, Faults()
        self.seen: list[tuple[Provider, CallContext, Change]] = []
        self.answers: list[Output] = []
        plugin = wrap_plugin(self.faults.wrap(self.subject.plugin), lambda inner: _Recorder(inner, self.seen, self.answers))
        self.engine = _engine(self.subject, plugin, store)
        for one in sample.setup:
            result = self.submit(one)
            assert result.error is None, f"the setup {one} fails: {result.error}"
        self.seen.clear()
        self.answers.clear()
        self.before = self.subject.state()

    def submit(self, sample: Sample | None = None, behind: str = "") -> Result:
        """Send the sample's call, with some steps behind it."""
        return self.engine.execute(self.request(sample, behind), self.subject.caller)

    def request(self, sample: Sample | None = None, behind: str = "") -> str:
        """That request."""
        call = sample or self.sample
        step = (
            f'<execute namespace="{call.namespace}" procedure="{call.procedure}" impersonate="1">'
            f"<executeData>{call.data}</executeData></execute>"
        )
        return f"<request><procedure>{step}{behind}</procedure></request>"

    @property
    def writes(self) -> bool:
        """Whether the sample's procedure is one that writes."""
        _, procedure = self.engine.runtime.procedure(self.sample.namespace, self.sample.procedure)
        return procedure.type is not ProcedureType.READ

    def assert_as_before(self, what: str) -> None:
        """The world is as it was before the call."""
        now = self.subject.state()
        assert now == self.before, f"{what}: the state is another one{differences(self.before, now)}"

    def assert_rolled_back(self, result: Result, what: str) -> None:
        """The request failed, every step has its outcome, and the world is as before."""
        assert result.error is not None, f"{what}: the request succeeded"
        assert result.state is TransactionState.ROLLED_BACK, f"{what}: it ended {result.state.value}: {result.rollback}"
        wrong = [step for step in result.rollback if step.state not in _SETTLED]
        assert not wrong, f"{what}: {wrong}"
        self.assert_as_before(what)

    def close(self) -> None:
        """Release everything."""
        self.engine.close()
        self.subject.close()


def _run(make: Callable[[], Subject], sample: Sample, function: Callable[[_Trial], None]) -> None:
    if function is _dies:  # it needs a fresh subject for each point
        _die_everywhere(make, sample)
        return
    trial = _Trial(make, sample)
    try:
        function(trial)
    finally:
        trial.close()


def _engine(subject: Subject, plugin: object, store: Store | None = None) -> Engine:
    caller = subject.caller.name
    permissions = {"trusted_requests": [caller], "private_procedures": [caller]}
    own = {"security": {"permissions": permissions}, "engine": {"undo_wait": 0}}
    config = Config.model_validate({**subject.config, **own})
    return Engine(config, plugins=[plugin, *subject.plugins, AllowAll()], namespaces=subject.namespaces, store=store)


def _complete(make: Callable[[], Subject], samples: Sequence[Sample]) -> None:
    subject = make()
    engine = _engine(subject, subject.plugin)
    try:
        own = getattr(subject.plugin, "mpf_providers")()  # noqa: B009 - a plugin is any object
        writing = {
            procedure.full_name
            for namespace in engine.namespaces.values()
            for procedure in namespace.procedures.values()
            if procedure.provider_source in own and procedure.is_provided and procedure.type is not ProcedureType.READ
        }
    finally:
        engine.close()
        subject.close()
    missing = sorted(writing - {f"{sample.namespace}::{sample.procedure}" for sample in samples})
    assert not missing, f"no sample for {', '.join(missing)}"


def _answers(trial: _Trial) -> None:
    result = trial.submit()
    assert result.error is None, f"the call fails: {result.error}"
    if trial.writes:
        # Or no other case could see that something is left behind.
        assert trial.subject.state() != trial.before, "the call succeeds, and `state` returns what it did before the call"
    _, procedure = trial.engine.runtime.procedure(trial.sample.namespace, trial.sample.procedure)
    if procedure.output_schema is None:
        given = sorted({str(element.tag) for answer in trial.answers for element in answer or ()})
        assert not (given and procedure.is_provided), f"its output has no outputSchema: {', '.join(given)}"
        return
    data = etree.Element("executeData")
    for answer in trial.answers:
        data.extend([etree.fromstring(etree.tostring(element)) for element in answer or ()])
    try:
        procedure.output_schema.check(data)
    except MpfError as error:
        texts = [error.description, *(violation.message for violation in error.violations)]
        raise AssertionError(f"its output does not fit its schema: {'; '.join(dict.fromkeys(texts))}") from None


def _fails_behind(trial: _Trial) -> None:
    result = trial.submit(behind='<execute namespace="There is no such namespace" procedure="X"/>')
    trial.assert_rolled_back(result, "a later failure")


def _fault(trial: _Trial, fault: Fault) -> None:
    trial.faults.add(fault, trial.sample.procedure, call=1)
    result = trial.submit()
    assert trial.faults.struck, f"the fault '{fault.value}' never came: the request ended before it, with {result.error}"
    trial.assert_rolled_back(result, f"the fault '{fault.value}'")


def _plans(trial: _Trial) -> None:
    plan = trial.engine.plan(trial.request(), trial.subject.caller)
    assert plan.error is None, f"the plan fails: {plan.error}"
    trial.assert_as_before("prepare, without the effect")


def _undo_twice(trial: _Trial) -> None:
    _fails_behind(trial)
    for provider, ctx, change in reversed(trial.seen):
        if change.data is not None:
            found = provider.undo(ctx, change)
            assert found is Undo.NOTHING_TO_UNDO, f"the second undo says {found}, where there was nothing left to undo"
    trial.assert_as_before("undo twice")


def _undo_of_nothing(trial: _Trial) -> None:
    trial.faults.add(Fault.INSTEAD, trial.sample.procedure, call=1)
    trial.assert_rolled_back(trial.submit(), "an effect that did not happen")
    for provider, ctx, change in reversed(trial.seen):
        if change.data is not None:
            found = provider.undo(replace(ctx, evidence={}), change)
            assert found is Undo.NOTHING_TO_UNDO, f"undo says {found}, where nothing had been done"
    trial.assert_as_before("undo of nothing")


def _irreversible(trial: _Trial) -> None:
    assert trial.submit().error is None
    changes = [change for _, _, change in trial.seen if change.data is not None]
    assert changes, "nothing was changed"
    assert not any(change.reversible for change in changes), "the sample is irreversible, and its change is not"


def _stranger(trial: _Trial) -> None:
    assert trial.sample.stranger is not None, (
        "the sample has no `stranger`: one who changes the same thing behind the call, or `alone` and why there is nobody"
    )
    assert trial.submit().error is None
    is_there = trial.sample.stranger(trial.subject)
    assert is_there(), "the stranger's work is not there before the undo"
    for provider, ctx, change in reversed(trial.seen):
        try:
            provider.undo(ctx, change)
        except Exception:  # noqa: S112 - "undo failed" is an answer: a person decides
            continue
    assert is_there(), "the undo destroyed what a second writer had done meanwhile"


def differences(expected: object, found: object) -> str:
    """What differs between two states, for people: a line for each, ``-`` expected and ``+`` found."""
    lines = difflib.ndiff(pprint.pformat(expected).splitlines(), pprint.pformat(found).splitlines())
    changed = [line.rstrip() for line in lines if line[0] in "-+"]
    more = [f"  ... and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
    return "".join(f"\n{line}" for line in changed[:_SHOWN] + more)


def _dies(trial: _Trial) -> None:
    """See `_die_everywhere`."""


def _die_everywhere(make: Callable[[], Subject], sample: Sample) -> None:
    trial = _Trial(make, sample)
    try:
        with passing() as passed:
            result = trial.submit()
        assert result.error is None, f"the call fails: {result.error}"
        after = trial.subject.state()
    finally:
        trial.close()
    marked = passed.count("provider.effect.before")
    assert marked >= sample.effects or sample.effects == 1, (
        f"it passes {marked} of its {sample.effects} effects: put each of them into `with ctx.effect():`"
    )
    for number, point in enumerate(passed, 1):
        store = MortalStore()
        with closing(store), closing(_Trial(make, sample, store)) as fresh:
            known = {record.id for record in fresh.engine.transactions.find()}
            with store.dying_at(number):
                fresh.submit()
            fresh.engine.close()
            again = _reopened(fresh.subject)
            with closing(_engine(again, again.plugin, store)) as engine:
                for _ in engine.recover():
                    pass
                records = [record for record in engine.transactions.find() if record.id not in known]
                now = again.state()
            committed = any(record.state is TransactionState.COMMITTED for record in records)
            expected = after if committed else fresh.before
            ended = records[0].state.value if records else "unrecorded"
            where = f"died at '{point}' ({number} of {len(passed)}), ended {ended}"
            assert now == expected, f"{where}: the state is another one{differences(expected, now)}"


def _reopened(subject: Subject) -> Subject:
    """The subject as a new process finds it."""
    assert subject.reopen is not None, (
        "the subject has no `reopen`: whether a new process can undo it, which has nothing but the change, is not known"
    )
    again = subject.reopen()
    assert again.plugin is not subject.plugin, "`reopen` gives the plugin of the process that died"
    return again
