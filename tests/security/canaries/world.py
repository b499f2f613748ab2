"""A world with secrets everywhere: an engine, its folder, and what came of the requests."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from click.testing import CliRunner

from mpf_config import ConfigPlugin
from mpf_core import Config, ConfigError, Credentials, Engine, Result
from mpf_core.cli import cli
from mpf_core.log import logger
from mpf_core.planning import Plan
from mpf_core.testing import Recorder
from mpf_core.tracing import Trace
from mpf_core.transaction.states import TransactionState
from mpf_directory import layout
from mpf_directory.embedded import EmbeddedDirectory
from mpf_eventlog import EventLogPlugin
from tests.security.canaries.parrot import (
    CALLER,
    NAMESPACE,
    TOKENS,
    UNDO_FAILS,
    Everything,
    ParrotPlugin,
    ParrotPolicy,
    secret,
)

#: The token is in the bytes of the key; the file has them in base64.
KEY = TOKENS["the store's key"].encode().ljust(32, b".")
CONFIGURATION = f"""
[engine]
undo_wait = 0
undo_attempts = 1
namespaces = ["parrot.xml"]
[store]
url = "sqlite:///mpf.db"
key_file = "mpf.key"
[security.permissions]
trusted_requests = ["{CALLER.name}"]
administration = ["{CALLER.name}"]
callers_credentials = ["{CALLER.name}"]
private_procedures = ["{CALLER.name}"]
assert_caller = ["system:*"]
[plugins]
enabled = ["test.parrot", "test.parrot-policy", "mpf.config", "mpf.eventlog"]
[plugins."mpf.eventlog"]
path = "events.jsonl"
"""
#: The same store and a directory, for `mpfctl directory`: the other configuration's callers are in none.
WITH_DIRECTORY = """
[store]
url = "sqlite:///mpf.db"
key_file = "mpf.key"
[plugins]
enabled = ["mpf.directory"]
"""
ACCOUNT = layout.BASE.child("CN", "Users").child("CN", "parrot")
ENTRY_POINTS = """
[mpf.plugins]
test.parrot = tests.security.canaries.parrot:ParrotPlugin
[mpf.security]
test.parrot-policy = tests.security.canaries.parrot:ParrotPolicy
"""


def call(procedure: str, content: str = "") -> str:
    """A step that hands on what the request marks in its data, and what it marks itself."""
    marked = (
        f'<pin do-not-log="true">{escape(secret("marked in executeData"))}</pin>'
        f'<all do-not-log="1"><of><this>{escape(secret("marked around others"))}</this></of><name>x</name></all>'
    )
    before = '<before source="data" sourcePath="password" destination="executeData"/>'
    return (
        f'<execute namespace="Parrot" procedure="{procedure}" impersonate="1">'
        f"<executeData>{content or marked}</executeData>{'' if content else before}</execute>"
    )


def request(*steps: str, basic: bool = True) -> str:
    """A request with these steps and secrets in its data and its credentials.

    The last step takes the data away: what a request leaves in its data is its answer.
    """
    password = escape(secret("basic credentials"), {'"': "&quot;"})
    authentication = f'<authentication><basic username="basic" password="{password}" domain="FABRIKAM"/></authentication>'
    context = f"<context><securityContext>{authentication}</securityContext></context>" if basic else ""
    data = f'<password do-not-log="1"> {escape(secret("marked in data"))} </password>'
    body = 'destination="executeData" mode="move"'.join("".join(steps).rsplit('destination="executeData"', 1))
    return f"<request><data>{data}</data>{context}<procedure>{body}</procedure></request>"


def administer(procedure: str, content: str = "") -> str:
    """A step that says who procedures run as, or lists whom they may; its answer is in the response."""
    after = '<after source="executeData" sourcePath="*" destination="data" ifNull="ignore"/>'
    data = f"<executeData>{content}</executeData>"
    return f'<execute namespace="MPF Config" procedure="{procedure}" impersonate="1">{data}{after}</execute>'


REQUESTS = {
    "succeeds": request(call("Say"), call("SayAs"), call("Mean")),
    "with the caller's password": request(call("Say"), basic=False),
    "fails": request(call("Say"), call("Mean"), call("SayAs"), call("Fail")),
    "administers": request(
        administer("SetExecuteAs", "<namespace>Parrot</namespace><username>priv</username><procedure>SayAs</procedure>"),
        administer("GetCredentials"),
        call("SayAs"),
    ),
    "crashes": request(call("Say"), call("Crash")),
    "is wrong": request(call("Strict", f"<number>{escape(secret('marked by the schema'))}</number>")),
    "is not admitted": request('<execute namespace="Parrot" procedure="Say" impersonate="7"/>', call("Say")),
}


@dataclass
class World:
    """A folder with an engine's files, and what came of the requests."""

    folder: Path
    engine: Engine
    parrot: ParrotPlugin
    policy: ParrotPolicy
    recorder: Recorder
    logged: Everything = field(default_factory=Everything)
    results: list[Result] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    unsettled: str = ""

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what is logged: by one world at a time, because all use the same logger."""
        log = logging.getLogger("mpf")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "level", logging.DEBUG)
            log.addHandler(self.logged)
            try:
                yield
            finally:
                log.removeHandler(self.logged)

    def run(self) -> None:
        """Everything that an engine does."""
        for name, text in REQUESTS.items():
            succeeded = self._execute(text).error is None
            assert succeeded is name.startswith(("succeeds", "with", "administers")), (name, self.results[-1].error)
            self.plans.append(self.engine.plan(text, CALLER))
        for _ in range(2):
            self.results.append(self.engine.execute(REQUESTS["succeeds"], CALLER, idempotency_key="once"))
        assert self.results[-1].repeated
        self.policy.fails = True
        self._execute(REQUESTS["fails"])
        self.policy.fails = False
        (self.folder / UNDO_FAILS).touch()
        self.unsettled = self._execute(REQUESTS["fails"]).transaction_id
        assert self.results[-1].state is TransactionState.INCONSISTENT
        with made(self.folder) as (other, _, _):  # which knows of the secrets by the journal only
            other.transactions.retry(self.unsettled, "operator")
            logger().info("an engine", engine=other, record=other.transactions.get(self.unsettled))

    def _execute(self, text: str) -> Result:
        self.traces.append(Trace())
        self.results.append(self.engine.execute(text, CALLER, trace=self.traces[-1]))
        return self.results[-1]

    def misconfigure(self) -> None:
        """Start engines with mistakes in what holds secrets."""
        of_file, of_key = TOKENS["the file of credentials"], TOKENS["the store's key"]
        url = f'[store]\nurl = "mysql://root:{of_file}@db/mpf"\n'
        for file, content in (
            ("credentials.toml", f'[file]\npassword = "{of_file}" "x"'),
            ("credentials.toml", f'[file]\npasword = "{of_file}"'),
            ("mpf.key", of_key),
            ("mpf.toml", url),
            ("mpf.toml", f'{url}"{of_file}'),
        ):
            path = self.folder / file
            before = path.read_bytes()
            path.write_text(content)
            try:
                with made(self.folder) as (engine, _, _):
                    self.problems += [ConfigError(one.reason) for one in engine.plugins if one.reason]
                    engine.runtime.credentials("file")
            except ConfigError as error:
                self.problems.append(error)
            finally:
                path.write_bytes(before)
        with pytest.raises(ValueError, match=r"store\.url") as raised:
            Config.model_validate({"store": {"url": f"mysql://root:{of_file}@db/mpf"}})
        self.problems.append(raised.value)
        assert len(self.problems) > 5

    def mpfctl(self, *arguments: str, stdin: str = "") -> str:
        """What a command writes to both its outputs."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(cli, arguments, input=stdin, prog_name="mpfctl")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output


