"""Passwords: SetUserPassword and ChangeUserPassword, and that no password shows anywhere."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from mpf_core import Caller, Config, Engine
from mpf_core.engine import Result
from mpf_core.store.keys import create_key_file
from mpf_core.transaction.states import StepState, TransactionState
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.layout import SERVER
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.namespaces.accounts import ADMINS, JOHN_CALLS, MANAGED_AD, OTHER_ADMIN, ask, done, refused
from tests.namespaces.support import (
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER_ADMIN,
    Site,
    ldap,
    seeded,
)

OLD, NEW = " Old canary 1", "New canary 2 <&> "
SET = {"user": ldap(JOHN), "preferredDomainController": SERVER}


def is_johns(site: Site, password: str) -> bool:
    return site.directory.verify_password(Dn.parse(JOHN), password)


class TestSetUserPassword:
    def test_sets_it_as_it_stands(self, site: Site) -> None:
        assert len(done(site, "SetUserPassword", **SET, newPassword=NEW)) == 0
        assert is_johns(site, NEW)
        assert not is_johns(site, NEW.strip())

    def test_the_documented_request(self, site: Site) -> None:
        request = (
            f'<request><data><user>{ldap(JOHN)}</user><newPassword do-not-log="1">{escape(NEW)}</newPassword>'
            f"<preferredDomainController>{SERVER}</preferredDomainController></data>"
            f'<procedure><execute namespace="{MANAGED_AD}" procedure="SetUserPassword" impersonate="1">'
            '<before source="data" sourcePath="user" destination="executeData" mode="move"/>'
            '<before source="data" sourcePath="newPassword" destination="executeData" mode="move"/>'
            '<before source="data" sourcePath="preferredDomainController" destination="executeData" mode="move"/>'
            "</execute></procedure></request>"
        )
        result = site.engine.execute(request, ALPINE_ADMIN)
        assert (result.error, result.document) == (None, b"<response><data/></response>")
        assert is_johns(site, NEW)

    @pytest.mark.parametrize("name", ["user", "newPassword", "preferredDomainController"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {**SET, "newPassword": NEW}
        error = refused(site, "SetUserPassword", DOMAIN_ADMIN, **{**given, name: ""})
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")
        del given[name]
        error = refused(site, "SetUserPassword", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")

    def test_groups_have_none(self, site: Site) -> None:
        arguments = {**SET, "user": ldap(ADMINS), "newPassword": NEW}
        assert refused(site, "SetUserPassword", **arguments).code == 0x80005004

    def test_who_may(self, site: Site) -> None:
        for caller in (OTHER_ADMIN, JOHN_CALLS):
            assert refused(site, "SetUserPassword", caller, **SET, newPassword=NEW).code == 0x80070005
        done(site, "SetUserPassword", MESSENGER_ADMIN, **SET, newPassword=NEW)

    def test_a_failure_behind_it_says_that_it_stays(self, site: Site) -> None:
        steps = (
            f'<execute namespace="{MANAGED_AD}" procedure="SetUserPassword" impersonate="1"><executeData>'
            f"<user>{ldap(JOHN)}</user><newPassword>{escape(NEW)}</newPassword>"
            f"<preferredDomainController>{SERVER}</preferredDomainController></executeData></execute>"
            '<execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData>'
            "<hr>0x80004005</hr><desc>enough</desc></executeData></execute>"
        )
        result = site.submit_steps(steps)
        assert [outcome.state for outcome in result.rollback] == [StepState.IRREVERSIBLE]
        assert is_johns(site, NEW)


class TestChangeUserPassword:
    @pytest.fixture(autouse=True)
    def first(self, site: Site) -> None:
        done(site, "SetUserPassword", **SET, newPassword=OLD)

    @pytest.mark.parametrize("caller", [JOHN_CALLS, ALPINE_ADMIN, DOMAIN_ADMIN], ids=lambda caller: caller.name)
    def test_whoever_knows_the_old_one(self, site: Site, caller: Caller) -> None:
        assert len(done(site, "ChangeUserPassword", caller, user=ldap(JOHN), oldPassword=OLD, newPassword=NEW)) == 0
        assert is_johns(site, NEW)

    def test_the_own_name_spelled_another_way(self, site: Site) -> None:
        given = {"user": ldap(JOHN.lower().replace(",", ", ")), "oldPassword": OLD, "newPassword": NEW}
        assert len(done(site, "ChangeUserPassword", JOHN_CALLS, **given)) == 0
        assert is_johns(site, NEW)

    def test_a_wrong_old_one(self, site: Site) -> None:
        given = {"user": ldap(JOHN), "oldPassword": OLD.strip(), "newPassword": NEW}
        assert refused(site, "ChangeUserPassword", JOHN_CALLS, **given).code == 0x8007202F
        assert is_johns(site, OLD)

    def test_others_do_not_get_to_try(self, site: Site) -> None:
        error = refused(site, "ChangeUserPassword", OTHER_ADMIN, user=ldap(JOHN), oldPassword=OLD, newPassword=NEW)
        assert error.code == 0x80070005
        own = {"user": ldap(ADMINS.replace("CN=Admins@AlpineSkiHouse", "CN=admin@alpineskihouse.com"))}
        error = refused(site, "ChangeUserPassword", JOHN_CALLS, **own, oldPassword=OLD, newPassword=NEW)
        assert error.code == 0x80070005
        assert is_johns(site, OLD)

    def test_it_is_changed_back(self, site: Site) -> None:
        steps = (
            f'<execute namespace="{MANAGED_AD}" procedure="ChangeUserPassword" impersonate="1"><executeData>'
            f"<user>{ldap(JOHN)}</user><oldPassword>{OLD}</oldPassword><newPassword>{escape(NEW)}</newPassword>"
            "</executeData></execute>"
            '<execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData>'
            "<hr>0x80004005</hr><desc>enough</desc></executeData></execute>"
        )
        result = site.submit_steps(steps)
        assert result.state is TransactionState.ROLLED_BACK
        assert [outcome.state for outcome in result.rollback] == [StepState.UNDONE]
        assert is_johns(site, OLD)

    @pytest.mark.parametrize("name", ["user", "oldPassword", "newPassword"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {"user": ldap(JOHN), "oldPassword": OLD, "newPassword": NEW, name: ""}
        error = refused(site, "ChangeUserPassword", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")


@pytest.fixture
def durable() -> Iterator[tuple[Engine, Path]]:
    """An engine with a durable store, and its folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "directory.db").write_bytes(seeded())
        create_key_file(folder / "mpf.key")
        config = Config.model_validate(
            {
                "base_dir": name,
                "store": {"url": "sqlite:///mpf.db", "key_file": "mpf.key"},
                "directory": {"path": "directory.db"},
                "security": {"permissions": {"trusted_requests": [DOMAIN_ADMIN.name]}},
                "plugins": {"mpf.policy": {"elevations": list(elevations())}},
            }
        )
        ours = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin()]
        with Engine(config, plugins=ours) as engine:
            yield engine, folder


