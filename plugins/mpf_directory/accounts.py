"""Callers: from a name and, where there is one, a password, to one account of the directory and its groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Caller, Credentials, Principal, Ticket
from mpf_directory.account_names import domain_name
from mpf_directory.changes import domain_of
from mpf_directory.dn import BAD_PATHNAME, Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.results import Result
from mpf_directory.service import DirectoriesService
from mpf_directory.sids import sid_to_octets, sid_to_text

_SID = re.compile(r"S-1-\d+(?:-\d+)+", re.IGNORECASE)
_READ = ("objectClass", "objectGUID", "objectSid", "userAccountControl", "sAMAccountName", "userPrincipalName")
_ACCOUNTDISABLE = 0x2
#: sAMAccountName may not hold these, so no account has such a name.
_NEVER_IN_ACCOUNT = frozenset('"/\\[]:;|=,+*?<>')


class Accounts:
    """Looks callers up and checks their passwords, with the service account's eyes."""

    def __init__(self, directories: DirectoriesService) -> None:
        self._directories = directories

    def resolve(self, caller: Caller) -> Principal | None:
        """The account that ``caller.name`` names, with the SIDs of all its security groups, nested and primary ones too.

        With a ticket it is the account that the server says it belongs to, and its name is what the directory calls it.
        ``None`` when there is none. Raises E_ACCESSDENIED when the name fits several accounts, the account is disabled or
        its groups cannot be read; the codes of `kerberos.KerberosError`; SERVER_DOWN.
        """
        directory = self._directories.service()
        ticket = caller.credentials if isinstance(caller.credentials, Ticket) else None
        found = find_account(directory, caller.name) if ticket is None else self._holder(directory, ticket)
        if found is None:
            return None
        if ticket is not None:
            caller = self._named(directory, ticket, found)
        if int(found.text("userAccountControl") or 0) & _ACCOUNTDISABLE:
            raise MpfError(Code.E_ACCESSDENIED, f"The account of the caller '{caller.name}' is disabled.")
        # Only a read of one object computes tokenGroups.
        account = directory.read(found.dn, ("objectSid", "objectGUID", "tokenGroups"))
        if account is None:
            return None
        groups = [value for value in account.values("tokenGroups") if isinstance(value, bytes)]
        if not groups:
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"The groups of '{caller.name}' cannot be read: the directory's service account needs the right to read "
                "tokenGroups.",
            )
        return Principal(
            caller.name,
            sid=sid_to_text(account.octets("objectSid") or b""),
            dn=str(account.dn),
            guid=str(UUID(bytes_le=account.octets("objectGUID") or b"")),
            groups=frozenset(map(sid_to_text, groups)),
            credentials=caller.credentials,
            asserted_by=caller.asserted_by,
        )

    def authenticate(self, caller: Caller) -> bool | None:
        """Whether the credentials that the caller brings are right *and* are those of the account it names.

        ``None`` when it brings none, or names no account of this directory. Raises E_ACCESSDENIED after too many wrong
        passwords, without trying this one; SERVER_DOWN.
        """
        if caller.credentials is None:
            return None
        directory = self._directories.service()
        claimed = find_account(directory, caller.name)
        if claimed is None:
            return None
        if isinstance(caller.credentials, Ticket):
            return self._holder(directory, caller.credentials).octets("objectGUID") == claimed.octets("objectGUID")
        shown = find_account(directory, self._name_in(caller.credentials, directory))
        if shown is None or shown.octets("objectGUID") != claimed.octets("objectGUID"):
            return False
        return self._directories.verify_password(claimed.dn, caller.credentials.password)

    def _holder(self, directory: Directory, ticket: Ticket) -> Entry:
        """The one account among those that the server takes the ticket's holder for; the others are its groups."""
        of_sid = [Filter.eq("objectSid", sid_to_octets(sid)) for sid in self._directories.holder(ticket)]
        found = _users(directory, Filter.or_(*of_sid)) if of_sid else []
        if len(found) != 1:
            raise MpfError(Code.E_ACCESSDENIED, "The server does not say which account the Kerberos ticket belongs to.")
        return found[0]

    def _named(self, directory: Directory, ticket: Ticket, account: Entry) -> Caller:
        """The holder of a ticket as a caller, by a name that leads to that account and to no other one."""
        own = f"{account.text('sAMAccountName')}@{domain_of(directory.base)}"
        name = account.text("userPrincipalName") or own
        named = find_account(directory, name)
        if named is None or named.octets("objectGUID") != account.octets("objectGUID"):
            raise MpfError(Code.E_ACCESSDENIED, f"The name '{name}' is not that of the ticket's account alone.")
        sid = sid_to_text(account.octets("objectSid") or b"")
        return Caller(name, replace(ticket, sid=sid))

    def _name_in(self, credentials: Credentials, directory: Directory) -> str:
        name = credentials.username
        if set("\\@=").intersection(name) or _SID.fullmatch(name):
            return name
        return f"{credentials.domain or domain_name(directory)}\\{name}"


def find_account(directory: Directory, name: str) -> Entry | None:
    """The account that callers of that name have: ``DOMAIN\\account``, user principal name, distinguished name or SID.

    ``None`` without one. Raises E_ACCESSDENIED when the name fits several.
    """
    name = name.strip()
    if _SID.fullmatch(name):
        return _user(directory.read(Dn.by_sid(name), _READ))
    domain, backslash, account = name.partition("\\")
    if backslash and "=" not in domain:
        ours = {domain_name(directory).casefold(), domain_of(directory.base).casefold()}
        return _by_account(directory, account) if domain.casefold() in ours else None
    if "=" in name.partition("@")[0]:
        return _by_dn(directory, name)
    return _by_principal_name(directory, name) if "@" in name else None


def _by_account(directory: Directory, account: str) -> Entry | None:
    return _only(_users(directory, Filter.eq("sAMAccountName", account)), account) if _may_be(account) else None


def _by_principal_name(directory: Directory, name: str) -> Entry | None:
    """By userPrincipalName, or by the one that every account has without it: ``account@domain``.

    Both count: whoever may write a userPrincipalName must not become another account by it.
    """
    account, _, suffix = name.rpartition("@")
    wanted = Filter.eq("userPrincipalName", name)
    if suffix.casefold() == domain_of(directory.base).casefold() and _may_be(account):
        wanted = Filter.or_(wanted, Filter.eq("sAMAccountName", account))
    return _only(_users(directory, wanted), name)


def _users(directory: Directory, wanted: Filter) -> list[Entry]:
    users = Filter.and_(Filter.eq("objectClass", "user"), wanted)
    return list(directory.search(directory.base, Scope.SUBTREE, users, _READ, limit=2))


def _may_be(account: str) -> bool:
    return bool(account) and not _NEVER_IN_ACCOUNT.intersection(account)


def _by_dn(directory: Directory, name: str) -> Entry | None:
    try:
        return _user(directory.read(Dn.parse(name), _READ))
    except MpfError as error:
        # Servers differ in what they take for a name.
        if error.code in {BAD_PATHNAME, Result.INVALID_DN_SYNTAX}:
            return None
        raise


def _user(entry: Entry | None) -> Entry | None:
    """The entry, if it is an account that somebody can log on with."""
    classes = {value.casefold() for value in entry.values("objectClass") if isinstance(value, str)} if entry else ()
    return entry if "user" in classes else None


def _only(found: Sequence[Entry], name: str) -> Entry | None:
    if len(found) > 1:
        raise MpfError(Code.E_ACCESSDENIED, f"The name '{name}' fits several accounts.")
    return found[0] if found else None
