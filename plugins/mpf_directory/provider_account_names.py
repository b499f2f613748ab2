"""Account names that nobody else has: sAMAccountName and userPrincipalName (spec: helpers-and-ad-providers.md, 2.18).

Both are names to log on with: ``DOMAIN\\johnc`` may be written ``johnc@domain``, so one account's user principal name must
not be another one's account name either. They are unique in the domain, of which an organization's administrator sees only
a part: these procedures are called with the service account's rights, and only answer whether a name is free.

A name is locked before it is looked up, and so are the names that an account is about to lose: whoever takes them before
the transaction has ended would stand in the way of its undo.
"""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Output, argument, optional_argument, output, read
from mpf_directory.account_properties import PROXY_ADDRESSES, check_properties, keep_sip_address, replaces_addresses
from mpf_directory.dn import Dn, domain_of, fold
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Scope
from mpf_directory.provider_common import PathCalls
from mpf_directory.sam_names import ILLEGAL, MAX_LENGTH, candidates, sam_name
from mpf_directory.unique_names import hold_account_name, hold_principal_name, hold_suffix
from mpf_directory.xml_values import property_elements, values_of

_SUFFIXES = "uPNSuffixes"


class AccountNameProvider(PathCalls):
    """``providerSource="mpf.directory.names"``: the Account Name Provider, ours; all its procedures are private."""

    @read("Choose Account Name")
    def choose(self, ctx: CallContext, data: Element) -> Output:
        """IN container, name, samName, properties. OUT samName: free, and held until the end.

        It is made of samName or, without that, of the user principal name in the properties or of the name. One that is a
        property itself is taken as it stands. Raises OBJECT_ALREADY_EXISTS when it, or the user principal name, is another
        account's; E_INVALIDARG for properties that accounts are not given.
        """
        given = check_properties(property_elements(data))
        _, directory = self.open(ctx, data, "container")
        principal = given.get("userprincipalname")
        if principal:
            _claim_principal(ctx, directory, principal)
        if exact := given.get("samaccountname"):
            _claim_account(ctx, directory, exact)
            return [output("samName", exact)]
        wish = optional_argument(data, "samName")
        name = sam_name(wish, keep_at=True) if wish else sam_name(principal or argument(data, "name"))
        for candidate in candidates(name):
            if _may_have(ctx, directory, candidate):
                return [output("samName", candidate)]
        raise _taken(name)

    @read("Check Properties")
    def check(self, ctx: CallContext, data: Element) -> None:
        """IN class, properties. Raises E_INVALIDARG for properties that objects of that class are not given here.

        Holds the suffixes of user principal names that are named: whose they are is asked again when they are written. Those
        that an organization loses without that they are named are held when they are (`ObjectCalls.set_properties`).
        """
        elements = property_elements(data)
        check_properties(elements, argument(data, "class"))
        about = [element for element in elements if (element.get("name") or "").strip().lower() == _SUFFIXES.lower()]
        for suffix in sorted({str(value) for element in about for value in values_of(element)}):
            hold_suffix(ctx, suffix)

    @read("Hold Account Names")
    def hold(self, ctx: CallContext, data: Element) -> None:
        """IN path, properties. Holds the names of an account, and those that the properties give it, which must be free.

        Called with the account's attributes, or the account itself, locked. Properties that leave the names alone are only
        checked. Raises as Choose Account Name does, and for a replacement that would drop a SIP address.
        """
        elements = property_elements(data)
        new = check_properties(elements)
        touched = {(element.get("name") or "").strip().lower() for element in elements}
        replaced = replaces_addresses(elements)
        if elements and not replaced and not touched & {"samaccountname", "userprincipalname"}:
            return
        _, directory, entry = self.fetch(ctx, data, ["sAMAccountName", "userPrincipalName", PROXY_ADDRESSES])
        if replaced:
            keep_sip_address(entry)
        if account := entry.text("sAMAccountName"):
            hold_account_name(ctx, directory, account)
        if principal := entry.text("userPrincipalName"):
            hold_principal_name(ctx, directory, principal)
        if account := new.get("samaccountname"):
            _claim_account(ctx, directory, account, entry.dn)
        if principal := new.get("userprincipalname"):
            _claim_principal(ctx, directory, principal, entry.dn)


def _claim_account(ctx: CallContext, directory: Directory, name: str, own: Dn | None = None) -> None:
    if len(name) > MAX_LENGTH or ILLEGAL & set(name) or name.endswith(".") or not name.isprintable():
        raise MpfError(Code.E_INVALIDARG, f"'{name}' is no sAMAccountName: {MAX_LENGTH} legal characters at most.")
    hold_account_name(ctx, directory, name)
    if not _is_free(directory, Filter.eq("sAMAccountName", name), _implied(directory, name), own=own):
        raise _taken(name)


def _claim_principal(ctx: CallContext, directory: Directory, name: str, own: Dn | None = None) -> None:
    hold_principal_name(ctx, directory, name)
    account, _, suffix = name.rpartition("@")
    if account and suffix:
        hold_suffix(ctx, suffix, shared=True)
    others = [Filter.eq("userPrincipalName", name)]
    if account and fold(suffix) == fold(domain_of(directory.base)):
        others.append(Filter.eq("sAMAccountName", account))
    elif not account:  # without a suffix it is an account's name alone
        others.append(Filter.eq("sAMAccountName", name))
    if not _is_free(directory, *others, own=own):
        raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"The user principal name '{name}' is in use.")


def _may_have(ctx: CallContext, directory: Directory, name: str) -> bool:
    """Whether nobody has the name, nor is about to take it."""
    try:
        hold_account_name(ctx, directory, name)
    except MpfError as error:
        if error.code != Code.LOCK_VIOLATION:
            raise
        return False
    return _is_free(directory, Filter.eq("sAMAccountName", name), _implied(directory, name))


def _is_free(directory: Directory, *others: Filter, own: Dn | None = None) -> bool:
    found = directory.search(directory.base, Scope.SUBTREE, Filter.or_(*others), ["objectClass"], limit=2)
    return all(entry.dn == own for entry in found)


def _implied(directory: Directory, account: str) -> Filter:
    """Who has, as a user principal name, the one that every account has by its account name, or that name alone."""
    implied = Filter.eq("userPrincipalName", f"{account}@{domain_of(directory.base)}")
    return Filter.or_(implied, Filter.eq("userPrincipalName", account))


def _taken(name: str) -> MpfError:
    return MpfError(Code.OBJECT_ALREADY_EXISTS, f"The account name '{name}' is in use.")
