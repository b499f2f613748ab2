"""Changes of the embedded directory, each inside the transaction that its caller opened.

What is refused, and with which code, is what Active Directory refuses (and Samba: the two agree in all that is here).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from mpf_core.errors import Code, MpfError
from mpf_directory import embedded_accounts as accounts
from mpf_directory.dn import Dn, fold
from mpf_directory.embedded_moves import let_go, move_names
from mpf_directory.embedded_names import SEPARATOR, find, path_of, require
from mpf_directory.embedded_values import Row, encode
from mpf_directory.port import Modification, ModifyOp, Value
from mpf_directory.results import Result, no_such_object
from mpf_directory.schema import Attribute, ObjectClass, Schema

_UNIQUE = ("samaccountname", "userprincipalname")
_TYPE_SOURCES = {"grouptype", "useraccountcontrol"}
#: Seconds from 1601 to 1970: FILETIME counts from there, in 100 ns.
_FILETIME_EPOCH = 11_644_473_600


class Writer:
    """One change of one directory."""

    def __init__(self, db: sqlite3.Connection, schema: Schema, base: Dn) -> None:
        self.db = db
        self.schema = schema
        self.base = base
        self.now = timestamp()

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]], sid: bytes | None = None) -> int:
        """Create an object and return its number; ``sid`` is the fixed one of a built-in account."""
        given = self._known(attributes)
        object_class = self._class_of(given.pop("objectclass", (None, ()))[1])
        parent, dn = self._place_for(dn, object_class)
        naming = self.schema.attributes[object_class.naming]
        if any(fold(str(value)) != fold(dn.rdn.value) for value in given.pop(naming.key, (naming, ()))[1]):
            raise MpfError(Result.NAMING_VIOLATION, f"{naming.name} differs from the name {dn}.")
        self._check_allowed(object_class, dn, given.keys())
        password = given.pop("unicodepwd", None)
        account = accounts.is_account(object_class)
        if account:
            for key, value in accounts.defaults(object_class).items():
                given.setdefault(key, (self.schema.attributes[key], (value,)))
        guid = uuid4().bytes_le
        number = self.db.execute(
            "INSERT INTO object (parent, guid, path, dn, class) VALUES (?, ?, ?, ?, ?)",
            (parent, guid, path_of(dn), str(dn), object_class.name),
        ).lastrowid
        assert number is not None
        self._insert_generated(number, dn, object_class, guid)
        if account:
            sid = sid or accounts.account_sid(self.db, accounts.next_rid(self.db))
            self._store(number, self.schema.attributes["objectsid"], [Row(sid, sid)])
        for attribute, values in given.values():
            self._add_values(number, attribute, values)
        self._check_after(number, object_class, dn, set(given))
        if password is not None:
            self._set_password(number, password[1])
        return number

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """Apply all of ``modifications`` in their order."""
        number = require(self.db, dn)
        (name,) = self.db.execute("SELECT class FROM object WHERE id = ?", (number,)).fetchone()
        object_class = self.schema.classes[name.lower()]
        passwords = []
        touched = set()
        for modification in modifications:
            attribute = self._writable(modification.attribute)
            self._check_modifiable(object_class, attribute, dn)
            if attribute.key == "unicodepwd":
                passwords.append(modification)
                continue
            touched.add(attribute.key)
            self._apply(number, attribute, modification)
        self._check_after(number, object_class, dn, touched)
        if passwords:
            self._change_password(number, passwords)
        self._touch(number)

    def delete(self, dn: Dn) -> None:
        """Delete an object that holds no others, with every link to it and from it."""
        number = require(self.db, dn)
        if self.db.execute("SELECT 1 FROM object WHERE parent = ? LIMIT 1", (number,)).fetchone():
            raise MpfError(Result.CANT_ON_NON_LEAF, f"{dn} holds other objects.")
        self._refuse_critical(number, dn)
        let_go(self.db, self.schema, self.base, number)
        for table in ("value", "password"):
            self.db.execute(f"DELETE FROM {table} WHERE object = ?", (number,))  # noqa: S608 - two constants
        self.db.execute("DELETE FROM object WHERE id = ?", (number,))

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """Give an object another name, another container or both. What it holds goes along."""
        number = require(self.db, dn)
        old_path, old_dn, name = self.db.execute("SELECT path, dn, class FROM object WHERE id = ?", (number,)).fetchone()
        self._refuse_critical(number, dn)
        new_path = path_of(new_dn)
        if new_path.startswith(old_path + SEPARATOR):
            raise MpfError(Result.UNWILLING_TO_PERFORM, f"{old_dn} cannot be moved into itself.")
        object_class = self.schema.classes[name.lower()]
        parent, new_dn = self._place_for(new_dn, object_class, own=number)
        self.db.execute("UPDATE object SET parent = ? WHERE id = ?", (parent, number))
        move_names(self.db, old_path, new_path, new_dn)
        for key in (object_class.naming, "name"):
            self.db.execute("DELETE FROM value WHERE object = ? AND attribute = ?", (number, key))
            attribute = self.schema.attributes[key]
            self._store(number, attribute, [encode(self.db, attribute, new_dn.rdn.value)])
        self._touch(number)

    def well_known(self, container: int, digits: str, target: Dn) -> None:
        """Enter ``target`` into wellKnownObjects, which clients cannot write."""
        attribute = self.schema.attributes["wellknownobjects"]
        self._store(container, attribute, [encode(self.db, attribute, f"B:{len(digits)}:{digits}:{target}")])

    def domain_sid(self, head: int, sid: bytes) -> None:
        """Give the domain's head the domain's own objectSid."""
        self._store(head, self.schema.attributes["objectsid"], [Row(sid, sid)])

    def protect(self, number: int) -> None:
        """Make an object one that can be neither deleted nor renamed."""
        self._store(number, self.schema.attributes["iscriticalsystemobject"], [Row("TRUE", "TRUE")])

    def _known(self, attributes: Mapping[str, Sequence[Value]]) -> dict[str, tuple[Attribute, tuple[Value, ...]]]:
        given: dict[str, tuple[Attribute, tuple[Value, ...]]] = {}
        for name, values in attributes.items():
            attribute = self._writable(name)
            if not values:
                raise MpfError(Result.CONSTRAINT_VIOLATION, f"{name} is given without a value.")
            given[attribute.key] = (attribute, (*given.get(attribute.key, (attribute, ()))[1], *values))
        return given

    def _writable(self, name: str) -> Attribute:
        attribute = self.schema.attribute(name)
        if attribute is None:
            raise MpfError(Result.NO_ATTRIBUTE_OR_VALUE, f"The schema has no attribute {name!r:.100}.")
        if attribute.key == "ntsecuritydescriptor":
            raise MpfError(Code.E_NOTIMPL, "The embedded directory has no access control lists.")
        if attribute.link or attribute.constructed:
            raise MpfError(Result.UNWILLING_TO_PERFORM, f"{attribute.name} is computed and cannot be written.")
        if attribute.system:
            raise MpfError(Result.CONSTRAINT_VIOLATION, f"{attribute.name} is kept by the directory itself.")
        return attribute

    def _class_of(self, names: Sequence[Value]) -> ObjectClass:
        classes = []
        for name in names:
            found = self.schema.object_class(str(name))
            if found is None:
                raise MpfError(Result.NO_ATTRIBUTE_OR_VALUE, f"The schema has no class {name!r:.100}.")
            classes.append(found)
        most_specific = max(classes, key=lambda found: len(found.chain), default=None)
        if most_specific is None or not most_specific.structural:
            raise MpfError(Result.OBJ_CLASS_VIOLATION, "An object needs a structural class.")
        if any(found.name not in most_specific.chain for found in classes):
            raise MpfError(Result.OBJ_CLASS_VIOLATION, f"{most_specific.name} is not all of the given classes.")
        return most_specific

    def _place_for(self, dn: Dn, object_class: ObjectClass, own: int | None = None) -> tuple[int | None, Dn]:
        """The container's number and the name in the container's spelling; raises if there can be no such object."""
        naming = self.schema.attributes[object_class.naming]
        if dn.rdn.type.lower() != naming.key:
            raise MpfError(Result.NAMING_VIOLATION, f"{object_class.name} objects are named by {naming.name}.")
        if find(self.db, dn) not in (None, own):
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"{dn} exists already.")
        encode(self.db, naming, dn.rdn.value)
        if dn == self.base:
            return None, dn
        if dn.parent is None:
            raise no_such_object(dn)
        parent = require(self.db, dn.parent)
        spelled, holder = self.db.execute("SELECT dn, class FROM object WHERE id = ?", (parent,)).fetchone()
        if holder not in object_class.parents:
            raise MpfError(Result.NAMING_VIOLATION, f"{holder} objects do not hold {object_class.name} objects.")
        return parent, Dn.parse(spelled).child(naming.name.upper(), dn.rdn.value)

    def _check_allowed(self, object_class: ObjectClass, dn: Dn, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in object_class.may and key not in object_class.must:
                name = self.schema.attributes[key].name
                raise MpfError(Result.OBJ_CLASS_VIOLATION, f"{object_class.name} objects have no {name} ({dn}).")

    def _check_modifiable(self, object_class: ObjectClass, attribute: Attribute, dn: Dn) -> None:
        if attribute.key == "objectclass":
            raise MpfError(Result.CANT_MOD_OBJ_CLASS, f"The class of {dn} cannot be changed.")
        if attribute.key == object_class.naming:
            raise MpfError(Result.CANT_ON_RDN, f"{attribute.name} is the name of {dn}: rename the object.")
        self._check_allowed(object_class, dn, (attribute.key,))

    def _check_after(self, number: int, object_class: ObjectClass, dn: Dn, touched: set[str]) -> None:
        """What must hold after a change of the attributes ``touched``."""
        for key in object_class.must.intersection(touched):
            if not self._key(number, key):
                name = self.schema.attributes[key].name
                raise MpfError(Result.OBJ_CLASS_VIOLATION, f"{dn} needs a value of {name}.")
        for key in touched.intersection(_UNIQUE):
            row = self._key(number, key)
            if row:
                accounts.check_unique(self.db, key, str(row[0]))
        if "primarygroupid" in touched:
            self._check_primary_group(number)
        if touched & _TYPE_SOURCES:
            group_type = self._key(number, "grouptype")
            control = self._key(number, "useraccountcontrol")
            kind = accounts.account_type(group_type and group_type[0], control and control[0])
            attribute = self.schema.attributes["samaccounttype"]
            self.db.execute("DELETE FROM value WHERE object = ? AND attribute = ?", (number, attribute.key))
            self._store(number, attribute, [Row(kind, str(kind))])

    def _check_primary_group(self, number: int) -> None:
        row = self._key(number, "primarygroupid")
        sid = accounts.account_sid(self.db, row[0]) if row else None
        found = self.db.execute("SELECT 1 FROM value WHERE attribute = 'objectsid' AND key = ?", (sid,)).fetchone()
        if not found:
            raise MpfError(Result.UNWILLING_TO_PERFORM, "primaryGroupID is no group of this domain.")

    def _refuse_critical(self, number: int, dn: Dn) -> None:
        if self._key(number, "iscriticalsystemobject"):
            raise MpfError(Result.UNWILLING_TO_PERFORM, f"{dn} is needed by the directory itself.")

    def _key(self, number: int, attribute: str) -> tuple[int] | None:
        row: tuple[int] | None = self.db.execute(
            "SELECT key FROM value WHERE object = ? AND attribute = ?", (number, attribute)
        ).fetchone()
        return row

    def _insert_generated(self, number: int, dn: Dn, object_class: ObjectClass, guid: bytes) -> None:
        category = self.base.child("CN", "Configuration").child("CN", "Schema").child("CN", object_class.category)
        rows: dict[str, list[Row]] = {
            "objectclass": [Row(fold(name), name) for name in object_class.chain],
            object_class.naming: [Row(fold(dn.rdn.value), dn.rdn.value)],
            "name": [Row(fold(dn.rdn.value), dn.rdn.value)],
            "objectguid": [Row(guid, guid)],
            "objectcategory": [Row(fold(object_class.category), str(category))],
            "instancetype": [Row(4, "4")],
            "whencreated": [Row(self.now, self.now)],
            "whenchanged": [Row(self.now, self.now)],
        }
        for key, values in rows.items():
            self._store(number, self.schema.attributes[key], values)

    def _apply(self, number: int, attribute: Attribute, modification: Modification) -> None:
        if modification.op is ModifyOp.ADD:
            if not modification.values:
                raise MpfError(Result.CONSTRAINT_VIOLATION, f"{attribute.name} is given without a value.")
            if attribute.single and self._key(number, attribute.key):
                raise MpfError(Result.ATTRIBUTE_OR_VALUE_EXISTS, f"{attribute.name} has a value already.")
            self._add_values(number, attribute, modification.values)
        elif modification.op is ModifyOp.REPLACE:
            self.db.execute("DELETE FROM value WHERE object = ? AND attribute = ?", (number, attribute.key))
            self._add_values(number, attribute, modification.values)
        elif modification.values:
            for value in modification.values:
                self._delete_value(number, attribute, value)
        elif not self.db.execute("DELETE FROM value WHERE object = ? AND attribute = ?", (number, attribute.key)).rowcount:
            raise MpfError(Result.NO_ATTRIBUTE_OR_VALUE, f"There is no value of {attribute.name}.")

    def _add_values(self, number: int, attribute: Attribute, values: Sequence[Value]) -> None:
        if attribute.single and len(values) > 1:
            raise MpfError(Result.CONSTRAINT_VIOLATION, f"{attribute.name} has one value only.")
        self._store(number, attribute, [encode(self.db, attribute, value) for value in values])

    def _store(self, number: int, attribute: Attribute, rows: Sequence[Row]) -> None:
        try:
            self.db.executemany(
                "INSERT INTO value (object, attribute, key, data, target) VALUES (?, ?, ?, ?, ?)",
                [(number, attribute.key, *row) for row in rows],
            )
        except sqlite3.IntegrityError:
            # A member that is there already has a code of its own (spec: helpers-and-ad-providers.md, 2.8).
            code = Code.OBJECT_ALREADY_EXISTS if attribute.key == "member" else Result.ATTRIBUTE_OR_VALUE_EXISTS
            raise MpfError(code, f"{attribute.name} has that value already.") from None

    def _delete_value(self, number: int, attribute: Attribute, value: Value) -> None:
        row = encode(self.db, attribute, value)
        if not self.db.execute(
            "DELETE FROM value WHERE object = ? AND attribute = ? AND key = ?", (number, attribute.key, row.key)
        ).rowcount:
            member = attribute.key == "member"
            code = Result.UNWILLING_TO_PERFORM if member else Result.NO_ATTRIBUTE_OR_VALUE
            raise MpfError(code, f"{attribute.name} does not have that value.")

    def _touch(self, number: int) -> None:
        self.db.execute(
            "UPDATE value SET key = ?, data = ? WHERE object = ? AND attribute = 'whenchanged'", (self.now, self.now, number)
        )

    def _set_password(self, number: int, values: Sequence[Value]) -> None:
        if len(values) != 1:
            raise MpfError(Result.UNWILLING_TO_PERFORM, "An account has one password.")
        accounts.set_password(self.db, number, accounts.decode_password(values[0]))
        filetime = int((time.time() + _FILETIME_EPOCH) * 10_000_000)
        self.db.execute("DELETE FROM value WHERE object = ? AND attribute = 'pwdlastset'", (number,))
        self._store(number, self.schema.attributes["pwdlastset"], [Row(filetime, str(filetime))])

    def _change_password(self, number: int, parts: Sequence[Modification]) -> None:
        """A reset is one REPLACE; a change is a DELETE of the old password and an ADD of the new one."""
        match parts:
            case [Modification(op=ModifyOp.REPLACE, values=new)]:
                pass
            case [Modification(op=ModifyOp.DELETE, values=(old,)), Modification(op=ModifyOp.ADD, values=new)]:
                if not accounts.password_matches(self.db, number, accounts.decode_password(old)):
                    raise MpfError(Result.CONSTRAINT_VIOLATION, "The old password is wrong.")
            case _:
                raise MpfError(Result.UNWILLING_TO_PERFORM, "A password is replaced, or deleted and added.")
        self._set_password(number, new)


def timestamp() -> str:
    """Now, as whenChanged has it."""
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S.0Z")
