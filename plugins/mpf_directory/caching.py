"""What a transaction has read of the directory, so that it asks again only where the answer may have changed.

The rules, each stricter than it would have to be, because that is easier to be sure of:

* Nothing outlives its transaction, and nothing is answered to another account, or for another server, than it was read by.
  An account is whom a directory is bound as: where the operator's own acts for the caller, both see the same.
* What was not there is looked for again: the transaction may be about to create it, by ways that are not seen here. Not so
  what was asked for by a GUID or a SID, which nobody knows of an object that is not there yet.
* Any write of the transaction, whatever it changes and whoever it is done as, forgets everything: undo and commit too.
* So does any lock that the transaction takes for a change: what it protects may have changed before it was taken, and is
  read again. A lock that is shared, for something that is only relied on, does so unless no other transaction of the store
  can have ended meanwhile (`mpf_core.CallContext.stale`).
* Changes are applied, undone and committed on a directory that remembers nothing: they look first, and look for real.

What others change meanwhile is seen at the next lock. Whoever decides on something that may change locks it, and reads then.
Writers who are no transactions of the store exclude themselves from all this: of them nothing is known but what is read
again before a change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple, cast

from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn, DnForm
from mpf_directory.filters import Filter
from mpf_directory.memory import Memory
from mpf_directory.port import Directory, Entry, Scope

#: Read along with whatever is asked for, since a request's calls look at the same objects for one of these each.
_USUAL = ("distinguishedName", "objectClass", "objectGUID", "otherWellKnownObjects")
#: What stands for sets of attributes is remembered exactly as it was asked for.
_SPECIAL = frozenset("*+;")
#: Names that an object has from its beginning to its end, and no other object before or after it.
_IDENTIFIERS = frozenset({DnForm.GUID, DnForm.SID})
#: So much is kept of one answer: entries of a search, and values of all of them.
_MOST_ENTRIES, _MOST_VALUES = 100, 1500


class _Read(NamedTuple):
    """An object as it was read; ``attributes`` are in lower case."""

    entry: Entry
    attributes: frozenset[str]


class ForgettingDirectory(DelegatingDirectory):
    """Reads for real, and has the transaction forget when it writes: also an access list, which decides what can be seen."""

    def __init__(self, directory: Directory, memory: Memory) -> None:
        super().__init__(directory)
        self._memory = memory

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        super().delete(dn)
        self._memory.deleted()

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`."""
        super().rename(dn, new_dn)
        self._memory.renamed(dn, new_dn)

    def _write(self, effect: Callable[[], None]) -> None:
        try:
            effect()
        finally:
            # A write that failed may have been done all the same.
            self._memory.forget()


class RememberingDirectory(ForgettingDirectory):
    """Reads an object or runs a search once for as long as the transaction can know the answer."""

    def __init__(self, directory: Directory, memory: Memory, account: Hashable) -> None:
        """``account`` is whom ``directory`` is bound as: see `port.Directories.account`."""
        super().__init__(directory, memory)
        self._place = (account, directory.server)

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        wanted = frozenset(name.lower() for name in attributes)
        exactly = not attributes or any(_SPECIAL.intersection(name) for name in attributes)
        # Spelled as it is: whether two names are the same is for the directory to say.
        key = (self._place, str(dn), wanted if exactly else None)
        answers = self._memory.answers
        known = cast("_Read | None", answers.get(key))
        if known is None and key in answers:
            return None
        if known is not None and wanted <= known.attributes:
            return known.entry if exactly else _only(known.entry, wanted)
        # All that is known of an object comes from one read of it, so that its parts fit together.
        names = attributes if exactly else [*attributes, *_USUAL, *(known.attributes if known else ())]
        # The first spelling counts: servers answer with the one that they are asked with.
        spelled = dict(reversed([(name.lower(), name) for name in names]))
        entry = self._directory.read(dn, list(spelled.values()))
        if entry is None:
            answers.pop(key, None)
            if dn.form in _IDENTIFIERS:
                answers[key] = None
            return None
        if _is_small([entry]):
            for name in (dn, entry.dn):
                answers[self._place, str(name), key[-1]] = _Read(entry, frozenset(spelled))
        return entry if exactly else _only(entry, wanted)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `port.Directory.search`. Only short results are remembered."""
        key = (self._place, str(base), scope, filter, frozenset(name.lower() for name in attributes), limit)
        answers = self._memory.answers
        known = cast("list[Entry] | None", answers.get(key))
        if known is not None:
            return iter(known)
        found = self._directory.search(base, scope, filter, attributes, limit)
        first = list(islice(found, _MOST_ENTRIES + 1))
        if len(first) > _MOST_ENTRIES:
            return chain(first, found)
        if first and _is_small(first):
            answers[key] = first
        return iter(first)


def _only(entry: Entry, wanted: frozenset[str]) -> Entry:
    """The entry with these attributes only, as it would have been read."""
    return Entry(entry.dn, {name: values for name, values in entry.attributes.items() if name.lower() in wanted})


def _is_small(entries: Sequence[Entry]) -> bool:
    return sum(len(values) for entry in entries for values in entry.attributes.values()) <= _MOST_VALUES
