"""The names that somebody logs on with, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory.account_names import domain_name
from mpf_directory.dn import BAD_PATHNAME, Dn, domain_of
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.results import Result

_SID = re.compile(r"S-1-\d+(?:-\d+)+", re.IGNORECASE)
_READ = ("objectClass", "objectGUID", "objectSid", "userAccountControl", "sAMAccountName", "userPrincipalName")
#: sAMAccountName may not hold these, so no account has such a name.
_NEVER_IN_ACCOUNT = frozenset('"/\\[]:;|=,+*?<>')


class AmbiguousNameError(MpfError):
    """A name fits several accounts."""

    def __init__(self, name: str) -> None:
        super().__init__(Code.E_ACCESSDENIED, f"The name '{name}' fits several accounts.")


def name_in(credentials: Credentials, directory: Directory) -> str:
    """The name in credentials, in a form that `find_account` knows."""
    name = credentials.username
    if set("\\@=").intersection(name) or _SID.fullmatch(name):
        return name
    return f"{credentials.domain or domain_name(directory)}\\{name}"


def find_account(directory: Directory, name: str) -> Entry | None:
    """The account of that name: ``DOMAIN\\account``, user principal name, distinguished name or SID.

    Raises `AmbiguousNameError`.
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


def find_users(directory: Directory, wanted: Filter) -> list[Entry]:
    """Two at most of the users that match."""
    users = Filter.and_(Filter.eq("objectClass", "user"), wanted)
    return list(directory.search(directory.base, Scope.SUBTREE, users, _READ, limit=2))


def _by_account(directory: Directory, account: str) -> Entry | None:
    return _only(find_users(directory, Filter.eq("sAMAccountName", account)), account) if _may_be(account) else None


def _by_principal_name(directory: Directory, name: str) -> Entry | None:
    """By userPrincipalName, or by the one that every account has without it: ``account@domain``.

    Both count: whoever may write a userPrincipalName must not become another account by it.
    """
    account, _, suffix = name.rpartition("@")
    wanted = Filter.eq("userPrincipalName", name)
    if suffix.casefold() == domain_of(directory.base).casefold() and _may_be(account):
        wanted = Filter.or_(wanted, Filter.eq("sAMAccountName", account))
    return _only(find_users(directory, wanted), name)


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
        raise AmbiguousNameError(name)
    return found[0] if found else None
