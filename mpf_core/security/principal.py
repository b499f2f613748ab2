"""Callers, as the host gives them, and principals, as the directory knows them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password. The password is in no ``repr``."""

    username: str
    password: str = field(repr=False)
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, as the embedding host knows it.

    ``name`` is a UPN (``user@domain``), ``DOMAIN\\sam``, a distinguished name or a SID. ``credentials`` are there where
    the host has them and wants calls to run with them. ``asserted_by`` says who vouches for the name when nobody
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
