"""The hosting tree on an empty real domain, by requests alone, each as whoever sends it: its access control lists decide."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpf_core import Caller, Config, Credentials, Engine
from mpf_core.errors import Code, MpfError
from mpf_directory import DirectoryPlugin, layout
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.layout import ORGANIZATIONS
from mpf_directory.port import Directory, Modification, ModifyOp, Scope
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.namespaces.tree_by_requests import AD, Builder, Requests, administrator, path, tree
from tests.samba.controller import Samba, SambaCredentials, engine_config, remove_tree

pytestmark = pytest.mark.samba

PASSWORD = "Organization-w0rd of a test"
HOSTING, MESSENGER, ALPINE, LITWARE, _ = (each.dn(layout.BASE) for each in ORGANIZATIONS)
#: What says what the tree is; the rest is the server's own business.
TELLING = {
    "objectclass",
    "upnsuffixes",
    "otherwellknownobjects",
    "member",
    "memberof",
    "grouptype",
    "samaccountname",
    "userprincipalname",
    "displayname",
    "useraccountcontrol",
}


class _Everyone(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return PASSWORD


def telling(directory: Directory) -> dict[str, dict[str, frozenset[str]]]:
    """The tree with what is comparable between two directories; no letter's case counts."""
    return {
        name: {
            attribute: frozenset(str(value).lower() for value in values)
            for attribute, values in attributes.items()
            if attribute in TELLING
        }
        for name, attributes in tree(directory).items()
    }


@pytest.fixture(scope="module")
def engine(samba: Samba, directory: Directory) -> Iterator[Engine]:
    """Impersonates by binding as the caller, on a domain without a Hosting unit."""
    if directory.read(HOSTING, ["ou"]) is not None:
        remove_tree(directory, HOSTING)
    administrators = ["Administrator@fabrikam.com"]
    config = Config.model_validate(
        {
            "directory": engine_config(samba) | {"impersonation": "bind"},
            "plugins": {"mpf.policy": {"elevations": list(elevations())}},
            "security": {"permissions": {"trusted_requests": administrators, "private_procedures": administrators}},
        }
    )
    plugins = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin(), SambaCredentials(samba)]
    with Engine(config, plugins=plugins) as made:
        assert [info.name for info in made.plugins if info.state == "broken"] == []
        yield made
    remove_tree(directory, HOSTING)


@pytest.fixture(scope="module")
def administrator_of_the_domain(samba: Samba) -> Caller:
    own = Credentials("Administrator", samba.administrator.password, "FABRIKAM")
    return Caller("Administrator@fabrikam.com", own)


@pytest.fixture(scope="module")
def building(
    engine: Engine, directory: Directory, samba: Samba, administrator_of_the_domain: Caller
) -> tuple[Requests, dict[str, dict[str, frozenset[str]]]]:
    """Build the tree, and look at it before a test changes it."""
    requests = Requests(engine, samba.name)
    Builder(requests, layout.BASE, administrator_of_the_domain, _Everyone(), caller).tree()
    return requests, telling(directory)


@pytest.fixture(scope="module")
def built(building: tuple[Requests, object]) -> Requests:
    return building[0]


def caller(name: str) -> Caller:
    """Somebody of the tree, with credentials."""
    return Caller(name, Credentials(name, PASSWORD))


@pytest.fixture
def bound_as(samba: Samba) -> Iterator[Callable[[str], Directory]]:
    """The directory, bound as somebody."""
    opened: list[DirectoriesService] = []

    def bind(name: str) -> Directory:
        settings = DirectorySettings.model_validate(engine_config(samba))
        service = DirectoriesService(settings, samba.folder, lambda _: Credentials(name, PASSWORD))
        opened.append(service)
        return service.service()

    yield bind
    for service in opened:
        service.close()


