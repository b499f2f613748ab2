"""The examples in the schemas: a request made of them runs on the seeded directory, and returns what the schema says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from mpf_core.model import Access
from tests.namespaces.support import ALPINE_ADMIN, DOMAIN_ADMIN, OCS, Site, make_site

#: Every public procedure of the namespace, in an order in which they can be run one after the other.
ORDER = [
    "Initialize",
    "GetPools",
    "GetPoolProperties",
    "AddSharedPool",
    "SetSharedPoolProperties",
    "GetSharedPools",
    "CreateSipDomain",
    "GetSipDomainsByOrganization",
    "ValidateSipDomainOwnership",
    "SetPoolAssignment",
    "GetPoolAssignment",
    "CreateSipUser",
    "GetSipUserProperties",
    "SetSipUserProperties",
    "DeleteSipUser",
    "DeletePoolAssignment",
    "DeleteSipDomain",
    "RemoveSharedPool",
    "DeleteSharedPool",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with make_site() as made:
        yield made


def test_the_order_names_every_public_procedure(shared: Site) -> None:
    procedures = shared.engine.namespaces[OCS].procedures.values()
    assert sorted(ORDER) == sorted(p.name for p in procedures if p.access is Access.PUBLIC)


def test_requests_made_of_the_examples_run_and_return_what_the_output_schema_says(shared: Site) -> None:
    for name in ORDER:
        procedure = shared.engine.namespaces[OCS].procedures[name]
        assert procedure.input_schema is not None
        assert procedure.output_schema is not None
        caller = DOMAIN_ADMIN if procedure.minimum_role == "DomainAdmins" else ALPINE_ADMIN
        arguments = {argument.name: argument.example for argument in procedure.input_schema.arguments}
        data = shared.succeed(name, caller, **arguments)
        data.tag = "executeData"
        procedure.output_schema.check(data)
        declared = [argument.name for argument in procedure.output_schema.arguments]
        returned = [child.tag for child in data]
        assert returned == [name for name in declared if name in returned]


def test_a_simple_request_returns_the_same(shared: Site) -> None:
    request = "<request><data><preferredDomainController>AD01.Fabrikam.com</preferredDomainController></data></request>"
    response = shared.engine.submit(request, DOMAIN_ADMIN, OCS, "GetPools")
    assert etree.fromstring(response).findtext("data/pools/poolFQDN") == "pool01.fabrikam.com"
