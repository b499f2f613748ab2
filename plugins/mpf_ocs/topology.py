"""Where Office Communications Server keeps what the forest shares: the RTC Service container, pools and policies.

Spec: ocs-provider-and-ad-schema.md, 2.5, 3.5, 3.6 and 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from mpf_core import xml
from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.results import no_such_object
from mpf_ocs import user_policy

POOL_SERVICE = "msRTCSIP-PoolService"
_POOL_SERVICES = (POOL_SERVICE, "msRTCSIP-MCUFactoryService", "msRTCSIP-WebComponentsService")

#: Between the domain and CN=RTC Service: System is where OCS 2007 keeps it, Configuration the default of R2.
_ROOTS = (("System", "Microsoft"), ("Configuration", "Services"))
_POLICY_ATTRIBUTES = ["cn", "msRTCSIP-PolicyContent"]


def rtc_service(directory: Directory) -> Dn:
    """The RTC Service container. Raises NO_SUCH_OBJECT where Office Communications Server was never prepared."""
    for root in _rtc_services(directory):
        if directory.read(root, ["objectClass"]) is not None:
            return root
    raise MpfError(
        Code.NO_SUCH_OBJECT, "The forest is not prepared for Office Communications Server: no 'RTC Service' container."
    )


def global_settings(directory: Directory) -> Dn:
    """The container of the settings of the whole forest. Raises NO_SUCH_OBJECT without one."""
    container = rtc_service(directory).child("CN", "Global Settings")
    if directory.read(container, ["objectClass"]) is None:
        raise no_such_object(container)
    return container


def pools(directory: Directory, wanted: Filter | None = None) -> list[Entry]:
    """The pools, those that match ``wanted`` where it is given. None at all is an empty list."""
    is_pool = Filter.eq("objectClass", "msRTCSIP-Pool")
    sought = Filter.and_(is_pool, wanted) if wanted else is_pool
    # Where it usually is, first: whether a container exists is asked only when a search below it says that it may not.
    usual = next(_rtc_services(directory)).child("CN", "Pools")
    found = _search(directory, usual, Scope.ONE_LEVEL, sought)
    if found is None:
        container = rtc_service(directory).child("CN", "Pools")
        found = _search(directory, container, Scope.ONE_LEVEL, sought) if container != usual else None
    return found or []


def pool_by_fqdn(directory: Directory, fqdn: str) -> Entry:
    """The pool with that FQDN. Raises NO_SUCH_OBJECT without one."""
    found = pools(directory, Filter.eq("dNSHostName", fqdn))
    if not found:
        raise MpfError(Code.NO_SUCH_OBJECT, f"There is no pool '{fqdn}'.")
    return found[0]


def pool_services(directory: Directory, pool: Entry) -> list[Entry]:
    """The services of a pool, of every kind, with all their attributes; one of them is what users are homed on."""
    kinds = Filter.or_(*(Filter.eq("objectClass", kind) for kind in _POOL_SERVICES))
    return list(directory.search(pool.dn, Scope.SUBTREE, kinds))


def trusted_service(directory: Directory, pool: Entry, type_: str) -> Dn | None:
    """The trusted service of that type which the pool refers to: its type is written exactly so (spec: 3.4)."""
    for _, dn in user_policy.parse_all(pool.values("msRTCSIP-TrustedServiceLinks")):
        service = directory.read(dn, ["msRTCSIP-TrustedServiceType"])
        if service is not None and service.text("msRTCSIP-TrustedServiceType") == type_:
            return service.dn
    return None


def home_server(directory: Directory, text: str) -> Dn:
    """The DN of a home server, as the directory spells it.

    Raises NO_SUCH_OBJECT when there is no such object, E_INVALIDARG when it is no pool service (spec: 3.1).
    """
    entry = directory.read(Dn.parse(text), ["objectClass"])
    if entry is None:
        raise MpfError(Code.NO_SUCH_OBJECT, f"There is no home server '{text}'.")
    if not has_class(entry, POOL_SERVICE):
        raise MpfError(Code.E_INVALIDARG, f"'{text}' is no pool service, so that it cannot be a home server.")
    return entry.dn


def policy_by_name(directory: Directory, name: str, type_: str) -> Dn:
    """The policy of ``type_`` (``meeting`` or ``telephony``) with that name, without regard to case.

    Raises NO_SUCH_OBJECT without one, INVALID_OPERATION when several have the name.
    """
    found = [entry for entry in _policies(directory, type_) if policy_name(entry).casefold() == name.casefold()]
    if not found:
        raise MpfError(Code.NO_SUCH_OBJECT, f"There is no {type_} policy '{name}'.")
    if len(found) > 1:
        raise MpfError(Code.INVALID_OPERATION, f"{len(found)} {type_} policies are called '{name}'.")
    return found[0].dn


def policy_names(directory: Directory, type_: str) -> list[str]:
    """The names of all policies of ``type_`` (``meeting`` or ``telephony``), sorted without regard to case."""
    return sorted({policy_name(entry) for entry in _policies(directory, type_)}, key=str.casefold)


def policy_name(entry: Entry) -> str:
    """A policy's name: what its content says, or the object's own name where the content says none (spec: 2.5)."""
    content = entry.text("msRTCSIP-PolicyContent")
    named = _name_in(content) if content else None
    return named or entry.text("cn") or entry.dn.rdn.value


def read_policy(directory: Directory, dn: Dn) -> Entry | None:
    """A policy with what `policy_name` needs, or ``None`` when it is gone."""
    return directory.read(dn, _POLICY_ATTRIBUTES)


def has_class(entry: Entry, name: str) -> bool:
    """Whether the object is of that class."""
    return any(str(value).casefold() == name.casefold() for value in entry.values("objectClass"))


def instance_id(entry: Entry) -> str | None:
    """The objectGUID as the InstanceID of the WMI classes: upper case, in braces (spec: part 2)."""
    octets = entry.octets("objectGUID")
    return braced(UUID(bytes_le=octets)) if octets else None


def braced(guid: UUID) -> str:
    """A GUID as Office Communications Server writes it: upper case, in braces."""
    return "{" + str(guid).upper() + "}"


def _policies(directory: Directory, type_: str) -> list[Entry]:
    wanted = Filter.and_(Filter.eq("objectClass", "msRTCSIP-GlobalUserPolicy"), Filter.eq("msRTCSIP-PolicyType", type_))
    found = _search(directory, next(_rtc_services(directory)), Scope.SUBTREE, wanted, _POLICY_ATTRIBUTES)
    if found is None:
        found = list(directory.search(rtc_service(directory), Scope.SUBTREE, wanted, _POLICY_ATTRIBUTES))
    return found


def _rtc_services(directory: Directory) -> Iterator[Dn]:
    """Where the RTC Service container may be, the usual place first."""
    return (directory.base.child("CN", outer).child("CN", inner).child("CN", "RTC Service") for outer, inner in _ROOTS)


def _search(
    directory: Directory, base: Dn, scope: Scope, wanted: Filter, attributes: Sequence[str] = ()
) -> list[Entry] | None:
    """What is found, or ``None`` when there is nothing called ``base``."""
    try:
        return list(directory.search(base, scope, wanted, attributes))
    except MpfError as error:
        if error.code != Code.NO_SUCH_OBJECT:
            raise
        return None


def _name_in(content: str) -> str | None:
    """``<instance><property name="Name">...</property></instance>``; a content that is no XML names nothing."""
    try:
        instance = xml.parse(content, name="policy content")
    except MpfError:
        return None
    for item in instance.iterfind("property"):
        if item.get("name", "").casefold() == "name":
            return (item.text or "").strip() or None
    return None
