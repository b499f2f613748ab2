"""An entry of a Samba domain controller as clients see it that have nothing to do with this project."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

from mpf_directory.dn import Dn
from tests.samba.controller import Samba

#: An attribute's name in lower case -> its values.
Attributes = dict[str, set[str]]

_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
#: Debian's packages of the programs.
PACKAGES = {"ldapsearch": "ldap-utils", "samba-tool": "samba-ad-dc", "ldbsearch": "ldb-tools"}


def missing() -> list[str]:
    """The packages that would have to be installed."""
    return [package for program, package in PACKAGES.items() if shutil.which(program, path=_PATH) is None]


def ldapsearch(samba: Samba, dn: Dn) -> Attributes:
    """As OpenLDAP's client reads it, over LDAPS."""
    account = f"{samba.administrator.domain}\\{samba.administrator.username}"
    return _run(
        "ldapsearch", "-LLL", "-x", "-o", "ldif-wrap=no", "-H", f"ldaps://{samba.endpoint}", "-D", account,
        "-w", samba.administrator.password, "-b", str(dn), "-s", "base", "(objectClass=*)", "*",
        # The certificate is the controller's name; the address is a loopback one.
        environment={"LDAPTLS_CACERT": str(samba.ca_file), "LDAPTLS_REQCERT": "allow"},
    )  # fmt: skip


def samba_tool(samba: Samba, dn: Dn) -> Attributes:
    """As an administrator reads it on the controller itself. It wants the account's name."""
    (account,) = ldbsearch(samba, dn)["samaccountname"]
    return _run("samba-tool", "user", "show", account, "-H", _database(samba))


def ldbsearch(samba: Samba, dn: Dn) -> Attributes:
    """As it stands in the controller's own database."""
    return _run("ldbsearch", "-H", _database(samba), "-b", str(dn), "-s", "base", "(objectClass=*)", "*")


CLIENTS: Mapping[str, Callable[[Samba, Dn], Attributes]] = {
    "ldapsearch": ldapsearch,
    "samba-tool": samba_tool,
    "ldbsearch": ldbsearch,
}


def _database(samba: Samba) -> str:
    return str(samba.folder / "dc" / "private" / "sam.ldb")


def _run(*command: str, environment: Mapping[str, str] | None = None) -> Attributes:
    own = {**os.environ, "PATH": _PATH, **(environment or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=own)
    assert done.returncode == 0, done.stderr
    return parse_ldif(done.stdout)


def parse_ldif(text: str) -> Attributes:
    """The attributes of the first entry in LDIF (RFC 2849): folded lines are joined, values in base64 are decoded."""
    found: Attributes = {}
    for line in text.replace("\n ", "").splitlines():
        if not line.strip() and found:
            break
        name, colon, value = line.partition(":")
        if not colon or line.startswith("#") or name == "dn":
            continue
        if value.startswith(":"):
            value = base64.b64decode(value[1:]).decode(errors="backslashreplace")
        found.setdefault(name.lower(), set()).add(value.strip())
    return found
