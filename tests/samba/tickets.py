"""Kerberos of the tests' domain controller: its configuration for clients, accounts with passwords, caches with tickets."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp, Value
from tests.samba.controller import Samba

PASSWORD = "Correct-horse-1-battery"
REALM = "FABRIKAM.COM"
#: Files of MIT Kerberos (version 4): two octets, the length of the header, tag 1 of 8 octets, and the clock's offset.
_OFFSET_AT = 8


def why_no_tickets() -> str:
    """What is missing to test with tickets; empty when nothing is."""
    missing = [] if importlib.util.find_spec("gssapi") else ["the Python package gssapi, which is built with libkrb5-dev"]
    missing += [] if shutil.which("kinit") else ["Debian's package krb5-user"]
    return f"missing: {' and '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Tickets:
    """Gets tickets from the controller, each into a cache of its own in ``folder``."""

    samba: Samba
    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "krb5.conf"

    def configure(self) -> None:
        """Write krb5.conf: no DNS, which does not know this domain."""
        self.configuration.write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n"
            "dns_canonicalize_hostname = false\nrdns = false\n"
            f"[realms]\n{REALM} = {{\nkdc = {self.samba.address}\n}}\n"
            f"[domain_realm]\n.fabrikam.com = {REALM}\n"
        )

    def get(self, account: str, password: str = PASSWORD) -> str:
        """``kinit``, with the environment's configuration. Returns the name of the cache."""
        cache = f"FILE:{self.folder / account}"
        subprocess.run(
            ["kinit", "-c", cache, f"{account}@{REALM}"], input=f"{password}\n", text=True, check=True,
            capture_output=True, timeout=60,
        )  # fmt: skip
        return cache

    def shifted(self, cache: str, seconds: int) -> str:
        """A copy of a cache that makes Kerberos believe in a clock that goes so much before this machine's."""
        content = bytearray(Path(cache.removeprefix("FILE:")).read_bytes())
        assert content[:_OFFSET_AT] == b"\x05\x04\x00\x0c\x00\x01\x00\x08"
        struct.pack_into(">i", content, _OFFSET_AT, seconds)
        copy = self.folder / f"shifted {seconds}"
        copy.write_bytes(content)
        return f"FILE:{copy}"

    def keytab(self, account: str) -> Path:
        """A file with the account's keys, as its administrator exports it."""
        file = self.folder / f"{account}.keytab"
        subprocess.run(
            [
                "samba-tool", "domain", "exportkeytab", str(file), f"--principal={account}@{REALM}",
                f"--configfile={self.samba.folder / 'dc' / 'etc' / 'smb.conf'}",
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        return file


def add_account(directory: Directory, place: Dn, account: str, **attributes: str) -> Dn:
    """A user with `PASSWORD`."""
    dn = place.child("CN", account)
    values: Mapping[str, Sequence[Value]] = {name: [value] for name, value in attributes.items()}
    password = f'"{PASSWORD}"'.encode("utf-16-le")
    account_control = {"sAMAccountName": [account], "unicodePwd": [password], "userAccountControl": ["512"]}
    directory.add(dn, {"objectClass": ["user"], **account_control, **values})
    return dn


def register_service(directory: Directory, account: Dn, host: str) -> None:
    """Let ``account`` be the one that tickets for LDAP on ``host`` are for, if it is not yet.

    The controller would register itself with services that the tests do without.
    """
    entry = directory.read(account, ["servicePrincipalName"])
    service = f"ldap/{host}"
    if entry is not None and service not in entry.values("servicePrincipalName"):
        directory.modify(account, [Modification("servicePrincipalName", ModifyOp.ADD, (service,))])
