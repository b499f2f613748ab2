"""What a new domain holds before anybody adds anything, as on a server of Active Directory."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from mpf_directory.dn import Dn
from mpf_directory.embedded_accounts import (
    ACCOUNTDISABLE,
    DOMAIN_COMPUTERS_RID,
    DOMAIN_USERS_RID,
    FIRST_RID,
    GLOBAL_SECURITY_GROUP,
    NORMAL_ACCOUNT,
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


class _Account(NamedTuple):
    name: str
    rid: int
    description: str


_GROUPS = (
    _Account("Domain Users", DOMAIN_USERS_RID, "All domain users"),
    _Account("Domain Admins", 512, "Designated administrators of the domain"),
    _Account("Domain Computers", DOMAIN_COMPUTERS_RID, "All workstations and servers joined to the domain"),
)
_USERS = (_Account("Administrator", 500, "Built-in account for administering the domain"),)


def build_domain(db: sqlite3.Connection, schema: Schema, base: Dn) -> None:
    """Fill new tables with the domain ``base``: head, well-known containers and built-in accounts.

    The Administrator is disabled until somebody gives it a password, as every account without one.
    """
    sid = new_domain_sid()
    db.executemany("INSERT INTO domain VALUES (?, ?)", [("sid", sid), ("next_rid", FIRST_RID)])
    writer = Writer(db, schema, base)
    head = writer.add(base, {"objectClass": ["domainDNS"]})
    writer.domain_sid(head, sid_to_octets(sid))
    protected = [head]
    for name, guid in WELL_KNOWN.items():
        container = base.child("CN", name)
        protected.append(writer.add(container, {"objectClass": ["container"]}))
        writer.well_known(head, guid, container)
    users = base.child("CN", "Users")
    for group in _GROUPS:
        attributes = {"objectClass": ["group"], "sAMAccountName": [group.name], "description": [group.description]}
        attributes["groupType"] = [str(GLOBAL_SECURITY_GROUP)]
        protected.append(writer.add(users.child("CN", group.name), attributes, rid=group.rid))
    for user in _USERS:
        attributes = {"objectClass": ["user"], "sAMAccountName": [user.name], "description": [user.description]}
        attributes["userAccountControl"] = [str(NORMAL_ACCOUNT | ACCOUNTDISABLE)]
        protected.append(writer.add(users.child("CN", user.name), attributes, rid=user.rid))
    member = Modification("member", ModifyOp.ADD, (str(users.child("CN", "Administrator")),))
    writer.modify(users.child("CN", "Domain Admins"), [member])
    for number in protected:
        writer.protect(number)
