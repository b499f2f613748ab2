"""Accounts in the embedded directory: security identifiers, defaults of users and groups, unique names, passwords."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import fold
from mpf_directory.results import Result
from mpf_directory.schema import ObjectClass
from mpf_directory.sids import sid_to_octets, sid_to_text

#: userAccountControl bits (spec: helpers-and-ad-providers.md, 3.18).
ACCOUNTDISABLE, PASSWD_NOTREQD, NORMAL_ACCOUNT, WORKSTATION_TRUST_ACCOUNT = 0x2, 0x20, 0x200, 0x1000
#: groupType: a global security group.
GLOBAL_SECURITY_GROUP = -2147483646
DOMAIN_USERS_RID, DOMAIN_COMPUTERS_RID = 513, 515
#: The first relative identifier that is given to an object that a client creates.
FIRST_RID = 1103

_SECURITY_ENABLED = 0x80000000
_DOMAIN_LOCAL = 0x4


def is_account(object_class: ObjectClass) -> bool:
    """Whether objects of the class have an objectSid and a sAMAccountName."""
    return "objectsid" in object_class.must


def new_domain_sid() -> str:
    """A domain's SID that no other domain has."""
    return "-".join(["S-1-5-21", *(str(secrets.randbits(32)) for _ in range(3))])


def next_rid(db: sqlite3.Connection) -> int:
    """A relative identifier that no account has, or ever had."""
    (rid,) = db.execute("UPDATE domain SET data = data + 1 WHERE name = 'next_rid' RETURNING data - 1").fetchone()
    return int(rid)


def account_sid(db: sqlite3.Connection, rid: int) -> bytes:
    """The objectSid of the account with that relative identifier."""
    (domain,) = db.execute("SELECT data FROM domain WHERE name = 'sid'").fetchone()
    return sid_to_octets(f"{domain}-{rid}")


def defaults(object_class: ObjectClass) -> dict[str, str]:
    """What Active Directory sets on a new account when the client does not: attribute key -> value."""
    # A name nobody typed: six digits, a dash and twelve more, as Windows Server 2003 and later make it.
    generated = {"samaccountname": f"${secrets.token_hex(3).upper()}-{secrets.token_hex(6).upper()}"}
    if "user" in object_class.chain:
        is_computer = "computer" in object_class.chain
        kind = WORKSTATION_TRUST_ACCOUNT if is_computer else NORMAL_ACCOUNT
        return generated | {
            "useraccountcontrol": str(kind | ACCOUNTDISABLE | PASSWD_NOTREQD),
            "primarygroupid": str(DOMAIN_COMPUTERS_RID if is_computer else DOMAIN_USERS_RID),
            "pwdlastset": "0",
            "accountexpires": "9223372036854775807",
        }
    return generated | {"grouptype": str(GLOBAL_SECURITY_GROUP)}


def account_type(group_type: int | None, user_account_control: int | None) -> int:
    """sAMAccountType for a group, or for a user or computer."""
    if group_type is not None:
        kind = 0x20000000 if group_type & _DOMAIN_LOCAL else 0x10000000
        return kind if group_type & _SECURITY_ENABLED else kind | 1
    return 0x30000001 if (user_account_control or 0) & WORKSTATION_TRUST_ACCOUNT else 0x30000000


def check_unique(db: sqlite3.Connection, attribute: str, value: str) -> None:
    """No two accounts share a sAMAccountName (OBJECT_ALREADY_EXISTS) or a userPrincipalName (CONSTRAINT_VIOLATION)."""
    holders = db.execute("SELECT count(*) FROM value WHERE attribute = ? AND key = ?", (attribute, fold(value))).fetchone()[
        0
    ]
    if holders > 1:
        if attribute == "samaccountname":
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"The account name {value} is in use.")
        raise MpfError(Result.CONSTRAINT_VIOLATION, f"The user principal name {value} is in use.")


def token_groups(db: sqlite3.Connection, account: int) -> list[bytes]:
    """SIDs of the security groups that the account is in, directly, through other groups or as its primary group."""
    row = db.execute("SELECT key FROM value WHERE object = ? AND attribute = 'primarygroupid'", (account,)).fetchone()
    primary = account_sid(db, row[0]) if row else None
    rows = db.execute(
        """WITH RECURSIVE reached(id) AS (
               SELECT object FROM value WHERE target = ? AND attribute = 'member'
               UNION SELECT object FROM value WHERE attribute = 'objectsid' AND key = ?
               UNION SELECT v.object FROM reached r JOIN value v ON v.target = r.id AND v.attribute = 'member')
           SELECT s.key FROM reached r
           JOIN value s ON s.object = r.id AND s.attribute = 'objectsid'
           JOIN value t ON t.object = r.id AND t.attribute = 'grouptype' AND t.key & ?""",
        (account, primary, _SECURITY_ENABLED),
    )
    return sorted(row[0] for row in rows)


def primary_group_token(db: sqlite3.Connection, account: int) -> int | None:
    """The relative identifier of a group, which is what primaryGroupID of its primary members holds."""
    row = db.execute("SELECT key FROM value WHERE object = ? AND attribute = 'objectsid'", (account,)).fetchone()
    return int(sid_to_text(row[0]).rpartition("-")[2]) if row else None


def decode_password(octets: object) -> str:
    """The password in a unicodePwd value: quoted, in UTF-16. Raises CONSTRAINT_VIOLATION for anything else."""
    try:
        text = octets.decode("utf-16-le") if isinstance(octets, bytes) else ""
    except UnicodeDecodeError:
        text = ""
    if len(text) < 3 or not (text.startswith('"') and text.endswith('"')):
        raise MpfError(
            Result.CONSTRAINT_VIOLATION, "A unicodePwd is a password of one character or more, quoted, in UTF-16."
        )
    return text[1:-1]


def set_password(db: sqlite3.Connection, account: int, password: str) -> None:
    """Keep a salted hash of ``password`` instead of the one before."""
    salt = secrets.token_bytes(16)
    db.execute("REPLACE INTO password VALUES (?, ?, ?)", (account, salt, _hash(password, salt)))


def password_matches(db: sqlite3.Connection, account: int | None, password: str) -> bool:
    """Whether ``password`` is the account's; false, after as much work, for an account without one, and for none."""
    row = db.execute("SELECT salt, hash FROM password WHERE object = ?", (account,)).fetchone()
    salt, right = row or (bytes(16), b"")
    return hmac.compare_digest(_hash(password, salt), right)


def may_log_on(db: sqlite3.Connection, account: int | None, password: str) -> bool:
    """Whether ``password`` is the account's and the account is not disabled."""
    row = db.execute("SELECT key FROM value WHERE object = ? AND attribute = 'useraccountcontrol'", (account,)).fetchone()
    enabled = row is not None and not row[0] & ACCOUNTDISABLE
    return password_matches(db, account, password) and enabled


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=1 << 14, r=8, p=1)