@contextlib.contextmanager
def made(folder: Path, recorder: Recorder | None = None) -> Iterator[tuple[Engine, ParrotPlugin, ParrotPolicy]]:
    """An engine in the folder, as another process would have one."""
    parrot, policy = ParrotPlugin(), ParrotPolicy()
    config = Config.load(folder / "mpf.toml")
    config = config.model_copy(update={"plugins": config.plugins.model_copy(update={"enabled": ()})})
    with Engine(
        config, plugins=[recorder.wrap(parrot) if recorder else parrot, policy, ConfigPlugin(), EventLogPlugin()]
    ) as engine:
        yield engine, parrot, policy


def write_site(folder: Path) -> None:
    """What the engine and `mpfctl` find in the folder."""
    (folder / "mpf.toml").write_text(CONFIGURATION)
    (folder / "parrot.xml").write_text(NAMESPACE)
    (folder / "mpf.key").write_text(base64.b64encode(KEY).decode())
    stored = json.dumps(secret("the file of credentials"))
    (folder / "credentials.toml").write_text(f"[file]\nusername = 'svc'\npassword = {stored}")
    for name in ("mpf.key", "credentials.toml"):
        (folder / name).chmod(0o600)
    (folder / "directory.toml").write_text(WITH_DIRECTORY)
    with EmbeddedDirectory.create(folder / "directory.db") as directory:
        password = f'"{secret("a password in the directory")}"'.encode("utf-16-le")
        directory.add(ACCOUNT, {"objectClass": ["user"], "sAMAccountName": ["parrot"], "unicodePwd": [password]})
    info = folder / "site" / "parrot-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)


@contextlib.contextmanager
def a_world(folder: Path) -> Iterator[World]:
    write_site(folder)
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPF_CREDENTIAL_ENVIRONMENT", f"svc:{secret('the environment')}")
        patch.delenv("MPF_CONFIG", raising=False)
        patch.syspath_prepend(str(folder / "site"))
        with made(folder, recorder) as (engine, parrot, policy):
            engine.administration.put_credential("priv", Credentials("priv", secret("execute-as"), "FABRIKAM"), "root")
            engine.administration.assign("Parrot::SayAs", "priv", "root")
            found = World(folder, engine, parrot, policy, recorder)
            with found.listening():
                found.run()
                found.misconfigure()
            yield found
