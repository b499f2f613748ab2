"""Accounts: names, SIDs and passwords (spec: helpers-and-ad-providers.md, 3.19 to 3.22)."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.provider import (
    NO_CHANGE,
    CallContext,
    Change,
    Element,
    Json,
    Output,
    Provider,
    Undo,
    argument,
    optional_argument,
    output,
    read,
    write,
)
from mpf_directory.account_names import (
    NAMES_READ,
    NameFormat,
    domain_name,
    find_named,
    name_of,
    none_mapped,
    parse_format,
)
from mpf_directory.changes import REFUSALS
from mpf_directory.dn import BAD_PATHNAME, Dn
from mpf_directory.locking import hold_value
from mpf_directory.operations import guid_of
from mpf_directory.port import Directory, Entry, Modification, ModifyOp
from mpf_directory.provider_common import PathCalls, flag
from mpf_directory.results import NoAnswerError, Result
from mpf_directory.throttle import key_of_name

_PASSWORD = "unicodePwd"  # noqa: S105 - the attribute's name
#: The old password is right, and the new one is not good enough.
_RESTRICTED = "ERROR_PASSWORD_RESTRICTION"
#: groupType: the group belongs to one domain; Windows calls its account an alias.
_DOMAIN_LOCAL = 0x4
_USER, _GROUP, _DOMAIN, _ALIAS, _WELL_KNOWN_GROUP, _UNKNOWN, _COMPUTER = 1, 2, 3, 4, 5, 8, 9
#: SIDs that no directory object has, with their domain and name.
_WELL_KNOWN = {
    "S-1-1-0": ("", "Everyone"),
    "S-1-3-0": ("", "CREATOR OWNER"),
    "S-1-5-9": ("NT AUTHORITY", "ENTERPRISE DOMAIN CONTROLLERS"),
    "S-1-5-10": ("NT AUTHORITY", "SELF"),
    "S-1-5-11": ("NT AUTHORITY", "Authenticated Users"),
    "S-1-5-18": ("NT AUTHORITY", "SYSTEM"),
}


class AccountCalls(PathCalls):
    """Procedures on users and other accounts.

    A password that is set is in no `Change`, and so in no journal, plan or log: it waits in the transaction's property bag,
    in memory, for `apply`. To change one back needs both, so they are in a confidential change: the journal keeps it
    encrypted, and no longer than the transaction.
    """

    @read("Translate Name")
    def translate_name(self, ctx: CallContext, data: Element) -> Output:
        """IN outputFormat, inputName (default: the caller), inputFormat (default NameUnknown). OUT outputName."""
        wanted = parse_format(argument(data, "outputFormat"))
        given = parse_format(optional_argument(data, "inputFormat") or str(NameFormat.UNKNOWN.value))
        name = optional_argument(data, "inputName")
        if name is None:
            name, given = ctx.caller.dn or ctx.caller.name, NameFormat.UNKNOWN
        directory = self.directory(ctx)
        found = name_of(directory, find_named(directory, name, given), wanted)
        if found is None:
            raise none_mapped(name)
        return [output("outputName", found)]

    @read("Lookup Account From SID")
    def lookup_account_from_sid(self, ctx: CallContext, data: Element) -> Output:
        """IN sid. OUT name, domain, type (SID_NAME_USE as a decimal). ERROR_NONE_MAPPED for a SID of nobody."""
        sid = argument(data, "sid").upper()
        if sid in _WELL_KNOWN:
            domain, name = _WELL_KNOWN[sid]
            return [output("name", name), output("domain", domain), output("type", str(_WELL_KNOWN_GROUP))]
        directory = self.directory(ctx)
        try:
            entry = directory.read(Dn.by_sid(sid), [*NAMES_READ, "groupType", "name"])
        except MpfError as error:
            if error.code != BAD_PATHNAME:
                raise
            entry = None
        if entry is None:
            raise none_mapped(sid)
        domain = domain_name(directory, entry)
        type_ = _sid_type(entry)
        name = domain if type_ == _DOMAIN else entry.text("sAMAccountName") or entry.text("name") or ""
        return [output("name", name), output("domain", domain), output("type", str(type_))]

    @write("User Set Password")
    def user_set_password(self, ctx: CallContext, data: Element) -> Change:
        """IN path, newPassword, flagSkipAction. Nobody can read the old password, so this is declared irreversible."""
        if flag(data, "flagSkipAction"):
            return NO_CHANGE
        return self._password_change(ctx, data, None)

    @write("User Change Password")
    def user_change_password(self, ctx: CallContext, data: Element) -> Change:
        """IN path, oldPassword, newPassword. Undone by changing it back, or by setting it where the policy forbids that."""
        return self._password_change(ctx, data, _secret(data, "oldPassword"))

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """Set or change a password; anything else as `DirectoryProvider` does."""
        account = _account(change)
        if account is None:
            return super().apply(ctx, change)
        old, new = _passwords(change)
        if new is None:
            new = ctx.bag[_bag_key(ctx)]
        directory = self.reopen(ctx, change)
        try:
            if old is None:
                directory.modify(account, _replacing(None, new))
            else:
                self._change_password(directory, account, old, new)
        except MpfError as error:
            ctx.evidence["refused"] = error.code in REFUSALS
            raise
        return None

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Change a password back; anything else as `DirectoryProvider` does.

        The server's answer to the attempt tells which password the account has: it looks at the one that is to go before it
        looks at its policy. No logon could tell: for a while servers accept the password before the last one, too. Where
        nobody knows whether the change was made, the attempt may be made with a wrong password. That is counted as any wrong
        password is, once, so that it locks nobody out; and forgiven, by the server as well, when the old one proves right.
        """
        account = _account(change)
        if account is None:
            return super().undo(ctx, change)
        if ctx.evidence.get("refused"):
            return Undo.NOTHING_TO_UNDO
        old, new = _passwords(change)
        if old is None or new is None:
            raise MpfError(Code.E_FAIL, f"The old password of '{account}' is not known.")
        directory, name = self.reopen(ctx, change), str(cast(dict[str, Json], change.data)["dn"])
        try:
            self._change_password(directory, account, new, old)
        except MpfError as error:
            if _is_restricted(error):
                _set_back(directory, account, name, old, error)
                return Undo.UNDONE
            if not _is_wrong_password(error):
                raise
            if not self._directories.verify_password(account, old, directory.server):
                text = f"Neither the old nor the new password of '{name}' is right: it was changed by somebody else."
                raise MpfError(Code.E_FAIL, text) from error
            return Undo.NOTHING_TO_UNDO
        return Undo.UNDONE

    def describe(self, change: Change) -> str:
        """A password change as JSON, without the password; anything else as LDIF."""
        if _account(change) is None:
            return super().describe(change)
        shown = {name: value for name, value in cast(dict[str, Json], change.data).items() if name not in {"old", "new"}}
        return Provider.describe(self, Change(shown))

    def _change_password(self, directory: Directory, account: Dn, old: str, new: str) -> None:
        """Whoever can try old passwords can guess: wrong ones count as those of logons."""
        with self._directories.attempt(str(account.guid or key_of_name(str(account)))) as attempt:
            try:
                directory.modify(account, _replacing(old, new))
            except MpfError as error:
                if not isinstance(error, NoAnswerError) and not _is_restricted(error):
                    attempt.failed()
                raise
            attempt.succeeded()

    def _password_change(self, ctx: CallContext, data: Element, old: str | None) -> Change:
        new = _secret(data, "newPassword")
        path, directory, name = self.resolve(ctx, data)
        hold_value(ctx, name, "password")
        guid = guid_of(self.require(directory, path, ["objectGUID"], name))
        content: dict[str, Json] = {
            "server": directory.server,
            "password": "change" if old is not None else "set",
            "dn": str(name),
            "guid": str(guid) if guid else None,
        }
        if old is None:
            ctx.bag[_bag_key(ctx)] = new
            return Change(content, reversible=False)
        return Change({**content, "old": old, "new": new}, confidential=True)


