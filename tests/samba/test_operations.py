"""Every operation of the port on a real server, and what happens when it goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Principal
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Modification, ModifyOp, Scope
from mpf_directory.results import Result
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from tests.samba.controller import Samba, engine_config

pytestmark = pytest.mark.samba

EVERYTHING = Filter.present("objectClass")


def add_user(directory: Directory, place: Dn, name: str, **attributes: str) -> Dn:
    dn = place.child("CN", name)
    values = {key: [value] for key, value in attributes.items()}
    directory.add(dn, {"objectClass": ["user"], "sAMAccountName": [name[:20]], **values})
    return dn


def code_of(raised: pytest.ExceptionInfo[MpfError]) -> int:
    return raised.value.code


def test_an_object_is_added_and_read_with_values_of_both_kinds(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc", displayName='Jöhn, "C" <c>', **{"msRTCSIP-UserEnabled": "TRUE"})

    entry = directory.read(user)

    assert entry is not None
    assert entry.dn == user
    assert entry.text("DISPLAYNAME") == 'Jöhn, "C" <c>'
    assert entry.text("msRTCSIP-UserEnabled") == "TRUE"
    guid = entry.octets("objectGUID")
    assert guid is not None
    assert len(guid) == 16
    by_guid = directory.read(Dn.by_guid(UUID(bytes_le=guid)), ["cn"])
    assert by_guid is not None
    assert by_guid.dn == user


def test_only_named_attributes_are_read(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc", displayName="John")
    entry = directory.read(user, ["displayname"])
    assert entry is not None
    assert {name.lower() for name in entry.attributes} == {"displayname"}


def test_reading_what_is_not_there_gives_nothing(directory: Directory, place: Dn) -> None:
    assert directory.read(place.child("CN", "nobody")) is None
    assert directory.read(Dn.by_guid(UUID(int=1))) is None


#: Names that are hard to spell; of control characters a server sends some as they are, and some escaped.
NAMES = (
    "a,b", "a+b=c", 'q"q', " lead and trail ", "#hash", "room #5", "back\\slash", "ünï", "a/b", "<x>;y", " ",
    "a\tb", "\ta", "a\x01b", "a\x1fb", "a\nb", "a\rb", "a\x7fb", "a\x85b",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_with_special_characters_keep_them(directory: Directory, place: Dn, name: str) -> None:
    dn = place.child("OU", name)
    directory.add(dn, {"objectClass": ["organizationalUnit"]})
    entry = directory.read(dn, ["ou"])
    assert entry is not None
    assert entry.dn == dn
    moved = place.child("OU", name + "2")
    directory.rename(dn, moved)
    found = directory.read(moved, ["ou"])
    assert found is not None
    assert found.dn == moved


@pytest.mark.parametrize("name", NAMES)
def test_such_names_are_found_and_followed(directory: Directory, place: Dn, name: str) -> None:
    dn = place.child("CN", name)
    directory.add(dn, {"objectClass": ["user"], "sAMAccountName": ["strange"]})
    values = {"member": [str(dn)], "managedBy": [str(dn)]}
    group = place.child("CN", "group")
    directory.add(group, {"objectClass": ["group"], "sAMAccountName": ["a group"], **values})

    found = {
        e.dn: e for e in directory.search(place, Scope.ONE_LEVEL, EVERYTHING, ["distinguishedName", "member", "managedBy"])
    }

    assert set(found) == {dn, group}
    assert found[dn].text("distinguishedName") == str(next(one for one in found if one == dn))
    assert [Dn.parse(str(found[group].text(attribute))) for attribute in values] == [dn, dn]
    directory.modify(group, [Modification("member", ModifyOp.DELETE, found[group].values("member"))])
    directory.delete(next(one for one in found if one == dn))
    assert directory.read(dn) is None


def test_a_search_goes_as_deep_as_its_scope(directory: Directory, place: Dn) -> None:
    inner = place.child("OU", "inner")
    directory.add(inner, {"objectClass": ["organizationalUnit"]})
    leaf = add_user(directory, inner, "leaf")

    def found(scope: Scope) -> set[Dn]:
        return {entry.dn for entry in directory.search(place, scope, EVERYTHING, ["cn"])}

    assert found(Scope.BASE) == {place}
    assert found(Scope.ONE_LEVEL) == {inner}
    assert found(Scope.SUBTREE) == {place, inner, leaf}


def test_a_search_below_what_is_not_there_says_so_at_once(directory: Directory, place: Dn) -> None:
    with pytest.raises(MpfError) as raised:
        directory.search(place.child("OU", "gone"), Scope.SUBTREE, EVERYTHING)
    assert code_of(raised) == Code.NO_SUCH_OBJECT


@pytest.mark.parametrize(
    "value", ["plain", "a*b", "(paren)", "back\\slash", "\\2a", "\\5c2a", "  two  blanks", "ü", "x&y|z!", "=", "*"]
)
def test_a_filter_finds_exactly_its_value(directory: Directory, place: Dn, value: str) -> None:
    user = add_user(directory, place, "target", description=value)
    add_user(directory, place, "other", description="something else")
    found = [entry.dn for entry in directory.search(place, Scope.SUBTREE, Filter.eq("description", value), ["cn"])]
    assert found == [user]
    starting = [e.dn for e in directory.search(place, Scope.SUBTREE, Filter.starts_with("description", value), ["cn"])]
    assert starting == [user]


def test_filters_of_every_kind(directory: Directory, place: Dn) -> None:
    one = add_user(directory, place, "one", description="first", employeeID="10")
    two = add_user(directory, place, "two", description="second")
    group = place.child("CN", "group")
    directory.add(group, {"objectClass": ["group"], "sAMAccountName": ["a group"], "member": [str(one)]})

    def found(text: str) -> set[Dn]:
        return {entry.dn for entry in directory.search(place, Scope.ONE_LEVEL, Filter.parse(text), ["cn"])}

    assert found("(&(objectClass=user)(!(employeeID=*)))") == {two}
    assert found("(|(description=fir*)(description=*con*))") == {one, two}
    assert found("(groupType:1.2.840.113556.1.4.803:=2147483648)") == {group}
    assert found(f"(memberOf={group})") == {one}
    assert found("(&)") == {one, two, group}
    assert found("(|)") == set()
    entry = directory.read(one, ["objectGUID"])
    assert entry is not None
    by_guid = Filter.eq("objectGUID", entry.octets("objectGUID") or b"")
    assert [e.dn for e in directory.search(place, Scope.ONE_LEVEL, by_guid)] == [one]


def test_a_limit_is_kept(directory: Directory, place: Dn) -> None:
    for number in range(5):
        add_user(directory, place, f"user{number}")
    users = Filter.eq("objectClass", "user")
    assert len(list(directory.search(place, Scope.ONE_LEVEL, users, ["cn"], limit=2))) == 2
    assert list(directory.search(place, Scope.ONE_LEVEL, users, ["cn"], limit=0)) == []


def test_a_modify_happens_as_a_whole_or_not_at_all(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc", description="before")
    with pytest.raises(MpfError):
        directory.modify(
            user,
            [
                Modification("description", ModifyOp.REPLACE, ("after",)),
                Modification("displayName", ModifyOp.DELETE, ("was never there",)),
            ],
        )
    entry = directory.read(user, ["description"])
    assert entry is not None
    assert entry.text("description") == "before"


def test_values_are_added_deleted_and_replaced(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc", proxyAddresses="smtp:a@b")
    directory.modify(
        user,
        [
            Modification("proxyAddresses", ModifyOp.ADD, ("sip:a@b", "smtp:c@d")),
            Modification("proxyAddresses", ModifyOp.DELETE, ("smtp:a@b",)),
            Modification("msRTCSIP-OptionFlags", ModifyOp.REPLACE, ("256",)),
        ],
    )
    directory.modify(user, [Modification("msRTCSIP-OptionFlags", ModifyOp.REPLACE)])
    directory.modify(user, [])
    entry = directory.read(user, ["proxyAddresses", "msRTCSIP-OptionFlags"])
    assert entry is not None
    assert set(entry.values("proxyAddresses")) == {"sip:a@b", "smtp:c@d"}
    assert entry.values("msRTCSIP-OptionFlags") == ()


def test_moving_a_tree_keeps_what_points_at_it(directory: Directory, place: Dn) -> None:
    source, target = place.child("OU", "source"), place.child("OU", "target")
    for unit in (source, target):
        directory.add(unit, {"objectClass": ["organizationalUnit"]})
    user = add_user(directory, source, "Johnc")
    group = place.child("CN", "group")
    directory.add(group, {"objectClass": ["group"], "sAMAccountName": ["moved group"], "member": [str(user)]})

    directory.rename(source, target.child("OU", "renamed"))

    entry = directory.read(group, ["member"])
    assert entry is not None
    assert [Dn.parse(str(value)) for value in entry.values("member")] == [target.child("OU", "renamed").child("CN", "Johnc")]


def test_an_object_can_be_renamed_by_its_guid(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc")
    entry = directory.read(user, ["objectGUID"])
    assert entry is not None
    by_guid = Dn.by_guid(UUID(bytes_le=entry.octets("objectGUID") or b""))
    directory.rename(by_guid, place.child("CN", "Johnd"))
    assert directory.read(user) is None
    assert directory.read(place.child("CN", "Johnd")) is not None


def test_a_well_known_object_is_found_and_follows_its_move(directory: Directory, place: Dn) -> None:
    services = place.child("CN", "Services")
    guid = UUID(bytes_le=bytes.fromhex("3841BDA6D81C4095B9BBB838808F5A55"))
    directory.add(services, {"objectClass": ["container"]})
    pointer = f"B:32:3841BDA6D81C4095B9BBB838808F5A55:{services}"
    directory.modify(place, [Modification("otherWellKnownObjects", ModifyOp.ADD, (pointer,))])

    directory.rename(services, place.child("CN", "Moved"))

    entry = directory.read(Dn.by_well_known_guid(guid, place), ["cn"])
    assert entry is not None
    assert entry.dn == place.child("CN", "Moved")


def test_errors_have_the_codes_of_adsi_and_the_words_of_the_server(directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "Johnc", proxyAddresses="sip:a@b")

    def fails(code: int, modification: Modification) -> str:
        with pytest.raises(MpfError) as raised:
            directory.modify(user, [modification])
        assert f"{raised.value.code:#010x}" == f"{int(code):#010x}"
        return raised.value.description

    fails(Result.ATTRIBUTE_OR_VALUE_EXISTS, Modification("proxyAddresses", ModifyOp.ADD, ("sip:a@b",)))
    fails(Result.NO_ATTRIBUTE_OR_VALUE, Modification("description", ModifyOp.DELETE, ("x",)))
    text = fails(Result.NO_ATTRIBUTE_OR_VALUE, Modification("noSuchAttribute", ModifyOp.ADD, ("x",)))
    assert "noSuchAttribute" in text
    fails(Result.OBJ_CLASS_VIOLATION, Modification("msRTCSIP-BackEndServer", ModifyOp.ADD, ("x",)))
    fails(Result.INVALID_ATTRIBUTE_SYNTAX, Modification("msRTCSIP-OptionFlags", ModifyOp.ADD, ("many",)))
    fails(Result.INVALID_ATTRIBUTE_SYNTAX, Modification("description", ModifyOp.ADD, ("\ud800",)))

    with pytest.raises(MpfError) as raised:
        directory.add(user, {"objectClass": ["user"], "sAMAccountName": ["again"]})
    assert code_of(raised) == Code.OBJECT_ALREADY_EXISTS
    with pytest.raises(MpfError) as raised:
        directory.delete(place)
    assert code_of(raised) == Result.CANT_ON_NON_LEAF
    gone = place.child("CN", "nobody")
    operations: list[Callable[[], None]] = [
        lambda: directory.delete(gone),
        lambda: directory.modify(gone, [Modification("description", ModifyOp.ADD, ("x",))]),
        lambda: directory.rename(gone, place.child("CN", "other")),
        lambda: directory.add(gone.child("CN", "below"), {"objectClass": ["container"]}),
    ]
    for operation in operations:
        with pytest.raises(MpfError) as raised:
            operation()
        assert code_of(raised) == Code.NO_SUCH_OBJECT


def test_threads_share_a_directory(directory: Directory, place: Dn) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for round_ in range(5):
                dn = add_user(directory, place, f"user{number}-{round_}", description=str(number))
                entry = directory.read(dn, ["description"])
                assert entry is not None
                assert entry.text("description") == str(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(list(directory.search(place, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))) == 30


def test_acls_count_for_whoever_is_bound(samba: Samba, service: DirectoriesService, directory: Directory, place: Dn) -> None:
    user = add_user(directory, place, "plain", userPrincipalName="plain@fabrikam.com")
    password = "Plain-w0rd of a user"
    directory.modify(user, [Modification("unicodePwd", ModifyOp.REPLACE, (f'"{password}"'.encode("utf-16-le"),))])
    directory.modify(user, [Modification("userAccountControl", ModifyOp.REPLACE, ("512",))])
    own = Identity(IdentityKind.CALLER, "plain", Principal("plain", credentials=Credentials("plain@fabrikam.com", password)))

    bound = service.open(own, "ad01.FABRIKAM.com.")

    assert bound.server == samba.name
    assert bound.has_acls
    with pytest.raises(MpfError) as raised:
        bound.add(place.child("OU", "mine"), {"objectClass": ["organizationalUnit"]})
    assert code_of(raised) == Code.E_ACCESSDENIED
    assert bound.read(user, ["cn"]) is not None


def test_without_a_password_nothing_is_bound(service: DirectoriesService) -> None:
    with pytest.raises(MpfError) as raised:
        service.open(Identity(IdentityKind.CALLER, "johnc@fabrikam.com"))
    assert code_of(raised) == Code.E_ACCESSDENIED
    assert "impersonation" in raised.value.description
    empty = Identity(IdentityKind.BASIC, "x", credentials=Credentials("Administrator", "", "FABRIKAM"))
    with pytest.raises(MpfError) as raised:
        service.open(empty)
    assert code_of(raised) == Code.E_ACCESSDENIED


@pytest.mark.parametrize("kind", [IdentityKind.BASIC, IdentityKind.EXECUTE_AS])
def test_wrong_passwords_are_tried_three_times_only(samba: Samba, kind: IdentityKind) -> None:
    settings = DirectorySettings.model_validate(engine_config(samba))
    with_service = DirectoriesService(settings, samba.folder, lambda _name: samba.administrator)
    wrong = Identity(kind, "x", credentials=Credentials("MPFServiceAcct", "not the password", "FABRIKAM"))
    codes = []
    for _ in range(4):
        with pytest.raises(MpfError) as raised:
            with_service.open(wrong)
        codes.append(raised.value.code)
    assert codes == [Result.LOGON_FAILURE] * 3 + [Code.E_ACCESSDENIED]
    assert with_service.service().read(samba.base, ["dc"]) is not None
    with_service.close()


def test_a_wrong_password_never_gets_a_connection_bound_with_the_right_one(
    samba: Samba, service: DirectoriesService
) -> None:
    right = samba.administrator
    assert service.open(Identity(IdentityKind.BASIC, "x", credentials=right)).read(samba.base, ["dc"]) is not None
    wrong = Credentials(right.username, right.password + "!", right.domain)
    with pytest.raises(MpfError) as raised:
        service.open(Identity(IdentityKind.BASIC, "x", credentials=wrong))
    assert code_of(raised) == Result.LOGON_FAILURE


def test_certificates_are_checked(samba: Samba, tmp_path: Path) -> None:
    config = engine_config(samba)

    def opens(**changes: object) -> DirectoriesService:
        settings = DirectorySettings.model_validate({**config, **changes})
        return DirectoriesService(settings, tmp_path, lambda _name: samba.administrator)

    untrusted = {key: value for key, value in config.items() if key != "ca_file"}
    for refused in (
        DirectoriesService(DirectorySettings.model_validate(untrusted), tmp_path, lambda _name: samba.administrator),
        opens(server="other.fabrikam.com", servers={"other.fabrikam.com": samba.endpoint}),
    ):
        with pytest.raises(MpfError) as raised:
            refused.service()
        assert code_of(raised) == Code.SERVER_DOWN
        assert "certificate" in raised.value.description.lower()
    careless = opens(verify=False, server="other.fabrikam.com", servers={"other.fabrikam.com": samba.endpoint})
    assert careless.service().server == "other.fabrikam.com"
    careless.close()
    with pytest.raises(ConfigError):
        opens(ca_file="missing.pem")
