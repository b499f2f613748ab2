"""Callers: from a name and, where there is one, a password, to one account of the directory and its groups."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.log import logger
from mpf_core.security.principal import Caller, Principal, Ticket
from mpf_directory.dn import domain_of
from mpf_directory.filters import Filter
from mpf_directory.logon_names import AmbiguousNameError, find_account, find_users, name_in
from mpf_directory.port import Directory, Entry
from mpf_directory.service import DirectoriesService
from mpf_directory.sids import sid_to_octets, sid_to_text
from mpf_directory.throttle import ThrottledError

_ACCOUNTDISABLE = 0x2


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

        ``None`` when it brings none, or names no account of this directory. After too many wrong passwords this one is not
        tried, and wrong. Raises STORE_UNAVAILABLE when they cannot be counted; SERVER_DOWN.
        """
        if caller.credentials is None:
            return None
        directory = self._directories.service()
        if isinstance(caller.credentials, Ticket):
            claimed = find_account(directory, caller.name)
            if claimed is None:
                return None
            return self._holder(directory, caller.credentials).octets("objectGUID") == claimed.octets("objectGUID")
        # Whether there is such an account shows neither in the answer nor in the work: all of this is always done.
        names = (caller.name, name_in(caller.credentials, directory))
        claimed, shown = (_unless_ambiguous(directory, name) for name in names)
        same = claimed is not None and shown is not None and claimed.octets("objectGUID") == shown.octets("objectGUID")
        try:
            right = self._directories.try_password(claimed if same else None, caller.name, caller.credentials.password)
        except ThrottledError as error:
            logger().warning("directory.password_not_tried", reason=error.description)
            right = False
        return None if claimed is None else right and same

    def _holder(self, directory: Directory, ticket: Ticket) -> Entry:
        """The one account among those that the server takes the ticket's holder for; the others are its groups."""
        of_sid = [Filter.eq("objectSid", sid_to_octets(sid)) for sid in self._directories.holder(ticket)]
        found = find_users(directory, Filter.or_(*of_sid)) if of_sid else []
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


def _unless_ambiguous(directory: Directory, name: str) -> Entry | None:
    try:
        return find_account(directory, name)
    except AmbiguousNameError:
        return None
