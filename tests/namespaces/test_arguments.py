"""Properties of arguments: which domain names are accepted, and that any name of a service pointer comes back as it is."""

from __future__ import annotations

import string
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from mpf_core import MpfError
from mpf_core.validation.input_schema import InputSchema
from tests.namespaces.support import ALPINE, OCS, Site, ldap, make_site

LABEL = st.text(string.ascii_letters + string.digits + "-_.ä ", min_size=0, max_size=12)
NAME = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters="=\x7f", exclude_categories=["Cc", "Zs"])
    | st.just(" "),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with make_site() as made:
        yield made


@pytest.fixture(scope="module")
def schema(shared: Site) -> InputSchema:
    found = shared.engine.namespaces[OCS].procedures["CreateSipDomain"].input_schema
    assert found is not None
    return found


def is_domain_name(text: str) -> bool:
    """RFC 1123, 2.1, within the 64 characters of a relative name; the last label begins with a letter."""
    labels = text.split(".")
    allowed = set(string.ascii_letters + string.digits + "-")
    return (
        len(text) <= 64
        and len(labels) > 1
        and all(label and set(label) <= allowed and label[0] != "-" and label[-1] != "-" for label in labels)
        and labels[-1][0].isalpha()
    )


@settings(deadline=None)
@given(st.lists(LABEL, min_size=1, max_size=7).map(".".join))
def test_exactly_domain_names_are_addresses(schema: InputSchema, address: str) -> None:
    data = etree.Element("executeData")
    for name, value in (("organization", ldap(ALPINE)), ("preferredDomainController", "AD01"), ("address", address)):
        etree.SubElement(data, name).text = value
    try:
        schema.check(data)
    except MpfError:
        accepted = False
    else:
        accepted = True
    assert accepted == is_domain_name(address)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAME.map(str.strip).filter(bool))
def test_a_pointer_is_found_under_the_name_it_was_given(shared: Site, name: str) -> None:
    content = f"<path>{ldap(ALPINE)}</path><list>Things</list><name>{escape(name)}</name>"
    created = shared.submit_raw("Managed Helpers", "CreateServicePointer_", content)
    assert created.error is None, created.document.decode()
    found = etree.fromstring(shared.submit_raw("Managed Helpers", "GetServicePointer_", content).document)
    pointer = found.find("data/servicePointer")
    assert pointer is not None
    assert pointer.get("name") == name
    deleted = shared.submit_raw("Managed Helpers", "DeleteServicePointer_", content)
    assert deleted.error is None, deleted.document.decode()
