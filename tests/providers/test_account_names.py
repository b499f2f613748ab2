"""The Account Name Provider, and how a sAMAccountName is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext
from mpf_directory.provider_account_names import AccountNameProvider
from mpf_directory.sam_names import ILLEGAL, MAX_LENGTH, candidates, sam_name
from tests.providers.ad_site import CUSTOMER, GROUP, OTHER, USER, Site, ldap, site_in


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


class Names:
    """Calls of the provider, in one transaction; ``taken`` are keys that another transaction has locked."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.provider = AccountNameProvider(site.directories)
        self.taken: set[str] = set()
        self.locked: list[str] = []

    def context(self) -> CallContext:
        ctx = self.site.context()

        def lock(key: str, *, shared: bool) -> None:
            if key in self.taken:
                raise MpfError(Code.LOCK_VIOLATION, key)
            self.locked.append(key)

        ctx.lock_key = lock
        return ctx

    def choose(self, name: str = "", sam: str = "", **properties: str) -> str:
        data = etree.fromstring(
            f"<executeData><container>{ldap(CUSTOMER)}</container><name>{escape(name or 'x')}</name>"
            f"{f'<samName>{escape(sam)}</samName>' if sam else ''}{_properties(properties)}</executeData>"
        )
        (chosen,) = self.provider.choose(self.context(), data) or ()
        assert chosen.tag == "samName"
        return chosen.text or ""

    def hold(self, dn: str, **properties: str) -> list[str]:
        data = etree.fromstring(f"<executeData><path>{ldap(dn)}</path>{_properties(properties)}</executeData>")
        self.provider.hold(self.context(), data)
        return self.locked


def _properties(values: dict[str, str]) -> str:
    inner = "".join(f'<property name="{name}">{escape(value)}</property>' for name, value in values.items())
    return f"<properties>{inner}</properties>" if values else ""


@pytest.fixture
def names(site: Site) -> Names:
    return Names(site)


class TestSamName:
    @pytest.mark.parametrize(
        ("seed", "made"),
        [
            ("johnc@AlpineSkiHouse.com", "johnc_AlpineSkiHouse"),
            ("bob@AlpineSkiHouse.com", "bob_AlpineSkiHouse.c"),
            ("upnMyUser1", "upnMyUser1"),
            ("john.clark.ski@alps.com", "john.clark.ski_alps_"),
            ('a"/\\[]:|<>+=;?,*b', "ab"),
            ("Ross, Bob ", "Ross Bob"),
            ("...", ".._"),
            ("*", ""),
        ],
    )
    def test_examples(self, seed: str, made: str) -> None:
        assert sam_name(seed) == made

    def test_a_name_that_is_one_keeps_its_at_sign(self) -> None:
        assert sam_name("A@Reseller1", keep_at=True) == "A@Reseller1"

    @given(st.text(max_size=40), st.booleans())
    def test_is_always_legal(self, seed: str, keep_at: bool) -> None:
        name = sam_name(seed, keep_at=keep_at)
        assert len(name) <= MAX_LENGTH
        assert not ILLEGAL & set(name)
        assert name == name.strip()
        assert not name.endswith(".")

    def test_five_more_tries(self) -> None:
        tried = list(candidates("abcdefghijklmnopqrst"))
        assert tried[0] == "abcdefghijklmnopqrst"
        assert [(len(name), name[:17], name[17:].isdigit()) for name in tried[1:4]] == [(20, "abcdefghijklmnopq", True)] * 3
        assert [(len(name), name[:15], name[15:].isdigit()) for name in tried[4:]] == [(20, "abcdefghijklmno", True)] * 2

    def test_without_a_legal_character_there_are_digits(self) -> None:
        assert [len(name) for name in candidates("")] == [3, 3, 3, 5, 5]


