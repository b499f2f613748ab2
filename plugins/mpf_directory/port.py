"""The directory port: all that the providers may ask of a directory, small and typed, so that the library can be replaced.

Values are ``str`` for text syntaxes (booleans are ``TRUE``/``FALSE``, integers decimal, as LDAP has them) and ``bytes`` for
the octet-string attributes named in `mpf_directory.schema`. Errors are `MpfError` with the HRESULT that ADSI maps the
LDAP result to, and the server's own text in the description.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Protocol, TypeAlias

from mpf_core.attempts import Attempt
from mpf_core.security.identity import Identity
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.memory import Memory

Value: TypeAlias = str | bytes


class Scope(Enum):
    """How deep a search goes."""

    BASE = "base"
    ONE_LEVEL = "one"
    SUBTREE = "sub"


class ModifyOp(Enum):
    """The three LDAP modify operations; REPLACE with no values removes the attribute."""

    ADD = "add"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Modification:
    """One part of a modify; all parts of one modify happen or none does."""

    attribute: str
    op: ModifyOp
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One object that was read. Attribute names are looked up without regard to case."""

    dn: Dn
    attributes: Mapping[str, tuple[Value, ...]]

    def values(self, attribute: str) -> tuple[Value, ...]:
        """All values of ``attribute``; empty when it is absent."""
        wanted = attribute.lower()
        for name, values in self.attributes.items():
            if name.lower() == wanted:
                return values
        return ()

    def text(self, attribute: str) -> str | None:
        """The first value as text, or ``None``."""
        values = self.values(attribute)
        return values[0] if values and isinstance(values[0], str) else None

    def octets(self, attribute: str) -> bytes | None:
        """The first value as bytes, or ``None``."""
        values = self.values(attribute)
        return values[0] if values and isinstance(values[0], bytes) else None


class Directory(Protocol):
    """A directory, bound as one identity."""

    #: Domain controller in use, as a DNS name (``AD01.Fabrikam.com``).
    server: str
    #: The domain's naming context (``DC=Fabrikam,DC=Com``).
    base: Dn
    #: False where access control lists do not exist (the embedded directory).
    has_acls: bool

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """The object with that DN (also ``<GUID=...>``), or ``None``. No attributes named: all ordinary ones.

        Complete or nothing: a ranged value is read to its end.
        """
        ...

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Objects that match, paged behind the scenes. NO_SUCH_OBJECT when ``base`` does not exist."""
        ...

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        """Create an object. ``attributes`` holds objectClass."""
        ...

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """Change an object atomically."""
        ...

    def delete(self, dn: Dn) -> None:
        """Delete an object that has no children."""
        ...

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """Rename or move an object with all its children."""
        ...


class Directories(Protocol):
    """The service that other plugins look up: directories by identity and domain controller."""

    def open(self, identity: Identity, server: str | None = None, *, deadline: float | None = None) -> Directory:
        """A directory bound as ``identity`` at ``server`` (a preferredDomainController), or at the default one.

        ``deadline`` is a reading of `time.monotonic`: after it no operation is begun, and no read waits any longer.

        Raises E_ACCESSDENIED for a server that the configuration does not name, before any connection, and
        SERVER_DOWN when it does not answer: never a silent fall-back.
        """
        ...

    def service(self, *, deadline: float | None = None) -> Directory:
        """The directory bound as the operator's own account, at the operator's own server: for role look-ups."""
        ...

    def account(self, identity: Identity) -> Hashable:
        """Whom `open` binds as for that identity; ``None`` is the operator's own account, as for `service`.

        Identities that it is equal for see the same of a directory.
        """
        ...

    def memory(self, transaction_id: str) -> Memory:
        """What that transaction has read so far, for `caching.RememberingDirectory`. Whoever uses it holds it."""
        ...

    def attempt(self, account: str) -> Attempt:
        """Note that a password of the account with that objectGUID is tried; say then what became of it.

        Raises E_ACCESSDENIED after too many wrong ones, and STORE_UNAVAILABLE.
        """
        ...

    def verify_password(self, dn: Dn, password: str, server: str | None = None) -> bool:
        """Whether the account ``dn`` can log on with ``password`` at ``server``, or at the operator's own one.

        Raises E_ACCESSDENIED after too many wrong ones, and what `open` does for a server.
        """
        ...


class Section(IntFlag):
    """Parts of a security descriptor, as the control of Active Directory numbers them (LDAP_SERVER_SD_FLAGS)."""

    OWNER = 1
    GROUP = 2
    DACL = 4
    SACL = 8


class SecurityDescriptors(Protocol):
    """What a `Directory` can do besides where `Directory.has_acls` is true; `security_descriptor` reads the octets."""

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """These parts of the object's descriptor, or ``None`` when there is no such object.

        Raises E_ACCESSDENIED when the account may not read them: a SACL needs the right to manage auditing.
        """
        ...

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """Replace these parts of the object's descriptor; inherited entries are the directory's own business."""
        ...

    def account_sids(self) -> frozenset[str]:
        """The SIDs by which the directory decides what the bound account may do: its own, and those of its groups."""
        ...
