"""Operations as LDIF change records (RFC 2849): the plan of a dry run, and what an operator reads in the journal."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

from mpf_directory.dn import escape
from mpf_directory.operations import Add, Delete, Modify, Operation, Rename
from mpf_directory.port import Value

#: RFC 2849, SAFE-STRING; a blank at the end is left out, because editors lose it.
_SAFE = re.compile(r"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )", re.ASCII)
_WIDTH = 76


def change_records(operations: Sequence[Operation], finally_deleted: Sequence[Delete] = ()) -> str:
    """The records of ``operations`` in order, and of what a commit deletes."""
    records = [_record(operation) for operation in operations]
    records += [["# when the transaction is committed", *_record(operation)] for operation in finally_deleted]
    return "\n\n".join("\n".join(record) for record in records) + "\n"


def _record(operation: Operation) -> list[str]:
    lines = list(_line("dn", str(operation.dn)))
    match operation:
        case Add():
            lines.append("changetype: add")
            for attribute, values in operation.attributes.items():
                lines += _lines(attribute, values)
        case Modify():
            lines.append("changetype: modify")
            for part in operation.modifications:
                lines += [f"{part.op.value}: {part.attribute}", *_lines(part.attribute, part.values), "-"]
        case Rename():
            new = operation.new_dn
            own = f"{new.rdn.type}={escape(new.rdn.value)}"
            lines += ["changetype: modrdn", *_line("newrdn", own), "deleteoldrdn: 1"]
            if new.parent is not None and new.parent != operation.dn.parent:
                lines += _line("newsuperior", str(new.parent))
        case Delete():
            lines.append("changetype: delete")
    return lines


def _lines(attribute: str, values: Iterable[Value]) -> Iterator[str]:
    for value in values:
        yield from _line(attribute, value)


def _line(name: str, value: Value) -> Iterator[str]:
    """``name: value``, or ``name:: base64`` where the value is no safe string, folded."""
    if isinstance(value, str) and _SAFE.fullmatch(value):
        text = f"{name}: {value}"
    else:
        octets = value.encode() if isinstance(value, str) else value
        text = f"{name}:: {base64.b64encode(octets).decode('ascii')}"
    yield text[:_WIDTH]
    for start in range(_WIDTH, len(text), _WIDTH - 1):
        yield f" {text[start : start + _WIDTH - 1]}"
