"""The examples in the schemas of the account procedures run, and what they return is what the schemas say."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_core.model import Access
from tests.namespaces.accounts import MANAGED_AD, STAFF, ask, create_staff, done
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, JOHN, Site, ldap, make_site

#: What must be there before an example runs on the seeded tree.
NEEDS_STAFF = {"GroupAdd", "GroupRemove", "RenameGroup", "DeleteGroup"}
PROCEDURES = [
    "CreateUser",
    "ModifyUser",
    "RenameUser",
    "DeleteUser",
    "EnableUser",
    "DisableUser",
    "SetUserPassword",
    "ChangeUserPassword",
    "CreateGroup",
    "RenameGroup",
    "DeleteGroup",
    "GroupAdd",
    "GroupRemove",
    "CreateContact",
    "DeleteContact",
]


@pytest.mark.parametrize("name", PROCEDURES)
def test_the_example_runs_and_returns_what_the_output_schema_says(site: Site, name: str) -> None:
    procedure = site.engine.namespaces[MANAGED_AD].procedures[name]
    assert procedure.access is Access.PUBLIC
    assert procedure.input_schema is not None
    assert procedure.output_schema is not None
    if name in NEEDS_STAFF:
        create_staff(site)
    if name == "GroupRemove":
        done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(JOHN))
    if name == "DeleteContact":
        done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")
    examples = {argument.name: argument.example for argument in procedure.input_schema.arguments}
    if name == "ChangeUserPassword":
        given = {"user": examples["user"], "newPassword": examples["oldPassword"], "preferredDomainController": site.server}
        done(site, "SetUserPassword", **given)
    content = f"<properties>{examples.pop('properties')}</properties>" if "properties" in examples else ""
    data = done(site, name, ALPINE_ADMIN, content, **examples)
    data.tag = "executeData"
    procedure.output_schema.check(data)
    assert [child.tag for child in data] == [argument.name for argument in procedure.output_schema.arguments]


@pytest.mark.parametrize(
    ("procedure", "arguments", "called"),
    [
        ("CreateUser", {"container": ldap(ALPINE), "userPrincipalName": "bob"}, "Choose Account Name"),
        ("ModifyUser", {"user": ldap(JOHN), "sn": "Clark"}, "Hold Account Names"),
    ],
)
def test_names_are_looked_up_with_more_rights_only_where_a_rule_says_so(
    procedure: str, arguments: dict[str, str], called: str
) -> None:
    with make_site(rules=[]) as site:
        before = site.snapshot()
        result = ask(site, procedure, **arguments)
        assert result.error is not None
        assert result.error.code == 0x80070005
        assert called in result.error.description
        assert site.snapshot() == before
        root = etree.fromstring(result.document)
        assert root.find("errorContext") is not None
