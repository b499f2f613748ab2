"""What a new domain holds before anybody adds anything, as on a server of Active Directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from mpf_directory.dn import Dn
from mpf_directory.embedded_accounts import (
    DOMAIN_COMPUTERS_RID,
    DOMAIN_USERS_RID,
    FIRST_RID,
    GLOBAL_SECURITY_GROUP,
    NORMAL_ACCOUNT,
    account_sid,
    new_domain_sid,
)
from mpf_directory.embedded_write import Writer
from mpf_directory.port import Modification, ModifyOp
from mpf_directory.schema import Schema
from mpf_directory.sids import sid_to_octets

#: Well-known containers of a domain: name -> the GUID in wellKnownObjects.
WELL_KNOWN = {
    "Users": "A9D1CA15768811D1ADED00C04FD8D5CD",
    "Computers": "AA312825768811D1ADED00C04FD8D5CD",
    "System": "AB1D30F3768811D1ADED00C04FD8D5CD",
}


_BUILTIN_LOCAL_GROUP = "-2147483643"


class _Account(NamedTuple):
    name: str
    rid: int
    description: str


_GROUPS = (
    _Account("Domain Users", DOMAIN_USERS_RID, "All domain users"),
    _Account("Domain Admins", 512, "Designated administrators of the domain"),
    _Account("Domain Computers", DOMAIN_COMPUTERS_RID, "All workstations and servers joined to the domain"),
)
_ADMINISTRATOR = _Account("Administrator", 500, "Built-in account for administering the domain")
_ADMINISTRATORS_SID = "S-1-5-32-544"


def build_domain(db: sqlite3.Connection, schema: Schema, base: Dn, server: str) -> None:
    """Fill new tables with the domain ``base``: head, well-known containers, built-in groups, and the Administrator.

    The Administrator has no password, so nobody can log on with it before somebody gives it one.
    """
    sid = new_domain_sid()
    facts = {"base": str(base), "server": server, "sid": sid, "next_rid": FIRST_RID}
    db.executemany("INSERT INTO domain VALUES (?, ?)", facts.items())
    writer = Writer(db, schema, base)
    head = writer.add(base, {"objectClass": ["domainDNS"]})
    writer.domain_sid(head, sid_to_octets(sid))
    protected = [head]
    for name, guid in WELL_KNOWN.items():
        container = base.child("CN", name)
        protected.append(writer.add(container, {"objectClass": ["container"]}))
        writer.well_known(head, guid, container)
    protected += _accounts(writer, db, base)
    for number in protected:
        writer.protect(number)


def _accounts(writer: Writer, db: sqlite3.Connection, base: Dn) -> Iterator[int]:
    users = base.child("CN", "Users")
    for group in _GROUPS:
        attributes = {"objectClass": ["group"], "sAMAccountName": [group.name], "description": [group.description]}
        attributes["groupType"] = [str(GLOBAL_SECURITY_GROUP)]
        yield writer.add(users.child("CN", group.name), attributes, account_sid(db, group.rid))
    name, rid, description = _ADMINISTRATOR
    administrator = users.child("CN", name)
    attributes = {"objectClass": ["user"], "sAMAccountName": [name], "description": [description]}
    attributes["userAccountControl"] = [str(NORMAL_ACCOUNT)]
    yield writer.add(administrator, attributes, account_sid(db, rid))
    domain_admins = users.child("CN", "Domain Admins")
    writer.modify(domain_admins, [Modification("member", ModifyOp.ADD, (str(administrator),))])
    builtin = base.child("CN", "Builtin")
    yield writer.add(builtin, {"objectClass": ["builtinDomain"]})
    attributes = {"objectClass": ["group"], "sAMAccountName": ["Administrators"], "groupType": [_BUILTIN_LOCAL_GROUP]}
    attributes["member"] = [str(administrator), str(domain_admins)]
    yield writer.add(builtin.child("CN", "Administrators"), attributes, sid_to_octets(_ADMINISTRATORS_SID))