def sddl(samba: Samba, dn: Dn) -> str:
    """What Samba's own tool says of an object's security descriptor."""
    done = subprocess.run(
        ["samba-tool", "dsacl", "get", f"--objectdn={dn}", "-H", str(samba.folder / "dc" / "private" / "sam.ldb")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return "".join(done.stdout.split("descriptor for", 1)[1].split(":", 1)[1].split())


def test_it_is_the_tree_that_the_seed_makes(
    building: tuple[Requests, dict[str, dict[str, frozenset[str]]]], tmp_path: Path
) -> None:
    with EmbeddedDirectory.create(tmp_path / "seeded.db", server=layout.SERVER, base=layout.BASE) as embedded:
        seed_hosting_tree(embedded)
        seeded = telling(embedded)
    found = building[1]
    assert sorted(found) == sorted(seeded)
    for name, attributes in seeded.items():
        assert found[name] == attributes, name


@pytest.mark.usefixtures("built")
def test_administrators_may_write_in_their_organizations_and_nowhere_else(bound_as: Callable[[str], Directory]) -> None:
    def write(who: Dn, where: Dn) -> None:
        name = administrator(next(each for each in ORGANIZATIONS if each.dn(layout.BASE) == who))
        bound_as(name).modify(where, [Modification("description", ModifyOp.REPLACE, (f"by {name}",))])

    john = ALPINE.child("CN", "Johnc@AlpineSkiHouse.com")
    for who, where in ((ALPINE, john), (MESSENGER, john), (HOSTING, john), (MESSENGER, MESSENGER), (HOSTING, LITWARE)):
        write(who, where)
    for who, where in (
        (LITWARE, john),
        (ALPINE, MESSENGER),
        (MESSENGER, HOSTING),
        (MESSENGER, LITWARE),
        (HOSTING, layout.BASE),
    ):
        with pytest.raises(MpfError) as refused:
            write(who, where)
        assert refused.value.code == Code.E_ACCESSDENIED, (str(who), str(where))


def test_an_organization_that_fails_later_leaves_nothing_behind(built: Requests, directory: Directory, samba: Samba) -> None:
    before, descriptor = tree(directory), sddl(samba, MESSENGER)
    request = f"""<request><procedure>
        <execute namespace="{AD}" procedure="CreateOrganization" impersonate="1"><executeData>
          <name>Proseware</name><container>{path(MESSENGER)}</container><policyName>customer</policyName>
        </executeData></execute>
        <execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData>
          <hr>0x80004005</hr><desc>enough</desc>
        </executeData></execute>
      </procedure></request>"""
    result = built.engine.execute(request, Caller("Administrator@fabrikam.com", samba.administrator))
    assert result.error is not None
    assert result.error.description == "enough"
    assert {outcome.state.value for outcome in result.rollback} == {"undone"}
    assert tree(directory) == before
    assert sddl(samba, MESSENGER) == descriptor


def test_deleting_by_the_owners_administrators(built: Requests, directory: Directory) -> None:
    before = tree(directory)
    admin = caller("admin@consolidatedmessenger.com")
    built.send(admin, AD, "CreateOrganization", name="Proseware", container=path(MESSENGER), policyName="customer")
    unit = MESSENGER.child("OU", "Proseware")
    built.send(admin, AD, "RenameOrganization", org=path(unit), newName="Wingtip")
    unit = MESSENGER.child("OU", "Wingtip")
    assert directory.read(unit.child("CN", "Admins@Wingtip"), ["cn"]) is not None
    built.send(admin, AD, "ModifyOrganization", {"description": "Toys"}, org=path(unit))
    found = directory.read(unit, ["description"])
    assert found is not None
    assert found.text("description") == "Toys"
    built.send(admin, AD, "DeleteOrganization", org=path(unit))
    assert tree(directory) == before


def test_members_shared_among_groups(built: Requests, directory: Directory) -> None:
    admin = caller("admin@alpineskihouse.com")
    users = {"organization": path(ALPINE), "capacityType": "UserN"}
    private = ALPINE.child("CN", "_Private")
    before = set(directory.read(private.child("CN", "AllUsers@AlpineSkiHouse"), ["member"]).values("member"))  # type: ignore[union-attr]
    built.send(admin, AD, "ExpandWin2KCapacity", multiplier="2", **users)
    assert built.send(admin, AD, "GetWin2KCapacityExpansion", **users).findtext("multiplier") == "2"
    assert built.send(admin, AD, "DistributeGroupMemberships", **users).find("processed") is not None
    assert len(built.send(admin, AD, "GetWin2KCapacityPending", **users)) == 0
    place = private.child("CN", "MultiGroup").child("CN", "UserN")
    shares = list(directory.search(place, Scope.ONE_LEVEL, Filter.eq("objectClass", "group"), ["member"]))
    assert {value for share in shares for value in share.values("member")} == before
    assert [len(share.values("member")) for share in shares] == [1, 1]


@pytest.mark.parametrize("procedure", ["RemoveAllAuthenticatedUsersACEs_", "BlockDaclInheritance_"])
def test_locking_down_and_taking_that_back(built: Requests, directory: Directory, samba: Samba, procedure: str) -> None:
    there, gone = {"RemoveAllAuthenticatedUsersACEs_": ("D:AI", ";;;AU)"), "BlockDaclInheritance_": ("D:P", "ID;")}[
        procedure
    ]
    unit = LITWARE.child("OU", f"of {procedure}")
    directory.add(unit, {"objectClass": ["organizationalUnit"]})
    before = sddl(samba, unit)
    assert gone in before
    step = f"""<execute namespace="{AD}" procedure="{procedure}" impersonate="1"><executeData>
        <object>{path(unit)}</object></executeData></execute>"""
    fail = """<execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData>
        <hr>0x80004005</hr><desc>enough</desc></executeData></execute>"""
    administrator = Caller("Administrator@fabrikam.com", samba.administrator)
    result = built.engine.execute(f"<request><procedure>{step}{fail}</procedure></request>", administrator)
    assert result.error is not None
    assert result.error.description == "enough"
    assert {outcome.state.value for outcome in result.rollback} == {"undone"}
    assert sddl(samba, unit) == before
    for _ in range(2):  # and again: nothing is left to do
        result = built.engine.execute(f"<request><procedure>{step}</procedure></request>", administrator)
        assert result.error is None, result.document.decode()
        assert there in sddl(samba, unit)
        assert gone not in sddl(samba, unit)
    directory.delete(unit)


@pytest.mark.usefixtures("built")
def test_nothing_stays_parked(directory: Directory) -> None:
    parked = directory.base.child("OU", "MPF-Parked")
    assert [str(e.dn) for e in directory.search(parked, Scope.ONE_LEVEL, Filter.present("objectClass"), ["cn"])] == []
