"""What a rename and a delete in the embedded directory do to other objects: names below follow, links end."""

from __future__ import annotations

import sqlite3
from uuid import UUID

from mpf_directory.dn import Dn, fold
from mpf_directory.embedded_names import BEHIND, SEPARATOR
from mpf_directory.schema import Schema


def move_names(db: sqlite3.Connection, old_path: str, new_path: str, new_dn: Dn) -> None:
    """Give the object at ``old_path``, and all below it, their new names; values that name them follow by themselves."""
    depth = old_path.count(SEPARATOR) + 1
    rows = db.execute(
        "SELECT id, path, dn FROM object WHERE path >= ? AND path < ?", (old_path, old_path + BEHIND)
    ).fetchall()
    db.executemany(
        "UPDATE object SET path = ?, dn = ? WHERE id = ?",
        [(new_path + path[len(old_path) :], str(_moved(Dn.parse(dn), depth, new_dn)), number) for number, path, dn in rows],
    )


def let_go(db: sqlite3.Connection, schema: Schema, base: Dn, number: int) -> None:
    """Links to a deleted object vanish; in other values its name stays, mangled, as that of a deleted object."""
    name, guid = db.execute(
        "SELECT v.data, o.guid FROM object o JOIN value v ON v.object = o.id AND v.attribute = 'name' WHERE o.id = ?",
        (number,),
    ).fetchone()
    gone = base.child("CN", "Deleted Objects").child("CN", f"{name}\nDEL:{UUID(bytes_le=guid)}")
    for row, attribute, data in db.execute(
        "SELECT id, attribute, data FROM value WHERE target = ? AND object <> ?", (number, number)
    ).fetchall():
        if attribute in schema.forward_links:
            db.execute("DELETE FROM value WHERE id = ?", (row,))
        else:
            text = f"{data or ''}{gone}"
            db.execute("UPDATE value SET key = ?, data = ?, target = NULL WHERE id = ?", (fold(text), text, row))


def _moved(dn: Dn, depth: int, new_dn: Dn) -> Dn:
    """The name of what was ``dn``, below an object whose name had ``depth`` parts and is ``new_dn`` now."""
    for rdn in reversed(dn.rdns[: len(dn.rdns) - depth]):
        new_dn = new_dn.child(*rdn)
    return new_dn