def test_no_password_is_in_any_file_log_audit_or_answer(
    durable: tuple[Engine, Path], caplog: pytest.LogCaptureFixture
) -> None:
    engine, folder = durable
    caplog.set_level(logging.DEBUG)
    with EmbeddedDirectory(folder / "directory.db", server=SERVER, base=Dn.parse(BASE)) as directory:
        site = Site(engine, directory)
        results: list[Result] = [
            ask(site, "SetUserPassword", ALPINE_ADMIN, **SET, newPassword=OLD),
            ask(site, "ChangeUserPassword", JOHN_CALLS, user=ldap(JOHN), oldPassword="Wrong canary", newPassword=NEW),
            ask(site, "ChangeUserPassword", JOHN_CALLS, user=ldap(JOHN), oldPassword=OLD, newPassword=NEW),
            ask(site, "SetUserPassword", JOHN_CALLS, **SET, newPassword="Refused canary"),
            ask(site, "SetUserPassword", ALPINE_ADMIN, **SET, newPassword="Unfit canary", more="1"),
        ]
        assert [result.error is None for result in results] == [True, False, True, False, False]
        assert is_johns(site, NEW)
    texts = [result.document.decode() + repr(result) for result in results]
    texts += [record.getMessage() + repr(vars(record)) for record in caplog.records]
    texts += [repr(line) for line in engine.store.audit.lines()]
    for view in engine.transactions.find():
        texts += [repr(view), repr(engine.transactions.get(view.id).record)]
    octets = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert len(texts) > len(results)
    assert not [text for text in texts if "canary" in text.lower()]
    for encoding in ("utf-8", "utf-16-le"):
        assert not any("canary".encode(encoding) in content for content in octets)