class TestChoose:
    def test_of_what_it_is_made(self, names: Names) -> None:
        assert names.choose("Crew@x") == "Crew_x"
        assert names.choose("Crew@x", "C@x") == "C@x"
        assert names.choose("Crew@x", userPrincipalName="bob@alps.com") == "bob_alps.com"
        assert names.choose("Crew@x", "C@x", userPrincipalName="bob@alps.com") == "C@x"
        assert names.choose("Crew@x", "C@x", SAMAccountName="bob@b") == "bob@b"

    def test_is_held(self, names: Names) -> None:
        names.choose(userPrincipalName="Bob@Alps.com")
        assert names.locked == ["account-name:bob@alps.com", "upn-suffix:alps.com", "account-name:bob_alps.com@fabrikam.com"]

    def test_taken_ones_are_passed_over(self, names: Names) -> None:
        first = names.choose("johnc")
        assert (first[:5], len(first), first[5:].isdigit()) == ("johnc", 8, True)
        names.taken.add("account-name:crew@fabrikam.com")
        assert names.choose("Crew")[:4] == "Crew" != names.choose("Crew")

    def test_after_six_it_gives_up(self, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("secrets.randbelow", lambda _limit: 7)
        names.taken |= {f"account-name:crew{end}@fabrikam.com" for end in ("", "007")}
        assert names.choose("Crew") == "Crew00007"
        names.taken.add("account-name:crew00007@fabrikam.com")
        with pytest.raises(MpfError, match="The account name 'Crew' is in use") as raised:
            names.choose("Crew")
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS

    def test_a_store_that_fails_is_no_taken_name(self, names: Names) -> None:
        def fail(key: str, *, shared: bool) -> None:
            raise MpfError(Code.STORE_UNAVAILABLE, key)

        ctx = names.context()
        ctx.lock_key = fail
        data = etree.fromstring(f"<executeData><container>{ldap(CUSTOMER)}</container><name>x</name></executeData>")
        with pytest.raises(MpfError) as raised:
            names.provider.choose(ctx, data)
        assert raised.value.code == Code.STORE_UNAVAILABLE

    @pytest.mark.parametrize("name", ["johnc", "x" * 21, "a.", "a?b", "a\tb"])
    def test_one_that_must_be_as_given_is_refused(self, names: Names, name: str) -> None:
        with pytest.raises(MpfError) as raised:
            names.choose(sAMAccountName=name)
        assert raised.value.code in {Code.OBJECT_ALREADY_EXISTS, Code.E_INVALIDARG}

    @pytest.mark.parametrize("name", ["JOHNC@alpineskihouse.com", "johnc@fabrikam.com", "JohnC"])
    def test_principal_names_given_or_implied_are_refused(self, names: Names, name: str) -> None:
        with pytest.raises(MpfError) as raised:
            names.choose(userPrincipalName=name)
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS

    def test_an_account_name_that_another_ones_principal_name_implies(self, site: Site, names: Names) -> None:
        site.set(OTHER, userPrincipalName=["crew@fabrikam.com"])
        assert names.choose("crew") != "crew"


class TestHold:
    def test_the_names_it_has(self, names: Names) -> None:
        expected = ["account-name:johnc@fabrikam.com", "account-name:johnc@alpineskihouse.com"]
        assert names.hold(USER) == expected

    def test_a_group_has_one(self, names: Names) -> None:
        assert names.hold(GROUP) == ["account-name:a@alpineskihouse@fabrikam.com"]

    def test_and_the_names_it_gets(self, names: Names) -> None:
        held = names.hold(USER, userPrincipalName="j@alps.com", samaccountname="j")
        assert held[2:] == ["account-name:j@fabrikam.com", "account-name:j@alps.com", "upn-suffix:alps.com"]

    def test_its_own_names_are_free_for_it(self, names: Names) -> None:
        names.hold(USER, userPrincipalName="johnc@fabrikam.com", sAMAccountName="JohnC")

    def test_other_properties_need_no_names(self, names: Names) -> None:
        assert names.hold(USER, description="x") == []

    @pytest.mark.parametrize("name", ["sAMAccountName", "userPrincipalName"])
    def test_a_name_may_be_taken_away(self, names: Names, name: str) -> None:
        assert len(names.hold(USER, **{name: ""})) == 2

    def test_anothers_are_refused(self, names: Names) -> None:
        for properties in ({"sAMAccountName": "annw"}, {"userPrincipalName": "ANNW@fabrikam.com"}):
            with pytest.raises(MpfError) as raised:
                names.hold(USER, **properties)
            assert raised.value.code == Code.OBJECT_ALREADY_EXISTS

    def test_an_account_that_is_not_there(self, names: Names) -> None:
        with pytest.raises(MpfError) as raised:
            names.hold(f"CN=Nobody,{CUSTOMER}")
        assert raised.value.code == Code.NO_SUCH_OBJECT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unicodePwd", "secret"),
        ("UserPassword", "secret"),
        ("member", USER),
        ("msrtcsip-UserEnabled", "TRUE"),
        ("msDS-AllowedToDelegateTo", "host/dc"),
        ("userAccountControl", str(0x2200)),
        ("userAccountControl", str(0x1000200)),
        ("otherWellKnownObjects", "x"),
    ],
)
def test_properties_that_accounts_are_not_given(names: Names, name: str, value: str) -> None:
    for call in (lambda: names.choose(**{name: value}), lambda: names.hold(USER, **{name: value})):
        with pytest.raises(MpfError) as raised:
            call()
        assert raised.value.code == Code.E_INVALIDARG
        assert name in raised.value.description
        assert "secret" not in raised.value.description
