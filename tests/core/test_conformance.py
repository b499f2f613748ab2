"""The conformance kit: a right provider passes every case, and each kind of mistake fails the case that is about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Provider, Undo, argument, hookimpl, output, two_phase, write
from mpf_core.testing import Case, Sample, Subject, conformance
from mpf_core.testing.conformance import differences

NAMESPACE = """<namespace name="Shelf" providerSource="test.shelf">
  <procedure name="Put" type="write"/>
  <procedure name="Take" type="two-phase"/>
</namespace>"""


class ShelfProvider(Provider):
    """Things on a shelf: a right provider, whose mistakes are made by subclasses."""

    name = "test.shelf"

    def __init__(self, things: dict[str, str], parked: dict[str, str]) -> None:
        self.things, self.parked = things, parked

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"test.shelf": self}

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        ctx.lock(f"shelf:{argument(data, 'name')}")
        return Change({"put": argument(data, "name"), "by": ctx.transaction_id})

    @two_phase("Take")
    def take(self, ctx: CallContext, data: etree._Element) -> Change:
        return Change({"take": argument(data, "name")})

    def apply(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        if "put" in change.data:
            self.things[str(change.data["put"])] = str(change.data["by"])
        else:
            name = str(change.data["take"])
            self.parked[name] = self.things.pop(name)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        assert isinstance(change.data, dict)
        if "put" in change.data:
            if self.things.get(str(change.data["put"])) != change.data["by"]:
                return Undo.NOTHING_TO_UNDO
            del self.things[str(change.data["put"])]
            return Undo.UNDONE
        name = str(change.data["take"])
        if name not in self.parked:
            return Undo.NOTHING_TO_UNDO
        self.things[name] = self.parked.pop(name)
        return Undo.UNDONE

    def commit(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        self.parked.pop(str(change.data["take"]), None)


class UndoesWhatOthersDid(ShelfProvider):
    def undo(self, ctx: CallContext, change: Change) -> Undo:
        assert isinstance(change.data, dict)
        there = self.things.pop(str(change.data.get("put")), None)
        return Undo.UNDONE if there else super().undo(ctx, change)


class AlwaysSaysUndone(ShelfProvider):
    def undo(self, ctx: CallContext, change: Change) -> Undo:
        super().undo(ctx, change)
        return Undo.UNDONE


class UndoesNothing(ShelfProvider):
    def undo(self, ctx: CallContext, change: Change) -> Undo:
        return Undo.NOTHING_TO_UNDO


class WorksInPrepare(ShelfProvider):
    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        change = super().put(ctx, data)
        self.things["prepared"] = "too early"
        return change


class FailsToUndo(ShelfProvider):
    def undo(self, ctx: CallContext, change: Change) -> Undo:
        raise RuntimeError("no")


class MarksInPrepare(ShelfProvider):
    """What it leaves is taken away by `apply` and by `undo`: only a death in between shows it."""

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        change = super().put(ctx, data)
        self.things["marker"] = "early"
        return change

    def apply(self, ctx: CallContext, change: Change) -> None:
        self.things.pop("marker", None)
        super().apply(ctx, change)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        self.things.pop("marker", None)
        return super().undo(ctx, change)


class NeedsEvidence(ShelfProvider):
    """What it knows only when it is done is not there after a death."""

    def apply(self, ctx: CallContext, change: Change) -> None:
        super().apply(ctx, change)
        ctx.evidence["done"] = True

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        return super().undo(ctx, change) if ctx.evidence.get("done") else Undo.NOTHING_TO_UNDO


class RemembersInMemory(ShelfProvider):
    """What it knows of a change is gone with the process."""

    def __init__(self, things: dict[str, str], parked: dict[str, str]) -> None:
        super().__init__(things, parked)
        self.mine: set[str] = set()

    def apply(self, ctx: CallContext, change: Change) -> None:
        super().apply(ctx, change)
        self.mine.add(str(change.data))

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        return super().undo(ctx, change) if str(change.data) in self.mine else Undo.NOTHING_TO_UNDO


class TwoEffects(ShelfProvider):
    """Its undo looks at the second effect only."""

    marked = True

    def apply(self, ctx: CallContext, change: Change) -> None:
        with ctx.effect() if self.marked else nullcontext():
            self.things[f"label of {ctx.procedure}"] = "printed"
        with ctx.effect() if self.marked else nullcontext():
            super().apply(ctx, change)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        found = super().undo(ctx, change)
        if found is Undo.UNDONE:
            self.things.pop(f"label of {ctx.procedure}", None)
        return found


class TwoEffectsUnmarked(TwoEffects):
    marked = False


class LeavesATuple(ShelfProvider):
    """Evidence that is written is read as JSON."""

    def apply(self, ctx: CallContext, change: Change) -> None:
        super().apply(ctx, change)
        ctx.evidence["done"] = ("twice",)  # type: ignore[assignment]
        ctx.checkpoint()

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        assert isinstance(ctx.evidence.get("done", ()), tuple)
        return super().undo(ctx, change)


class Sends(ShelfProvider):
    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        return replace(super().put(ctx, data), reversible=False)


class Answers(ShelfProvider):
    def apply(self, ctx: CallContext, change: Change) -> list[etree._Element]:  # type: ignore[override]
        super().apply(ctx, change)
        return [output("path", "there")]


def stranger(subject: Subject) -> Callable[[], bool]:
    provider = subject.plugin
    assert isinstance(provider, ShelfProvider)
    provider.things["new"] = "a stranger"
    return lambda: provider.things.get("new") == "a stranger"


SAMPLES = [
    Sample("Shelf", "Put", "<name>new</name>", stranger=stranger),
    Sample("Shelf", "Take", "<name>old</name>", alone="what was taken is nobody's"),
    Sample(
        "Shelf",
        "Take",
        "<name>new</name>",
        setup=(Sample("Shelf", "Put", "<name>new</name>"),),
        name="Take what was put",
        alone="what was taken is nobody's",
    ),
]
ONE_NAME = (
    '<Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData">'
    '<xs:complexType><xs:all><xs:element name="name" type="xs:string"/></xs:all></xs:complexType></xs:element>'
    "</xs:schema></Schema>"
)
_FILE: list[Path] = []


def cases(kind: type[ShelfProvider], samples: list[Sample] = SAMPLES) -> list[Case]:
    return conformance(lambda: over(kind, {"old": "one"}, {}), samples)


def over(kind: type[ShelfProvider], things: dict[str, str], parked: dict[str, str]) -> Subject:
    return Subject(kind(things, parked), lambda: sorted(things), namespaces=_FILE, reopen=lambda: over(kind, things, parked))


@pytest.fixture(autouse=True)
def _file(tmp_path: Path) -> None:
    path = tmp_path / "shelf.xml"
    path.write_text(NAMESPACE)
    _FILE[:] = [path]


def failures(kind: type[ShelfProvider], samples: list[Sample] = SAMPLES, only: str = "") -> dict[str, str]:
    """What fails, and why; ``only`` that case is run."""
    found = {}
    for case in (one for one in cases(kind, samples) if only in {"", str(one)}):
        try:
            case.run()
        except AssertionError as error:
            found[str(case)] = str(error)
    return found


@pytest.mark.parametrize("case", cases(ShelfProvider), ids=str)
def test_a_right_provider_passes(case: Case) -> None:
    case.run()


def test_there_is_a_case_for_everything() -> None:
    names = {str(case).partition(": ")[2] for case in cases(ShelfProvider) if str(case).startswith("Shelf::Put")}
    assert names == {
        "answers as its schemas say",
        "preparing it changes nothing",
        "a later failure undoes it",
        "the fault 'before' leaves nothing",
        "the fault 'instead' leaves nothing",
        "the fault 'after' leaves nothing",
        "the fault 'time-out' leaves nothing",
        "the fault 'cut' leaves nothing",
        "undo twice is undo once",
        "undo of nothing does nothing",
        "a process that dies at any point leaves nothing or all",
        "a second writer loses nothing",
    }


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        (UndoesWhatOthersDid, "Shelf::Put: a second writer loses nothing"),
        (AlwaysSaysUndone, "Shelf::Put: undo twice is undo once"),
        (AlwaysSaysUndone, "Shelf::Put: undo of nothing does nothing"),
        (UndoesNothing, "Shelf::Put: a later failure undoes it"),
        (UndoesNothing, "Shelf::Take: the fault 'cut' leaves nothing"),
        (UndoesNothing, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (WorksInPrepare, "Shelf::Put: the fault 'instead' leaves nothing"),
        (WorksInPrepare, "Shelf::Put: preparing it changes nothing"),
        (WorksInPrepare, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (MarksInPrepare, "Shelf::Put: preparing it changes nothing"),
        (MarksInPrepare, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (NeedsEvidence, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (FailsToUndo, "Shelf::Put: the fault 'after' leaves nothing"),
        (RemembersInMemory, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (TwoEffects, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (LeavesATuple, "Shelf::Put: a process that dies at any point leaves nothing or all"),
        (Answers, "Shelf::Put: answers as its schemas say"),
    ],
)
def test_a_mistake_fails_the_case_that_is_about_it(kind: type[ShelfProvider], case: str) -> None:
    assert case in failures(kind, only=case)


def test_a_state_that_cannot_see_the_effect_is_told() -> None:
    def make() -> Subject:
        provider = UndoesNothing({"old": "one"}, {})
        return Subject(provider, provider.things.keys, namespaces=_FILE)  # looks at the world, each time

    with pytest.raises(AssertionError, match="`state` returns what it did before"):
        next(case for case in conformance(make, SAMPLES[:1]) if "answers" in str(case)).run()


def told(samples: list[Sample], kind: type[ShelfProvider] = ShelfProvider, case: str = "") -> str:
    name = f"Shelf::Put: {case}"
    return failures(kind, samples, name).get(name, "")


def test_effects_that_are_not_marked_are_told() -> None:
    """Nobody dies between two effects of which the kit does not know."""
    dies = "a process that dies at any point leaves nothing or all"
    two = [replace(SAMPLES[0], effects=2)]
    assert told([SAMPLES[0]], TwoEffectsUnmarked, dies) == ""
    assert "passes 0 of its 2 effects" in told(two, TwoEffectsUnmarked, dies)
    assert "died at 'provider.effect.after'" in told(two, TwoEffects, dies)


def test_a_sample_needs_a_stranger_or_a_reason() -> None:
    case = "a second writer loses nothing"
    assert "no `stranger`" in told([replace(SAMPLES[0], stranger=None)], case=case)
    assert told([replace(SAMPLES[0], stranger=None, alone="nobody else has a shelf")], case=case) == ""


def test_what_is_irreversible_says_so() -> None:
    case, samples = "declares that it cannot be undone", [replace(SAMPLES[0], irreversible=True)]
    assert "its change is not" in told(samples, case=case)
    assert told(samples, Sends, case) == ""
    assert [str(one) for one in cases(Sends, samples)] == [
        "every write procedure has a sample",
        "Shelf::Put: answers as its schemas say",
        "Shelf::Put: preparing it changes nothing",
        "Shelf::Put: declares that it cannot be undone",
    ]


@pytest.mark.parametrize(("again", "words"), [(None, "has no `reopen`"), ("the same", "of the process that died")])
def test_a_subject_that_cannot_be_reopened_is_told(again: str | None, words: str) -> None:
    def make() -> Subject:
        made = over(ShelfProvider, {}, {})
        return replace(made, reopen=(lambda: made) if again else None)

    [case] = [one for one in conformance(make, SAMPLES[:1]) if "dies" in str(one)]
    with pytest.raises(AssertionError, match=words):
        case.run()


def test_a_fault_that_never_comes_is_told() -> None:
    wrong = [Sample("Shelf", "Put", "<name>new</name><name/>")]
    _FILE[0].write_text(NAMESPACE.replace('name="Put" type="write"/>', f'name="Put" type="write">{ONE_NAME}</procedure>'))
    assert "never came" in failures(ShelfProvider, wrong)["Shelf::Put: the fault 'before' leaves nothing"]


def test_differences_are_told_line_by_line() -> None:
    expected, found = {f"n{number}": number for number in range(100)}, {f"n{number}": number for number in range(99)}
    assert "\n- " in differences(expected, found)
    assert "n50" not in differences(expected, found)
    many = differences(expected, {f"m{number}": number for number in range(100)})
    assert len(many.splitlines()) < 25
    assert many.endswith("more")


def test_a_write_procedure_without_a_sample_is_told() -> None:
    assert failures(ShelfProvider, SAMPLES[:1]) == {"every write procedure has a sample": "no sample for Shelf::Take"}


def test_output_that_does_not_fit_its_schema_is_told() -> None:
    schema = (
        '<Schema name="outputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData">'
        '<xs:complexType><xs:all><xs:element name="path" type="xs:string"/></xs:all></xs:complexType></xs:element>'
        "</xs:schema></Schema>"
    )
    _FILE[0].write_text(NAMESPACE.replace('name="Put" type="write"/>', f'name="Put" type="write">{schema}</procedure>'))
    assert "path was not supplied" in told(SAMPLES, case="answers as its schemas say")
