"""Names in the embedded directory: from a DN in any form to the object's number."""

from __future__ import annotations

import sqlite3

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn, DnForm
from mpf_directory.results import no_such_object
from mpf_directory.sids import sid_to_octets

#: Stands between the parts of a path. Normalised parts hold no control characters, so it sorts before all they hold.
SEPARATOR = "\x1f"
#: The next character: a path followed by it is the end of the range that holds the path and all below it.
BEHIND = "\x20"


def path_of(dn: Dn) -> str:
    """The parts of an ordinary name from the top downwards: a container's path is the beginning of its children's."""
    dn.require_name()
    return SEPARATOR.join(reversed(dn.key))


def find(db: sqlite3.Connection, dn: Dn) -> int | None:
    """The number of the object with that name, or ``None``. Takes ``<GUID=>``, ``<WKGUID=>`` and ``<SID=>`` too."""
    match dn.form:
        case DnForm.NAME:
            row = db.execute("SELECT id FROM object WHERE path = ?", (path_of(dn),)).fetchone()
        case DnForm.GUID:
            assert dn.guid is not None
            row = db.execute("SELECT id FROM object WHERE guid = ?", (dn.guid.bytes_le,)).fetchone()
        case DnForm.SID:
            row = _find_sid(db, dn.sid)
        case DnForm.WKGUID:
            row = _find_well_known(db, dn)
    return row[0] if row else None


def require(db: sqlite3.Connection, dn: Dn) -> int:
    """The number of the object with that name. Raises NO_SUCH_OBJECT."""
    found = find(db, dn)
    if found is None:
        raise no_such_object(dn)
    return found


def find_text(db: sqlite3.Connection, text: str) -> int | None:
    """Like `find` for a name in text form; ``None`` also for a text that is no name."""
    try:
        return find(db, Dn.parse(text))
    except MpfError:
        return None


def _find_sid(db: sqlite3.Connection, sid: str) -> tuple[int] | None:
    try:
        octets = sid_to_octets(sid)
    except ValueError:
        return None
    found: tuple[int] | None = db.execute(
        "SELECT object FROM value WHERE attribute = 'objectsid' AND key = ?", (octets,)
    ).fetchone()
    return found


def _find_well_known(db: sqlite3.Connection, dn: Dn) -> tuple[int] | None:
    assert dn.guid is not None
    container = find(db, dn.container)
    digits = dn.guid.bytes_le.hex().upper()
    # The key of a DN with binary is its digits, a colon and the target's number.
    found: tuple[int] | None = db.execute(
        "SELECT target FROM value WHERE object = ? AND attribute IN ('wellknownobjects', 'otherwellknownobjects')"
        " AND key >= ? AND key < ? AND target IS NOT NULL ORDER BY attribute DESC, id",
        (container, f"{digits}:", f"{digits};"),
    ).fetchone()
    return found
