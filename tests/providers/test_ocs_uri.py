"""SIP addresses: the rules of the documentation, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_ocs.uri import SipUri, is_fqdn


@pytest.mark.parametrize(
    "text",
    [
        "sip:johnc@alpineskihouse.com",
        "sip:john.c+sales@mail.alpineskihouse.com",
        "sip:o'hara@a-b.example",
        "sip:johnc@10.0.0.1",
        "sip:johnc@223.255.255.255",
        "sip:johnc@240.0.0.1",
        "sip:a@x.1b",
        f"sip:a@{'b' * 63}.com",
    ],
)
def test_valid_addresses_are_kept_as_written(text: str) -> None:
    assert str(SipUri.parse(text)) == text


def test_the_scheme_is_written_in_lower_case_and_the_rest_as_given() -> None:
    assert str(SipUri.parse("SIP:JohnC@AlpineSkiHouse.com")) == "sip:JohnC@AlpineSkiHouse.com"


def test_addresses_that_differ_in_case_are_normalised_alike() -> None:
    assert SipUri.parse("Sip:JOHNC@alpineskihouse.COM").normalised == SipUri.parse("sip:johnc@AlpineSkiHouse.com").normalised


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("johnc@alpineskihouse.com", "form"),
        ("sips:johnc@alpineskihouse.com", "form"),
        ("tel:johnc@alpineskihouse.com", "form"),
        ("sip:alpineskihouse.com", "form"),
        ("", "form"),
        ("sip:", "form"),
        ("sip:@alpineskihouse.com", "before @"),
        ("sip:john c@alpineskihouse.com", "before @"),
        ("sip:john%63@alpineskihouse.com", "before @"),
        ("sip:johnc:secret@alpineskihouse.com", "before @"),
        ("sip:jöhn@alpineskihouse.com", "before @"),
        ("sip:johnc\n@alpineskihouse.com", "before @"),
        ("sip:johnc@alpineskihouse", "domain"),
        ("sip:johnc@", "domain"),
        ("sip:johnc@.com", "domain"),
        ("sip:johnc@alpineskihouse.com.", "domain"),
        ("sip:johnc@alpineskihouse..com", "domain"),
        ("sip:johnc@-alpine.com", "domain"),
        ("sip:johnc@alpine_ski.com", "domain"),
        ("sip:johnc@alpineskihouse.com:5061", "domain"),
        ("sip:johnc@alpineskihouse.com;transport=tls", "domain"),
        ("sip:johnc@alpineskihouse.com\n", "domain"),
        ("sip:a@b@alpineskihouse.com", "domain"),
        ("sip:johnc@münchen.de", "domain"),
        (f"sip:a@{'b' * 64}.com", "domain"),
        ("sip:johnc@1.2.3", "domain"),
        ("sip:johnc@256.1.1.1", "domain"),
        ("sip:johnc@010.0.0.1", "domain"),
        ("sip:johnc@\N{ARABIC-INDIC DIGIT ONE}.2.3.4", "domain"),
        ("sip:johnc@[2001:db8::1]", "domain"),
        ("sip:johnc@0.0.0.0", "multicast"),
        ("sip:johnc@224.0.0.0", "multicast"),
        ("sip:johnc@239.255.255.255", "multicast"),
        (f"sip:{'a' * 440}@alpineskihouse.com", "454"),
    ],
)
def test_an_address_against_the_rules_is_refused_with_the_rule(text: str, reason: str) -> None:
    with pytest.raises(MpfError) as raised:
        SipUri.parse(text)
    assert raised.value.code == Code.E_INVALIDARG
    assert reason in raised.value.description


def test_the_longest_address_fits_the_attribute() -> None:
    text = f"sip:{'a' * (454 - len('sip:@alpineskihouse.com'))}@alpineskihouse.com"
    assert len(str(SipUri.parse(text))) == 454


@given(st.text(max_size=60))
def test_whatever_is_accepted_keeps_to_the_form(text: str) -> None:
    for candidate in (text, f"sip:{text}", f"sip:a@{text}", f"sip:{text}@example.com"):
        try:
            uri = SipUri.parse(candidate)
        except MpfError:
            continue
        assert str(uri).isascii()
        assert str(uri).lower() == candidate.lower()
        assert SipUri.parse(uri.normalised).normalised == uri.normalised
        assert str(uri).count("@") == 1


_labels = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)


@given(st.lists(_labels, min_size=2, max_size=5))
def test_names_of_two_labels_or_more_are_fully_qualified(labels: list[str]) -> None:
    assert is_fqdn(".".join(labels))
    assert not is_fqdn(labels[0])
    assert not is_fqdn("." + ".".join(labels))


def test_a_name_of_more_than_255_characters_is_none() -> None:
    assert is_fqdn(".".join(["a" * 50] * 5))
    assert not is_fqdn(".".join(["a" * 50] * 6))
