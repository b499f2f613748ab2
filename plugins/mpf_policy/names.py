"""Which objects the arguments of a transaction's calls meant when they were authorized: each text is resolved once."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from mpf_directory.dn import Dn
from mpf_policy.organizations import Organizations


class Names:
    """Of one transaction. What an argument's text stood for when its call was authorized, it stands for until the end.

    Objects that were not there are not remembered: the transaction may be about to create them.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Dn, UUID | None]] = {}

    def resolve(self, target: Dn, text: str, organizations: Organizations) -> Dn:
        """The name by path of the object that ``text``, read as ``target``, stands for; ``target`` where there is none."""
        known = self._known.get(text)
        if known is None:
            known = organizations.find(target)
            if known is None:
                return target
            self._known[text] = known
        return known[0]

    def objects(self, text: str) -> Iterator[Dn]:
        """What stands for the object that ``text`` was authorized for, however it is called now; nothing without one."""
        dn, guid = self._known.get(text, (None, None))
        if guid is not None:
            yield Dn.by_guid(guid)
        elif dn is not None:
            yield dn
