"""Which objects the arguments of a transaction's calls mean: each text stands for one object for as long as a call runs."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from mpf_directory.dn import Dn, DnForm
from mpf_directory.locking import renamed_meanwhile
from mpf_directory.memory import Memory
from mpf_policy.organizations import Organizations


class Names:
    """Of one transaction. The object that an argument's text stood for when its call was authorized, it stands for until
    that call has ended; where that object is, every call looks anew, because it is authorized by that.

    Another object may have the name by the request's next call, which is then authorized for that one. For what a running
    call calls there is no such change: it was authorized for the first one.

    Objects that were not there are not remembered: the transaction may be about to create them.
    """

    def __init__(self, memory: Memory) -> None:
        """``memory`` is the transaction's: it is told, for those who read what these names stand for."""
        self._memory = memory
        self._known: dict[str, tuple[Dn, UUID | None]] = {}
        self._settled: set[str] = set()

    def unsettle(self) -> None:
        """Something may have been moved since: where objects are is looked up again."""
        self._settled.clear()

    def resolve(self, target: Dn, text: str, organizations: Organizations, *, nested: bool) -> Dn:
        """The name by path of the object that ``text``, read as ``target``, stands for; ``target`` where there is none.

        Raises LOCK_VIOLATION where the text leads to another object by now, and the call is ``nested`` in another one.
        """
        known = self._known.get(text)
        if known is not None and text in self._settled:
            return known[0]
        found = organizations.find(target)
        if known is not None and known[1] is not None:
            if found is None:
                found = organizations.find(Dn.by_guid(known[1]))
            elif nested and found[1] != known[1]:
                raise renamed_meanwhile(known[0])
        if found is None:
            return target
        self._known[text] = found
        self._settled.add(text)
        if found[1] is not None:
            self._memory.authorized[found[0]] = found[1]
            if target.form is DnForm.WKGUID:  # an entry of its container, which others may point elsewhere
                self._memory.authorized[target] = found[1]
        return found[0]

    def objects(self, text: str) -> Iterator[tuple[Dn, Dn]]:
        """What stands for the object that ``text`` was authorized for, however it is called now, and what it was called
        then; nothing without one.
        """
        dn, guid = self._known.get(text, (None, None))
        if dn is not None:
            yield (Dn.by_guid(guid) if guid is not None else dn), dn
