"""Callers, as the host gives them, and principals, as the directory knows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password. The password is in no ``repr``."""

    username: str
    password: str = field(repr=False)
    domain: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log, error or trace may show of them."""
        return (self.password,) if self.password else ()


@dataclass(frozen=True, slots=True)
class Ticket(Credentials):
    """A Kerberos ticket in place of a password: where it lies, or the credentials that a host was handed. In no ``repr``.

    ``cache`` is a credential cache (``FILE:/run/panel/krb5cc_4711``); ``delegated`` a ``gssapi.Credentials`` that a host has
    got from its client; ``keytab`` a file with the account's keys, to get tickets with. Without any of them it is what
    Kerberos finds by itself: the cache of ``kinit`` and ``KRB5CCNAME``, or the keytab in ``KRB5_CLIENT_KTNAME``.

    Whose ticket it is, is asked of the server that it is shown to; ``sid`` is what the server once said, and must say each
    time. Only the same object, or one made of it by ``replace``, shares connections: what a cache holds may change.
    """

    username: str = field(default="", init=False, repr=False)
    password: str = field(default="", init=False, repr=False)
    domain: str = field(default="", init=False, repr=False)
    cache: str | None = field(default=None, repr=False)
    delegated: object = field(default=None, repr=False)
    keytab: str = field(default="", repr=False)
    sid: str = ""
    serial: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for an empty name, with which a host would act by its own ticket instead of its client's."""
        if self.cache is not None and not self.cache.strip():
            raise ValueError("the name of the credential cache is empty")

    @property
    def secrets(self) -> tuple[str, ...]:
        """See `Credentials.secrets`: the name of a cache is all that is needed to use it."""
        return (self.cache,) if self.cache else ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, as the embedding host knows it.

    ``name`` is a UPN (``user@domain``), ``DOMAIN\\sam``, a distinguished name or a SID. ``credentials`` are there where
    the host has them and wants calls to run with them. With a `Ticket` the name may be empty, since the directory
    says whose it is; a name that is given has to be that. ``asserted_by`` says who vouches for the name when nobody
    authenticated it (the operating system's user, for ``mpfctl submit --as``).
    """

    name: str
    credentials: Credentials | None = None
    asserted_by: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller who was looked up: one directory object.

    ``guid`` is the objectGUID in text form, ``groups`` the SIDs of all groups, transitive and primary ones included.
    """

    name: str
    sid: str = ""
    dn: str = ""
    guid: str = ""
    groups: frozenset[str] = frozenset()
    credentials: Credentials | None = None
    asserted_by: str = ""
