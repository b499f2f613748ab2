"""What an engine leaves behind that is killed: a store and a directory, for the engines of later releases.

    python -m tests.compatibility.leave_behind tests/compatibility/VERSION/left_behind.zip

makes the file when a version is released; it is never changed afterwards. In it are a store and its key, with a request that
is committed and has an idempotency key, one that was killed between the decision to commit and the commit, and one that was
killed behind its last step; the embedded directory as they left it; and its objects as they have to be in the end
(``expected.json``).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

from mpf_core import Config, Engine
from mpf_core.testing import AllowAll, kill_at
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_error import ErrorPlugin
from mpf_ocs import OcsPlugin
from tests.kills.requests import AD, ADMINS, OCS_PROVIDER, POOL_GUID, properties, request, step
from tests.namespaces.support import (
    ALPINE,
    BASE,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    OTHER_CUSTOMER,
    PARKING,
    POOL1,
    SERVER,
    VOLATILE,
    ldap,
    seeded,
)

#: Whoever has the idempotency key gets the answer again.
KEY = "the first request"
COMMITTED = request(
    step(AD, "Set Properties", properties(description="committed"), path=ldap(JOHN)),
    # Where deleted objects are parked is made by the first one, and locked until its request is over.
    step(AD, "Delete Object", path=ldap(f"CN=admin@alpineskihouse.com,{ALPINE}")),
)
#: One step of each kind of change.
KILLED = request(
    step(AD, "Create Object", properties(description="new"), container=ldap(ALPINE), name="New", **{"class": "contact"}),
    step(AD, "Set Properties", properties(displayName="", sn="Clark"), path=ldap(JOHN)),
    step(AD, "Group Add", group=ldap(ADMINS), path=ldap(JOHN)),
    step(AD, "Set Other Well Known Object", path=ldap(ALPINE), guid=POOL_GUID, distinguishedName=POOL1),
    step(
        OCS_PROVIDER,
        "CreateSipUser",
        enabled="true",
        homeServerDN=POOL1,
        primaryURI="sip:johnc@alpineskihouse.com",
        userDN=JOHN,
        preferredDomainController=SERVER,
    ),
    step(AD, "Rename Object", source=ldap(f"CN=New,{ALPINE}"), name="CN=Newer"),
    step(AD, "Move Object", source=ldap(f"CN=Newer,{ALPINE}"), destination=ldap(MESSENGER)),
    step(AD, "Delete Object", path=ldap(f"CN=_Private,{ALPINE}")),
)
#: Its commit deletes what its step has put aside.
DECIDED = request(step(AD, "Delete Object", path=ldap(f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}")))


def an_engine(folder: Path) -> Engine:
    """An engine on the store and the directory in ``folder``, which recovers nothing before it is told to."""
    trusted = [DOMAIN_ADMIN.name]
    config = Config.model_validate(
        {
            "base_dir": str(folder),
            "engine": {"undo_wait": 0},
            "store": {"url": "sqlite:///store.db", "key_file": "store.key"},
            "directory": {"path": "directory.db"},
            "security": {"permissions": {"trusted_requests": trusted, "private_procedures": trusted}},
        }
    )
    return Engine(config, plugins=[DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), AllowAll()])


def objects(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The directory's objects as they are, those aside that are parked."""
    with EmbeddedDirectory(folder / "directory.db", server=SERVER, base=Dn.parse(BASE)) as directory:
        found = directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
        return {
            str(entry.dn): {
                name: sorted(map(repr, values)) for name, values in entry.attributes.items() if name not in VOLATILE
            }
            for entry in found
            if not str(entry.dn).endswith(PARKING)
        }


def main() -> int:
    """Make the file."""
    with tempfile.TemporaryDirectory() as name:
        folder, copy = Path(name) / "left", Path(name) / "copy"
        folder.mkdir()
        (folder / "directory.db").write_bytes(seeded())
        with closing(an_engine(folder)) as engine:
            first = engine.execute(COMMITTED, DOMAIN_ADMIN, idempotency_key=KEY)
        assert first.error is None, first.error
        shutil.copytree(folder, copy)
        with closing(an_engine(copy)) as engine:
            second = engine.execute(DECIDED, DOMAIN_ADMIN)
        assert second.error is None, second.error
        (folder / "expected.json").write_text(json.dumps(objects(copy), indent=1, sort_keys=True), encoding="utf-8")
        _die(folder, DECIDED, "provider.commit.before", 1)
        _die(folder, KILLED, "provider.apply.after", KILLED.count("<execute "))
        with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                if not file.name.endswith("-shm"):
                    archive.write(file, file.relative_to(folder))
    return 0


def _die(folder: Path, request: str, point: str, occurrence: int) -> None:
    """Run a request in a process that is killed on the way."""
    child = os.fork()
    if child == 0:
        kill_at(point, occurrence)
        print(an_engine(folder).execute(request, DOMAIN_ADMIN).document.decode(), file=sys.stderr)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed"


if __name__ == "__main__":
    sys.exit(main())
