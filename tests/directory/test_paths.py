"""ADSI paths."""

from __future__ import annotations

import pytest
from hypothesis import given

from mpf_directory.dn import Dn
from mpf_directory.paths import LdapPath
from tests.directory.support import BASE, refused
from tests.directory.test_dn import VALUES


@given(VALUES)
def test_any_name_survives(value: str) -> None:
    for server in (None, "AD01.Fabrikam.com"):
        path = LdapPath(server, BASE.child("CN", value))
        assert LdapPath.parse(str(path)) == path


@pytest.mark.parametrize(
    ("text", "server", "dn"),
    [
        ("LDAP://CN=a,DC=b", None, "CN=a,DC=b"),
        ("ldap://AD01.Fabrikam.com/CN=a,DC=b", "AD01.Fabrikam.com", "CN=a,DC=b"),
        ("LDAP://10.0.0.1:636/CN=a,DC=b", "10.0.0.1:636", "CN=a,DC=b"),
        (r"LDAP://srv/CN=a\/b,DC=c", "srv", "CN=a/b,DC=c"),
        ("LDAP://CN=a/b,DC=c", None, "CN=a/b,DC=c"),
        (r"LDAP://CN=a\\/b,DC=c", None, r"CN=a\\/b,DC=c"),
        ("LDAP://srv/<GUID=90395fb9-9ab5-4e1b-9e96-c86c66cb18d9>", "srv", "<GUID=90395fb9-9ab5-4e1b-9e96-c86c66cb18d9>"),
        ("\n  LDAP://CN=a,DC=b\n", None, "CN=a,DC=b"),
    ],
)
def test_server_and_name(text: str, server: str | None, dn: str) -> None:
    path = LdapPath.parse(text)
    assert path == LdapPath(server, Dn.parse(dn))


@pytest.mark.parametrize(
    "text", ["", "CN=a,DC=b", "LDAP://", "LDAP://AD01", "LDAP://AD01/", "WinNT://x", "LDAP:///CN=a", "GC://CN=a"]
)
def test_anything_else_is_a_bad_pathname(text: str) -> None:
    with refused(0x80005000):
        LdapPath.parse(text)
