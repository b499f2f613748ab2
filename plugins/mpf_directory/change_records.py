"""Operations as LDIF change records (RFC 2849): the plan of a dry run, and what an operator reads in the journal."""

from __future__ import annotations

from collections.abc import Sequence

from mpf_directory.dn import escape
from mpf_directory.ldif import attribute_lines
from mpf_directory.operations import Add, Delete, Modify, Operation, Rename


def change_records(operations: Sequence[Operation], finally_deleted: Sequence[Delete] = ()) -> str:
    """The records of ``operations`` in order, and of what a commit deletes."""
    records = [_record(operation) for operation in operations]
    records += [["# when the transaction is committed", *_record(operation)] for operation in finally_deleted]
    return "\n\n".join("\n".join(record) for record in records) + "\n"


def _record(operation: Operation) -> list[str]:
    lines = list(attribute_lines("dn", [str(operation.dn)]))
    match operation:
        case Add():
            lines.append("changetype: add")
            for attribute, values in operation.attributes.items():
                lines += attribute_lines(attribute, values)
        case Modify():
            lines.append("changetype: modify")
            for part in operation.modifications:
                lines += [f"{part.op.value}: {part.attribute}", *attribute_lines(part.attribute, part.values), "-"]
        case Rename():
            new = operation.new_dn
            own = f"{new.rdn.type}={escape(new.rdn.value)}"
            lines += ["changetype: modrdn", *attribute_lines("newrdn", [own]), "deleteoldrdn: 1"]
            if new.parent is not None and new.parent != operation.dn.parent:
                lines += attribute_lines("newsuperior", [str(new.parent)])
        case Delete():
            lines.append("changetype: delete")
    return lines
