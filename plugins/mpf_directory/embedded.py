"""The embedded directory: one SQLite file that behaves as Active Directory does in what the procedures use.

For trial, tests and small sites. It has no access control lists: whoever opens it may do everything. It is no LDAP server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from mpf_core.errors import ConfigError
from mpf_directory import embedded_accounts as accounts
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.embedded_builtin import build_domain
from mpf_directory.embedded_names import find, require
from mpf_directory.embedded_read import load
from mpf_directory.embedded_search import search_ids
from mpf_directory.embedded_store import Store, check_format, create_tables
from mpf_directory.embedded_write import Writer
from mpf_directory.filters import Filter
from mpf_directory.port import Entry, Modification, Scope, Value
from mpf_directory.schema import default_schema

_PAGE = 200


class EmbeddedDirectory:
    """A `port.Directory` in one file. Threads may share one; processes may open the same file at the same time.

    ``server`` is the name it answers to as a domain controller, ``base`` the domain. Besides the port's errors, what
    SQLite reports becomes an MpfError: BUSY after half a minute of waiting, DISK_FULL, FILE_CORRUPT, SERVER_DOWN.
    """

    has_acls = False

    def __init__(self, path: Path, *, server: str | None = None, base: Dn | None = None) -> None:
        """Open an existing file; what is not given is what the file was created with.

        Raises ConfigError when there is no such file, or when it holds another domain than ``base``.
        """
        if not path.is_file():
            raise ConfigError(f"there is no embedded directory at {path}")
        self._schema = default_schema()
        self._store = Store(path)
        try:
            with self._store.reading() as db:
                check_format(db, path)
                created = dict(db.execute("SELECT name, data FROM domain"))
        except BaseException:
            self._store.close()
            raise
        self.server: str = server or created["server"]
        self.base = Dn.parse(created["base"])
        if base is not None and base != self.base:
            self._store.close()
            raise ConfigError(f"the embedded directory {path} holds {self.base}, not {base}")

    @classmethod
    def create(cls, path: Path, *, server: str = layout.SERVER, base: Dn = layout.BASE) -> EmbeddedDirectory:
        """Make a new file with an empty domain: its head, its well-known containers and its built-in accounts.

        Raises ConfigError when the file exists and is not empty, or cannot be written.
        """
        store = Store.create(path)
        try:
            with store.writing() as db:
                create_tables(db)
                build_domain(db, default_schema(), base, server)
        finally:
            store.close()
        return cls(path)

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`. ``tokenGroups`` and the like are computed when they are named."""
        with self._store.reading() as db:
            number = find(db, dn)
            if number is None:
                return None
            return load(db, self._schema, [number], attributes)[0]

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - the port's name for it
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `port.Directory.search`. Who matches is settled by the call; many entries are read while they are taken."""
        with self._store.reading() as db:
            numbers = search_ids(db, self._schema, require(db, base), scope, filter, limit=limit)
            first = load(db, self._schema, numbers[:_PAGE], attributes) if numbers else []
        return chain(first, self._entries(numbers[_PAGE:], tuple(attributes)))

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        """See `port.Directory.add`. objectGUID, objectSid, sAMAccountName and other defaults are generated."""
        with self._writing() as writer:
            writer.add(dn, attributes)

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """See `port.Directory.modify`."""
        with self._writing() as writer:
            writer.modify(dn, modifications)

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        with self._writing() as writer:
            writer.delete(dn)

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`."""
        with self._writing() as writer:
            writer.rename(dn, new_dn)

    def verify_password(self, dn: Dn, password: str) -> bool:
        """Whether ``password`` is the account's, and the account is not disabled. Raises NO_SUCH_OBJECT.

        It takes as long for an account that is not there, or has no password.
        """
        with self._store.reading() as db:
            right = accounts.may_log_on(db, find(db, dn), password)
            require(db, dn)
        return right

    def close(self) -> None:
        """Close the file; later operations raise SERVER_DOWN."""
        self._store.close()

    def __enter__(self) -> EmbeddedDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entries(self, numbers: Sequence[int], attributes: Sequence[str]) -> Iterator[Entry]:
        for start in range(0, len(numbers), _PAGE):
            with self._store.reading() as db:
                page = load(db, self._schema, numbers[start : start + _PAGE], attributes)
            yield from page

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        with self._store.writing() as db:
            yield Writer(db, self._schema, self.base)
