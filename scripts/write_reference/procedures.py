"""The page of a procedure."""

from __future__ import annotations

from collections.abc import Iterator

from mpf_core.errors import Code
from mpf_core.graph import mermaid
from mpf_core.model import Access, Execute, Procedure, Step, Try
from mpf_core.provider import ProcedureType
from mpf_core.security.declarations import Declared
from mpf_core.security.identity import Impersonate
from scripts.write_reference.arguments import arguments_table, outputs_table
from scripts.write_reference.book import Book, Name
from scripts.write_reference.errors import errors_of
from scripts.write_reference.markdown import code, fence, plain, table
from scripts.write_reference.samples import SENDER, Sample

_TYPES = {
    ProcedureType.READ: "read: it changes nothing",
    ProcedureType.WRITE: "write",
    ProcedureType.TWO_PHASE: "two-phase: its effect becomes final when the transaction commits",
}
#: docs/design/security.md, Declarations: what a caller needs over the object that an argument names, besides a role.
_RELATIONS = {
    ("object", "self"): "the caller is that user",
    ("pool", "assigned"): "the pool is assigned to the organization, or shared and available; or the caller is a domain "
    "administrator",
    ("sip-uri", "owned"): "the address's domain belongs to the user's organization or its parent",
    ("sip-domain", "owned"): "the domain belongs to the organization or its parent",
    ("sip-domain", "claimed"): "the organization may claim the domain",
}
_LOCKS = {("Transaction Provider", "Lock"): "alone", ("Transaction Provider", "Share"): "shared with others"}


def procedure_page(procedure: Procedure, sample: Sample, book: Book) -> str:
    """The page as text."""
    return "\n".join(_Page(procedure, sample, book).lines()) + "\n"


