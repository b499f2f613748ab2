"""A right in a directory as data: what an account may do, at which objects, and which procedures need it.

From one table of these (`rights_table`) come the entries that give the rights (`rights_entries`), the commands of other
tools that do (`rights_text`), and what ``mpfctl directory check`` looks for (`check_rights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.parking import HOLDER
from mpf_directory.port import Directory
from mpf_directory.security_descriptor import AceFlag
from mpf_directory.seed_ocs import rtc_service


class Access(IntFlag):
    """Rights of directory objects ([MS-ADTS] 5.1.3.2)."""

    CREATE_CHILD = 0x1
    DELETE_CHILD = 0x2
    LIST = 0x4
    SELF = 0x8
    READ_PROP = 0x10
    WRITE_PROP = 0x20
    DELETE_TREE = 0x40
    LIST_OBJECT = 0x80
    CONTROL_ACCESS = 0x100
    READ_CONTROL = 0x20000
    WRITE_DAC = 0x40000


#: Rights with one word for all of them.
READ = Access.LIST | Access.READ_PROP | Access.LIST_OBJECT | Access.READ_CONTROL
ADMINISTER = (
    READ
    | Access.CREATE_CHILD
    | Access.DELETE_CHILD
    | Access.SELF
    | Access.WRITE_PROP
    | Access.DELETE_TREE
    | Access.CONTROL_ACCESS
)


class Place(Enum):
    """Where an entry is put."""

    HOSTING = "the Hosting unit"
    PARKED = "the unit for parked objects"
    GLOBAL_SETTINGS = "the global settings of Office Communications Server"

    def find(self, directory: Directory) -> Dn:
        """Its name in the directory, whether it is there or not."""
        match self:
            case Place.HOSTING:
                return layout.ORGANIZATIONS[0].dn(directory.base)
            case Place.PARKED:
                return directory.base.child("OU", HOLDER)
            case Place.GLOBAL_SETTINGS:
                # Whoever prepared the forest chose between the two (spec: ocs-provider-and-ad-schema.md, 3.6).
                services = directory.base.child("CN", "Configuration").child("CN", "Services")
                roots = (rtc_service(directory.base), services.child("CN", "RTC Service"))
                there = (root for root in roots if directory.read(root, ["objectClass"]) is not None)
                return next(there, roots[0]).child("CN", "Global Settings")


@dataclass(frozen=True, slots=True)
class Unit:
    """An object of its own right as a place: the unit of an organization."""

    dn: Dn

    @property
    def value(self) -> str:
        """How it is shown."""
        return f"'{self.dn}'"

    def find(self, _directory: Directory) -> Dn:
        """See `Place.find`."""
        return self.dn


class Reach(Enum):
    """At which objects an entry works: its value are the entry's flags of inheritance."""

    HERE = AceFlag(0)
    TREE = AceFlag.CONTAINER_INHERIT
    BELOW = AceFlag.CONTAINER_INHERIT | AceFlag.INHERIT_ONLY


@dataclass(frozen=True, slots=True)
class Right:
    """One entry: ``access`` to ``about`` (an attribute, a class of children, an extended right; empty is all of them).

    It works at ``place`` as far as ``reach`` says; below it only at objects of the class ``of``, if one is given. With
    ``denied`` it takes the right away, whatever other entry there gives it.
    """

    access: Access
    place: Place | Unit
    about: str = ""
    of: str = ""
    reach: Reach = Reach.TREE
    denied: bool = False

    @property
    def words(self) -> str:
        """The kind of access."""
        return _WORDS[self.access]

    def __str__(self) -> str:
        """In words: ``write member of group objects below the Hosting unit``."""
        what = f" {self.about}" if self.about else ""
        objects = f" of {self.of} objects" if self.of else ""
        where = {Reach.HERE: "at", Reach.TREE: "at and below", Reach.BELOW: "below"}[self.reach]
        return f"{'no right to ' if self.denied else ''}{self.words}{what}{objects} {where} {self.place.value}"


_WORDS = {
    READ: "read",
    ADMINISTER: "administer",
    Access.CREATE_CHILD: "create",
    Access.DELETE_CHILD: "delete",
    Access.WRITE_PROP: "write",
    Access.CONTROL_ACCESS: "use",
    Access.WRITE_DAC: "change the access control list",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Rights with one reason: ``why`` goes on after "the service account can". ``procedures`` want them."""

    why: str
    procedures: tuple[str, ...]
    rights: tuple[Right, ...]
    #: Wanted only where `directory.impersonation` is ``policy``.
    policy_only: bool = False
