"""What goes wrong with tickets, by the statuses of GSS-API, without the library and without a server."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpf_core import Caller, Code, Engine, MpfError, Principal, Ticket, hookimpl
from mpf_core.testing import AllowAll
from mpf_directory.kerberos import KerberosError, acquire, explained

_DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "kerberos.md"
_FAILURE = 13 << 16
#: The number of Kerberos' first error, below which the others are counted (krb5.h).
_FIRST = -1765328384


class GssError(Exception):
    def __init__(self, major: int, minor: int) -> None:
        super().__init__("no words of the library")
        self.maj_code, self.min_code = major, minor


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", SimpleNamespace(exceptions=SimpleNamespace(GSSError=GssError)))  # type: ignore[arg-type]


def code_of(major: int, minor: int) -> tuple[int, str]:
    with pytest.raises(MpfError) as caught, explained("ldap/ad01.fabrikam.com"):
        raise GssError(major, minor)
    return caught.value.code, caught.value.description


@pytest.mark.parametrize(
    ("major", "number", "code", "word"),
    [
        (7 << 16, 0, KerberosError.NO_CREDENTIALS, "kinit"),
        (_FAILURE, 195, KerberosError.NO_CREDENTIALS, "klist"),
        (11 << 16, 0, KerberosError.CONTEXT_EXPIRED, "expired"),
        (_FAILURE, 32, KerberosError.CONTEXT_EXPIRED, "expired"),
        (_FAILURE, 37, KerberosError.TIME_SKEW, "clocks"),
        (_FAILURE, 7, KerberosError.TARGET_UNKNOWN, "'ldap/ad01.fabrikam.com'"),
        (_FAILURE, 41, KerberosError.WRONG_PRINCIPAL, "'ldap/ad01.fabrikam.com'"),
        (_FAILURE, 156, KerberosError.NO_AUTHENTICATING_AUTHORITY, "krb5.conf"),
        (_FAILURE, 18, KerberosError.LOGON_DENIED, "disabled"),
        (_FAILURE, 60, KerberosError.INTERNAL_ERROR, "no words of the library"),
        # The minor status says more: the cache is missing because no server answered for the keytab, say.
        (7 << 16, 156, KerberosError.NO_AUTHENTICATING_AUTHORITY, "krb5.conf"),
    ],
)
@pytest.mark.parametrize("bits", [0, 0xFFFFFFFF], ids=["signed", "unsigned"])
def test_each_status_has_its_code(major: int, number: int, code: KerberosError, word: str, bits: int) -> None:
    minor = _FIRST + number if number else 0
    found, text = code_of(major, minor & bits if bits else minor)
    assert (found, word in text) == (code, True), text


def test_credentials_of_another_kind_are_not_taken_for_a_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host hands over by mistake must not make the caller somebody else: the holder of the process's own ticket."""
    monkeypatch.setattr(sys.modules["gssapi"], "Credentials", GssError, raising=False)
    with pytest.raises(MpfError) as caught:
        acquire(Ticket(delegated="a token"))
    assert caught.value.code == KerberosError.NO_CREDENTIALS


@pytest.mark.parametrize("cache", ["", " "])
def test_an_empty_name_of_a_cache_is_not_the_process_own(cache: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        Ticket(cache=cache)


class Quoting:
    """A directory whose error quotes the ticket, as a library may do in words of its own."""

    name = "quoting"

    @hookimpl
    def mpf_resolve_caller(self, caller: Caller) -> Principal | None:
        assert isinstance(caller.credentials, Ticket)
        raise MpfError(Code.E_FAIL, f"nothing in {caller.credentials.cache}")


def test_what_quotes_the_name_of_a_cache_is_masked() -> None:
    cache = "FILE:/run/panel/krb5cc_4711"
    with Engine(plugins=[Quoting(), AllowAll()]) as engine:
        result = engine.execute("<request/>", Caller("", Ticket(cache=cache)))
    assert result.error is not None
    assert result.error.description.startswith("nothing in ")
    assert cache not in result.error.description + result.document.decode()


def test_every_code_is_documented() -> None:
    documented = re.findall(r"^\| `(0x[0-9a-f]{8})` \| SEC_E_(\w+) \|", _DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {(int(code, 16), name) for code, name in documented} == {(code.value, code.name) for code in KerberosError}