class _Page:
    def __init__(self, procedure: Procedure, sample: Sample, book: Book) -> None:
        self._procedure = procedure
        self._sample = sample
        self._book = book
        self._address = book.addresses[procedure.namespace, procedure.name]
        self._calls = tuple(_calls(procedure.steps))

    def lines(self) -> Iterator[str]:
        yield from (f"# {plain(self._procedure.name)}", "", plain(self._procedure.description), "")
        purpose = self._procedure.input_schema.documentation if self._procedure.input_schema else ""
        if purpose and purpose != self._procedure.description:
            yield from (plain(purpose), "")
        yield from self._facts()
        for title, content in (
            ("Arguments", self._arguments()),
            ("Output", self._output()),
            ("Roles and rules", self._rules()),
            ("Calls", self._graph()),
            ("Errors", self._errors()),
            ("Undo", self._undo()),
            ("Sample", self._sent()),
        ):
            yield from ("", f"## {title}", "", *content)

    def _facts(self) -> Iterator[str]:
        procedure, schema = self._procedure, self._procedure.input_schema
        public = procedure.access is Access.PUBLIC
        yield f"- Namespace: [{plain(procedure.namespace)}](index.md)"
        yield f"- Category: {plain((schema.category if schema else None) or 'none named')}"
        yield f"- Access: {'public' if public else 'private: only other procedures may call it'}"
        yield f"- Type: {_TYPES[procedure.type]}"
        yield f"- Minimum role: {plain(procedure.minimum_role or 'none named: its callers decide')}"
        source = f"the provider {code(procedure.provider_source or '')}" if procedure.is_provided else "its steps"
        yield f"- Run by: {source}"

    def _arguments(self) -> list[str]:
        schema = self._procedure.input_schema
        if schema is None or not schema.arguments:
            return ["None."]
        return arguments_table(schema.arguments, schema.secrets)

    def _output(self) -> list[str]:
        schema = self._procedure.output_schema
        if schema is None or not schema.arguments:
            return ["Nothing."]
        behind = ["", "As providers answer, it stands behind the arguments."] if self._procedure.is_provided else []
        return [*outputs_table(schema.arguments), *behind]

    def _rules(self) -> Iterator[str]:
        schema = self._procedure.input_schema
        declared = dict(schema.declared) if schema else {}
        rules = [f"{code(name)}: {_need(one)}." for name, one in declared.items() if one.needs]
        role = self._procedure.minimum_role
        if role and not rules:
            rules.append(f"The caller needs the role {role}.")
        for step in self._calls:
            how = _LOCKS.get((step.namespace, step.procedure))
            kind = step.execute_data.findtext("kind") if step.execute_data is not None else None
            if how and kind:
                rules.append(f"It holds the lock {code(kind)}, {how}, until the transaction has ended.")
            if step.impersonate is Impersonate.OFF:
                name = f"{step.namespace}::{step.procedure}"
                reason = self._book.reasons.get((self._procedure.full_name, name), "No rule allows it.")
                rules.append(f"It calls {plain(name)} as the service account. {plain(reason)}")
        yield from ([f"- {rule}" for rule in dict.fromkeys(rules)] or ["None of its own."])

    def _graph(self) -> Iterator[str]:
        yield from fence("mermaid", mermaid(self._procedure))
        called = dict.fromkeys((step.namespace, step.procedure) for step in self._calls)
        if called:
            yield from ("", f"Calls: {', '.join(self._book.link(name, self._address) for name in called)}.")
        callers = self._book.callers.get((self._procedure.namespace, self._procedure.name), ())
        if callers:
            names = ((one.namespace, one.name) for one in callers)
            yield from ("", f"Called by: {', '.join(self._book.link(name, self._address) for name in names)}.")

    def _errors(self) -> Iterator[str]:
        up = "../" * (self._address.count("/") + 1)
        rows: dict[tuple[str, ...], list[str]] = {}
        for one in errors_of(self._procedure, self._book):
            when = plain(one.when) if one.words else code(one.when)
            where = rows.setdefault((code(one.code), _code_name(one.code), plain(one.text), when), [])
            where.append(self._source(one.source))
        if rows:
            listed = [(*row, ", ".join(dict.fromkeys(where))) for row, where in rows.items()]
            yield from table("code", "name", "text", "when", "raised by", rows=listed)
            yield ""
        yield (
            "What stands in braces is filled in. The directory and the engine raise others, which are passed on: "
            f"[error codes]({up}errors.md)."
        )

    def _source(self, source: Name | str) -> str:
        if isinstance(source, str):
            return source
        own = source == (self._procedure.namespace, self._procedure.name)
        return "itself" if own else self._book.link(source, self._address)

    def _undo(self) -> Iterator[str]:
        procedure = self._procedure
        if procedure.type is ProcedureType.READ:
            yield "There is nothing to undo."
            return
        if procedure.is_provided:
            yield "What it changes is recorded before it is done; the provider takes it back if the transaction rolls back."
            if procedure.type is ProcedureType.TWO_PHASE:
                yield "What cannot be taken back is done at commit only."
        else:
            yield "Its calls are undone, the last one first, when the transaction rolls back. Those that change something:"
            yield ""
            changing = dict.fromkeys((step.namespace, step.procedure) for step in self._calls)
            for name in changing:
                called = self._book.get(name)
                if called is not None and called.type is not ProcedureType.READ:
                    yield f"- {self._book.link(name, self._address)} ({called.type.value})"
        if procedure.save_data_for_rollback:
            yield from ("", "The data of the call is saved for that.")

    def _sent(self) -> Iterator[str]:
        sample = self._sample
        if sample.before:
            names = ", ".join(self._book.link(name, self._address) for name in sample.before)
            yield from (f"Called before it: {names}.", "")
        yield from (f"Request of {plain(SENDER)}:", "", *fence("xml", sample.request), "")
        yield from ("Response:", "", *fence("xml", sample.response))


def _calls(steps: tuple[Step, ...]) -> Iterator[Execute]:
    for step in steps:
        if isinstance(step, Try):
            yield from _calls((*step.body, *step.catch))
        elif isinstance(step, Execute):
            yield step


def _need(declared: Declared) -> str:
    relation = _RELATIONS.get((declared.kind, declared.needs))
    if relation:
        return relation
    if declared.kind == "pool":
        return f"the caller needs the role {declared.needs}"
    return f"the caller needs the role {declared.needs} over this {declared.kind}"


def _code_name(code_text: str) -> str:
    try:
        return Code(int(code_text, 16)).name
    except ValueError:
        return ""
