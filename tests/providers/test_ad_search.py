"""Search: filters in text and in elements, scope and limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, HOSTING, OTHER, USER, Site, ldap, site_in


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


def search(site: Site, filter_: str, *preferences: tuple[str, str], path: str = ldap(HOSTING), names: str = "") -> list[str]:
    """The names of what is found, sorted."""
    return sorted(item.get("name", "") for item in objects(site, filter_, *preferences, path=path, names=names))


def objects(site: Site, filter_: str, *preferences: tuple[str, str], path: str = ldap(HOSTING), names: str = "") -> list:  # type: ignore[type-arg]
    chosen = "".join(
        f"<preference><searchPref>{name}</searchPref><type>ADSTYPE_INTEGER</type><value>{value}</value></preference>"
        for name, value in preferences
    )
    wanted = "".join(f'<property name="{name}"/>' for name in names.split())
    xml = f"<filter>{filter_}</filter><propertyList>{wanted}</propertyList><preferences>{chosen}</preferences>"
    (found,) = site.read("Search", xml, path=path)
    return list(found)


USERS = ["Annw@AlpineSkiHouse.com", "Johnc@AlpineSkiHouse.com"]


class TestResults:
    @pytest.mark.parametrize("filter_", ["objectClass=user", "(objectClass=user)", " ( objectClass=user ) "])
    def test_everything_below_the_path_by_default(self, site: Site, filter_: str) -> None:
        assert search(site, filter_) == USERS

    def test_class_name_and_properties_of_each(self, site: Site) -> None:
        (found,) = objects(
            site, "sAMAccountName=johnc", names="ADsPath displayName sAMAccountName", path=ldap(HOSTING, "AD01")
        )
        assert (found.get("class"), found.get("name")) == ("user", "Johnc@AlpineSkiHouse.com")
        assert [(item.get("name"), [value.text for value in item]) for item in found] == [
            ("ADsPath", [ldap(USER, "AD01")]),
            ("displayName", []),
            ("sAMAccountName", ["johnc"]),
        ]

    def test_all_properties_without_a_list(self, site: Site) -> None:
        (found,) = objects(site, "sAMAccountName=johnc")
        assert {"cn", "objectGUID", "userPrincipalName"} <= {item.get("name") for item in found}

    def test_nothing_found(self, site: Site) -> None:
        assert search(site, "cn=nobody") == []

    def test_a_path_that_does_not_exist(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            search(site, "cn=x", path=ldap(f"OU=Nowhere,{BASE}"))
        assert raised.value.code == Code.NO_SUCH_OBJECT
        assert f"'LDAP://OU=Nowhere,{BASE}'./There is no such object" in raised.value.description


class TestPreferences:
    @pytest.mark.parametrize(
        ("value", "names"),
        [
            ("ADS_SCOPE_BASE", ["ConsolidatedMessenger"]),
            ("0", ["ConsolidatedMessenger"]),
            ("ADS_SCOPE_ONELEVEL", ["AlpineSkiHouse"]),
            ("1", ["AlpineSkiHouse"]),
            ("ads_scope_subtree", ["AlpineSkiHouse", "ConsolidatedMessenger"]),
        ],
    )
    def test_scope(self, site: Site, value: str, names: list[str]) -> None:
        path = ldap(CUSTOMER.split(",", 1)[1])
        for name in ("ADS_SEARCHPREF_SEARCH_SCOPE", "5"):
            assert search(site, "objectClass=organizationalUnit", (name, value), path=path) == names

    @pytest.mark.parametrize(("value", "count"), [("1", 1), ("0", 2), ("9", 2)])
    def test_size_limit(self, site: Site, value: str, count: int) -> None:
        assert len(search(site, "objectClass=user", ("ADS_SEARCHPREF_SIZE_LIMIT", value))) == count

    def test_the_size_of_a_page_does_not_cut_the_result(self, site: Site) -> None:
        assert search(site, "objectClass=user", ("ADS_SEARCHPREF_PAGESIZE", "1")) == USERS

    @pytest.mark.parametrize(
        "preference",
        [
            ("ADS_SEARCHPREF_SEARCH_SCOPE", "everywhere"),
            ("ADS_SEARCHPREF_SIZE_LIMIT", "-1"),
            ("ADS_SEARCHPREF_PAGESIZE", ""),
            ("ADS_SEARCHPREF_SORT_ON", "cn"),
            ("", ""),
        ],
    )
    def test_what_is_not_supported_is_refused(self, site: Site, preference: tuple[str, str]) -> None:
        with pytest.raises(MpfError) as raised:
            search(site, "cn=x", preference)
        assert raised.value.code == Code.E_INVALIDARG


class TestStructuredFilter:
    @pytest.mark.parametrize(
        ("filter_", "names"),
        [
            ('<equal name="sAMAccountName">JOHNC</equal>', USERS[1:]),
            ('<present name="displayName"/>', USERS[:1]),
            ('<and><equal name="objectClass">user</equal><not><present name="displayName"/></not></and>', USERS[1:]),
            ('<or><equal name="cn">Annw@AlpineSkiHouse.com</equal><equal name="sAMAccountName">johnc</equal></or>', USERS),
            ('<equal name="sAMAccountName">j*</equal>', []),
            (f'<equal name="distinguishedName">{GROUP}</equal>', ["Admins@AlpineSkiHouse"]),
        ],
    )
    def test_finds(self, site: Site, filter_: str, names: list[str]) -> None:
        assert search(site, f"\n  {filter_}\n") == names

    @pytest.mark.parametrize(
        "filter_",
        [
            "",
            "(",
            "<like name='cn'>x</like>",
            "<equal>x</equal>",
            "<equal name='cn'/>",
            "<equal name='c n'>x</equal>",
            "<present name='cn'>x</present>",
            "<and/>",
            "<not><present name='cn'/><present name='sn'/></not>",
            "<present name='cn'/><present name='sn'/>",
            "<equal name='cn'><present name='sn'/></equal>",
        ],
    )
    def test_what_is_none_is_refused(self, site: Site, filter_: str) -> None:
        with pytest.raises(MpfError) as raised:
            search(site, filter_)
        assert raised.value.code == Code.E_INVALIDARG

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        st.text(min_size=1, alphabet=st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cs", "Cc"]))
    )
    def test_a_value_is_never_more_than_a_value(self, site: Site, value: str) -> None:
        site.set(OTHER, description=[value])
        site.set(USER, description=["something else"])
        found = search(site, f'<equal name="description">{escape(value)}</equal>')
        assert found == USERS[:1] or value.strip(" ") == "something else"
