"""Which objects the arguments of a transaction's calls meant when they were authorized: each text is resolved once."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from mpf_directory.dn import Dn
from mpf_policy.organizations import Organizations


class Names:
    """Of one transaction. The object that an argument's text stood for when its call was authorized, it stands for until
    the end; where that object is, every call looks anew, because it is authorized by that.

    Objects that were not there are not remembered: the transaction may be about to create them.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Dn, UUID | None]] = {}
        self._settled: set[str] = set()

    def unsettle(self) -> None:
        """Something may have been moved since: where objects are is looked up again."""
        self._settled.clear()

    def resolve(self, target: Dn, text: str, organizations: Organizations) -> Dn:
        """The name by path of the object that ``text``, read as ``target``, stands for; ``target`` where there is none."""
        known = self._known.get(text)
        if known is None or text not in self._settled:
            known = organizations.find(Dn.by_guid(known[1]) if known is not None and known[1] is not None else target)
            if known is None:
                return target
            self._known[text] = known
            self._settled.add(text)
        return known[0]

    def objects(self, text: str) -> Iterator[tuple[Dn, Dn]]:
        """What stands for the object that ``text`` was authorized for, however it is called now, and what it was called
        then; nothing without one.
        """
        dn, guid = self._known.get(text, (None, None))
        if dn is not None:
            yield (Dn.by_guid(guid) if guid is not None else dn), dn
