"""Where a referral leads: to a server of the configuration, or nowhere, so that no server chooses who gets credentials."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import unquote, urlsplit

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn
from mpf_directory.results import Result
from mpf_directory.settings import server_key


def referred_to(urls: Sequence[str], dn: Dn, servers: Collection[str], told_by: str) -> tuple[str, Dn]:
    """The `server_key` of the first configured server among ``urls`` (RFC 4516), and the name to go on with there.

    ``dn`` is the name that was asked for, and stays it where an URL has none. The server's address is the configured one:
    what an URL says about ports and schemes does not count. Raises REFERRAL when no server of ``servers`` is named.
    """
    for url in urls:
        host, name = _parts(url)
        for key in (server_key(host), server_key(_without_port(host))):
            if key in servers:
                return key, Dn.from_server(name) if name else dn
    raise MpfError(
        Result.REFERRAL,
        f"'{dn}': {told_by} refers to {', '.join(map(repr, urls)) or 'nowhere'}, which directory.servers does not name, so "
        "it is not followed.",
    )


def _parts(url: str) -> tuple[str, str]:
    """Host, with a port if there is one, and name; empty ones for what is no LDAP URL."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "", ""
    if parts.scheme.lower() not in {"ldap", "ldaps"}:
        return "", ""
    return parts.netloc.rpartition("@")[2], unquote(parts.path.removeprefix("/"))


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