def _is_restricted(error: MpfError) -> bool:
    return _RESTRICTED in error.description


def _is_wrong_password(error: MpfError) -> bool:
    """Whether the server says, of a change, that the password to be changed is another one."""
    return error.code == Result.CONSTRAINT_VIOLATION and not _is_restricted(error)


def _set_back(directory: Directory, account: Dn, name: str, old: str, restricted: MpfError) -> None:
    """Set a password that cannot be changed back: its minimum age and its history bind its owner, not who may set it."""
    try:
        directory.modify(account, _replacing(None, old))
    except MpfError as error:
        raise MpfError(
            error.code,
            f"'{name}' still has the new password. The domain's policy does not let it be changed back "
            f"({restricted.description}), and the account that takes changes back cannot set it: it needs the right "
            f"User-Force-Change-Password. {error.description}",
        ) from error


def _sid_type(entry: Entry) -> int:
    classes = {value.lower() for value in entry.values("objectClass") if isinstance(value, str)}
    for class_, type_ in (("computer", _COMPUTER), ("user", _USER), ("domaindns", _DOMAIN)):
        if class_ in classes:
            return type_
    if "foreignsecurityprincipal" in classes:
        return _WELL_KNOWN_GROUP
    if "group" not in classes:
        return _UNKNOWN
    return _ALIAS if int(entry.text("groupType") or "0") & _DOMAIN_LOCAL else _GROUP


def _secret(data: Element, name: str) -> str:
    """A password argument: unlike others it is taken as it stands, blanks included."""
    argument(data, name)
    return data.findtext(name) or ""


def _bag_key(ctx: CallContext) -> tuple[str, int, str]:
    return ("mpf_directory.password", ctx.sequence, ctx.step)


def _passwords(change: Change) -> tuple[str | None, str | None]:
    """The old and the new password of a change that has both."""
    data = cast(dict[str, Json], change.data)
    old, new = data.get("old"), data.get("new")
    return (str(old) if old is not None else None, str(new) if new is not None else None)


def _account(change: Change) -> Dn | None:
    """The account whose password a change is about."""
    data = cast(dict[str, Json], change.data or {})
    if "password" not in data:
        return None
    return Dn.by_guid(UUID(str(data["guid"]))) if data.get("guid") else Dn.parse(str(data["dn"]))


def _replacing(old: str | None, new: str) -> list[Modification]:
    """Active Directory: a replace sets a password; a delete of the old with an add of the new changes it."""
    octets = _encode(new)
    if old is None:
        return [Modification(_PASSWORD, ModifyOp.REPLACE, (octets,))]
    return [
        Modification(_PASSWORD, ModifyOp.DELETE, (_encode(old),)),
        Modification(_PASSWORD, ModifyOp.ADD, (octets,)),
    ]


def _encode(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")
