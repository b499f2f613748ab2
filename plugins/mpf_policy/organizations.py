"""What the directory says about administrators: who administers the domain, and who an organization.

Every organization has otherWellKnownObjects entries that point at its groups: UserCreators at that of its administrators,
Admins@<organization>, and ChildOrgCreators at that of its customer service representatives, CSRAdmins@<organization>
(spec: helpers-and-ad-providers.md, 2.7, 2.11, 2.19).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn, DnForm
from mpf_directory.filters import Filter
from mpf_directory.layout import RESELLER_ADMINS, Kind, WellKnown, type_of
from mpf_directory.operations import guid_of
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.sids import sid_to_text

_BUILTIN_ADMINISTRATORS = "S-1-5-32-544"
_DOMAIN_ADMINS = 512
_TYPE = WellKnown.ORG_TYPE


@dataclass(frozen=True, slots=True)
class Organization:
    """A container of the Hosting tree.

    ``is_unit`` is false for one that is no organizational unit, and so no organization; ``admins`` are the SIDs of the
    administrators' group; ``creates_organizations`` holds for the Hosting unit and for resellers; ``csr_groups`` are the
    groups of its customer service representatives, whose SIDs are read when somebody asks (`Organizations.csrs`).
    """

    is_unit: bool
    admins: frozenset[str] = frozenset()
    creates_organizations: bool = False
    csr_groups: tuple[Dn, ...] = ()


class DomainAdmins:
    """SIDs of the groups that administer the domain: its RID-512 group and BUILTIN Administrators.

    They are the same for as long as the domain exists, so they are read once.
    """

    def __init__(self) -> None:
        self._sids: frozenset[str] = frozenset()

    def of(self, directory: Directory) -> frozenset[str]:
        """Those of the directory's domain; the group of its own counts only where the domain's SID can be read."""
        if not self._sids:
            domain = directory.read(directory.base, ["objectSid"])
            sid = domain.octets("objectSid") if domain else None
            if sid is None:
                return frozenset({_BUILTIN_ADMINISTRATORS})
            self._sids = frozenset({_BUILTIN_ADMINISTRATORS, f"{sid_to_text(sid)}-{_DOMAIN_ADMINS}"})
        return self._sids


class Organizations:
    """Organizations and their administrators, read once each: for one transaction, bound as the operator.

    An organization that does not exist yet is not remembered, because the transaction may be about to create it.
    """

    def __init__(self, directory: Directory, hosting_ou: str, domain_admins: DomainAdmins) -> None:
        self.directory = directory
        self._domain_admins = domain_admins
        self.hosting = directory.base.child("OU", hosting_ou)
        self._known: dict[Dn, Organization] = {}
        self._group_sids: dict[Dn, str] = {}

    def keep_groups(self, earlier: Organizations) -> None:
        """Take over what ``earlier`` knows of the groups: a SID stays, and which group counts is read anew.

        Only where the transaction itself has changed nothing since then.
        """
        self._group_sids.update(earlier._group_sids)

    def domain_admins(self) -> frozenset[str]:
        """See `DomainAdmins`."""
        return self._domain_admins.of(self.directory)

    @property
    def base(self) -> Dn:
        """The domain's name."""
        return self.directory.base

    def innermost(self, target: Dn) -> Dn | None:
        """The innermost organization with administrators that holds ``target``, or is it; ``None`` without one.

        Only one that an organization owns which creates some: what an organization has, such as pools and suffixes, counts.
        """
        units = self._units(target)
        return next((place for place, organization in units if organization.admins and self._is_owned(place)), None)

    def csrs(self, organization: Organization) -> frozenset[str]:
        """The SIDs of the groups of the organization's customer service representatives."""
        return frozenset(sid for sid in map(self._group_sid, organization.csr_groups) if sid)

    def is_among(self, target: Dn, admins: frozenset[str]) -> bool:
        """Whether ``target`` is one of the groups ``admins``, one of those that administer the domain or any reseller, or a
        member of such a one, in whatever way.
        """
        entry = self.directory.read(target, ["objectClass", "objectSid", "tokenGroups"])
        if entry is None:
            return False
        own = [*entry.values("objectSid"), *entry.values("tokenGroups")]
        if _is_a(entry, "user") and not entry.values("tokenGroups"):
            return True  # whose groups cannot be read may be anybody
        held = {sid_to_text(value) for value in own if isinstance(value, bytes)}
        gathering = self._group_sid(self.hosting.child("CN", "_Private").child("CN", RESELLER_ADMINS))
        return bool(held & (admins | self.domain_admins() | {gathering}))

    def pointed_at(self, organization: Dn, what: WellKnown) -> list[Dn]:
        """What the organization's otherWellKnownObjects point at as ``what``."""
        entry = self.directory.read(organization, ["otherWellKnownObjects"])
        return _pointers(entry).get(what.value, []) if entry is not None else []

    def find(self, target: Dn) -> tuple[Dn, UUID | None] | None:
        """The name by path and the objectGUID of an object that was named in any way; ``None`` if that leads nowhere."""
        entry = self.directory.read(target, ["objectGUID"])
        return None if entry is None else (entry.dn, guid_of(entry))

    def around(self, target: Dn) -> Iterator[Organization]:
        """The organizations that hold ``target``, from the innermost to the Hosting one; nothing outside of Hosting.

        Itself counts if it is one. Organizations are organizational units in the places where they are created: other
        containers and other units never are, even where somebody managed to give them the entries of one. A unit's name
        begins with ``OU=``, so nothing else is read.
        """
        return (organization for _, organization in self._units(target))

    def is_organization(self, place: Dn) -> bool:
        """Whether it is an organization itself, and no other unit of the Hosting tree."""
        return self.innermost(place) == place

    def is_entered(self, organization: Dn) -> bool:
        """Whether the groups of its administrators, which lie in it, are members of a group of the Hosting organization's
        own, as CreateOrganization makes them. No tenant may write there, so no tenant can make such a unit with other tools;
        but its entry may point at the group of another one.
        """
        private = self.hosting.child("CN", "_Private")
        admins = self.pointed_at(organization, WellKnown.USER_CREATORS)
        wanted = [Filter.and_(Filter.eq("objectClass", "group"), Filter.eq("member", str(group))) for group in admins]
        own = all(group.is_within(organization) for group in admins)
        return own and all(found_in(self.directory, private, Scope.SUBTREE, one, "objectClass") for one in wanted)

    def with_suffixes(self, wanted: Filter) -> dict[Dn, frozenset[str]]:
        """The organizations whose uPNSuffixes fit, each with all of its own in lower case; other units do not count."""
        found = found_in(self.directory, self.hosting, Scope.SUBTREE, wanted, "uPNSuffixes")
        return {
            entry.dn: frozenset(str(value).lower() for value in entry.values("uPNSuffixes"))
            for entry in found
            if self.is_organization(entry.dn)
        }

    def _units(self, target: Dn) -> Iterator[tuple[Dn, Organization]]:
        place: Dn | None = target
        while place is not None and place.is_within(self.hosting):
            found = self._at(place) if self._may_be_organization(place) else None
            if found is not None and found.is_unit:
                yield place, found
            place = place.parent

    def _at(self, place: Dn) -> Organization | None:
        found = self._known.get(place) or self._read(place)
        if found is not None:
            self._known[place] = found
        return found

    def _read(self, dn: Dn) -> Organization | None:
        entry = self.directory.read(dn, ["objectClass", "otherWellKnownObjects"])
        return self._organization(entry) if entry is not None else None

    def _organization(self, entry: Entry) -> Organization:
        dn = entry.dn
        if not _is_a(entry, "organizationalUnit"):
            return Organization(is_unit=False)
        pointers = _pointers(entry)
        reseller = dn.parent == self.hosting and self._is_reseller(pointers.get(_TYPE.value, []))
        admins = [self._group_sid(group) for group in pointers.get(WellKnown.USER_CREATORS.value, ())]
        csr_groups = tuple(pointers.get(WellKnown.CHILD_ORG_CREATORS.value, ()))
        return Organization(True, frozenset(sid for sid in admins if sid), reseller or dn == self.hosting, csr_groups)

    def _may_be_organization(self, dn: Dn) -> bool:
        """Whether it lies where organizations are created: in the Hosting unit or in a unit directly below that.

        What a customer's administrators make in their own unit is none, whatever entries they give it.
        """
        if dn.form is not DnForm.NAME or not dn.rdns or dn.rdn.type.upper() != "OU":
            return False
        above = (dn, dn.parent, dn.parent.parent if dn.parent is not None else None)
        return self.hosting in above

    def _is_owned(self, place: Dn) -> bool:
        """Whether it is the Hosting organization, or lies directly in that or in a reseller."""
        owner = place.parent
        return self.hosting in (place, owner) or (owner is not None and self._is_reseller(self.pointed_at(owner, _TYPE)))

    def _is_reseller(self, types: list[Dn]) -> bool:
        return types == [type_of(self.hosting, Kind.RESELLER)]

    def _group_sid(self, dn: Dn) -> str | None:
        if dn not in self._group_sids:
            entry = self.directory.read(dn, ["objectClass", "objectSid"])
            sid = entry.octets("objectSid") if entry and _is_a(entry, "group") else None
            if sid is None:
                return None
            self._group_sids[dn] = sid_to_text(sid)
        return self._group_sids[dn]


def found_in(directory: Directory, base: Dn, scope: Scope, wanted: Filter, attribute: str) -> list[Entry]:
    """What is found there, with one attribute; nothing where ``base`` is not there."""
    try:
        return list(directory.search(base, scope, wanted, [attribute]))
    except MpfError as error:
        if error.code != Code.NO_SUCH_OBJECT:
            raise
        return []


def _is_a(entry: Entry, class_name: str) -> bool:
    return any(isinstance(value, str) and value.casefold() == class_name.casefold() for value in entry.values("objectClass"))


def _pointers(entry: Entry) -> dict[str, list[Dn]]:
    """otherWellKnownObjects (``B:32:<GUID>:<DN>``) by GUID, upper case."""
    found: dict[str, list[Dn]] = {}
    for value in entry.values("otherWellKnownObjects"):
        parts = value.split(":", 3) if isinstance(value, str) else []
        try:
            _, _, guid, dn = parts
            found.setdefault(UUID(hex=guid).hex.upper(), []).append(Dn.parse(dn))
        except (ValueError, MpfError):
            continue  # not in the form, so it points at nothing
    return found
