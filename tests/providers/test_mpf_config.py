"""The namespace MPF Config, in an engine (spec: managed-ocs.md, MPF Config::SetExecuteAs)."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_config import ConfigPlugin
from mpf_core import Caller, Config, Credentials, Engine
from mpf_core.engine import Result
from mpf_core.testing import AllowAll

ADMIN, OTHER = Caller("admin"), Caller("other")
NAME = "Priv"


class Site:
    def __init__(self) -> None:
        permissions = {"administration": ["admin"], "trusted_requests": ["admin", "other"]}
        config = Config.model_validate({"security": {"permissions": permissions}})
        self.engine = Engine(config, plugins=[ConfigPlugin(), AllowAll()])
        for name in (NAME, "Priv2"):
            self.engine.administration.put_credential(name, Credentials(f"{name}-1", "secret", "FABRIKAM"), "root")

    def call(self, procedure: str, content: str = "", caller: Caller = ADMIN, more: str = "") -> Result:
        step = (
            f'<execute namespace="MPF Config" procedure="{procedure}" impersonate="1"><executeData>{content}</executeData>'
            '<after source="executeData" destination="data" mode="merge"/></execute>'
        )
        return self.engine.execute(f"<request><procedure>{step}{more}</procedure></request>", caller)

    def set(self, username: str, *procedures: str, caller: Caller = ADMIN, more: str = "") -> Result:
        named = "".join(f"<procedure>{name}</procedure>" for name in procedures)
        who = f"<username>{username}</username>" if username else ""
        content = f"<namespace>MPF Config</namespace>{who}{named}"
        return self.call("SetExecuteAs", content, caller, more)

    @property
    def assigned(self) -> dict[str, str]:
        found = self.engine.administration.assignments().items()
        return {name.partition("::")[2]: one.credential for name, one in found}


@pytest.fixture
def site() -> Site:
    return Site()


def data(result: Result) -> etree._Element:
    assert result.error is None, result.error
    found = etree.fromstring(result.document).find("data")
    assert found is not None
    return found


def test_the_documented_request(site: Site) -> None:
    """A procedure with no data, from whose output procedures and credential are taken apart."""
    step = (
        '<execute namespace="MPF Config" procedure="SetExecuteAs" impersonate="1"><executeData>'
        "<namespace>MPF Config</namespace><username>Priv</username><procedure>GetNamespaces</procedure></executeData>"
        '<after source="executeData" sourcePath="procedures" destination="data"/>'
        '<after source="executeData" sourcePath="credential" destination="data" ifNull="ignore"/></execute>'
    )
    found = data(site.engine.execute(f"<request><procedure>{step}</procedure></request>", ADMIN))
    (procedure,) = found.findall("procedures/procedure")
    assert dict(procedure.attrib) == {
        "name": "GetNamespaces", "access": "public", "type": "read", "runAsCredentialID": NAME
    }  # fmt: skip
    credential = found.find("credential")
    assert credential is not None
    assert dict(credential.attrib) == {
        "id": NAME, "username": "Priv-1", "domain": "FABRIKAM", "user": "FABRIKAM\\Priv-1"
    }  # fmt: skip
    assert site.assigned == {"GetNamespaces": NAME}


def test_by_the_accounts_name_and_for_all_procedures(site: Site) -> None:
    assert site.set("fabrikam\\priv-1").error is None
    assert site.assigned == dict.fromkeys(("GetNamespaces", "GetProcedures", "GetCredentials", "SetExecuteAs"), NAME)


def test_taking_it_away(site: Site) -> None:
    site.engine.administration.assign("MPF Config::GetNamespaces", NAME, "root")
    site.engine.administration.assign("MPF Config::GetProcedures", NAME, "root")
    found = data(site.set("", "GetNamespaces"))
    assert (site.assigned, found.find("credential")) == ({"GetProcedures": NAME}, None)


def test_a_later_failure_puts_it_back(site: Site) -> None:
    site.engine.administration.assign("MPF Config::GetNamespaces", "Priv2", "root")
    failing = '<execute namespace="MPF Config" procedure="Missing" impersonate="1"/>'
    assert site.set(NAME, "GetNamespaces", "GetCredentials", more=failing).error is not None
    assert site.assigned == {"GetNamespaces": "Priv2"}


@pytest.mark.parametrize(
    ("username", "procedure", "code"),
    [("Unknown", "GetNamespaces", 0x80072030), (NAME, "Missing", None)],
)
def test_what_does_not_exist_is_refused(site: Site, username: str, procedure: str, code: int | None) -> None:
    error = site.set(username, procedure).error
    assert error is not None
    assert code is None or error.code == code
    assert site.assigned == {}


@pytest.mark.parametrize("procedure", ["SetExecuteAs", "GetCredentials"])
def test_the_permission_is_asked_for(site: Site, procedure: str) -> None:
    content = "<namespace>MPF Config</namespace><username>Priv</username>" if procedure == "SetExecuteAs" else ""
    error = site.call(procedure, content, OTHER).error
    assert error is not None
    assert error.code == 0x80070005
    assert "'administration'" in error.description
    assert site.assigned == {}


def test_the_lists(site: Site) -> None:
    site.engine.administration.assign("MPF Config::SetExecuteAs", NAME, "root")
    namespaces = data(site.call("GetNamespaces")).findall("namespaces/namespace")
    assert [one.get("name") for one in namespaces] == ["MPF Config"]
    procedures = data(site.call("GetProcedures", "<namespace>MPF Config</namespace>")).findall("procedures/procedure")
    assert {one.get("name"): (one.get("type"), one.get("runAsCredentialID")) for one in procedures} == {
        "GetNamespaces": ("read", None),
        "GetProcedures": ("read", None),
        "GetCredentials": ("read", None),
        "SetExecuteAs": ("write", NAME),
    }
    credentials = data(site.call("GetCredentials")).findall("credentials/credential")
    assert [one.get("id") for one in credentials] == [NAME, "Priv2"]
    assert "secret" not in str([etree.tostring(one) for one in credentials])
