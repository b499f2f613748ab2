"""Packages of others - the example, and one of each kind that `mpfctl new` writes - built as wheels, in a clean environment.

The Python that runs the tests always takes part. The others that the machine has do where MPF_ALL_PYTHONS is set: each costs
an environment with all dependencies.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mpf_core.cli.new import write
from mpf_core.cli.scaffold import KINDS, Names, files

ROOT = Path(__file__).parents[2]
GREETER = ROOT / "examples" / "greeter"
THIS = "{}.{}".format(*sys.version_info)
VERSIONS = [
    match[1]
    for classifier in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier))
]

PROGRAM = """
from mpf_core import Caller, Config, Engine

def submit(caller, namespace, procedure, **data):
    request = "".join(f"<{name}>{text}</{name}>" for name, text in data.items())
    result = engine.execute(
        f"<request><data>{request}</data></request>", Caller(caller), namespace=namespace, procedure=procedure
    )
    print(procedure, result.document.decode())

OU = "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
with Engine(Config.load("mpf.toml")) as engine:
    for info in engine.plugins:
        print(info.name, info.state, info.reason)
    submit("admin@hosting.fabrikam.com", "Acme Greeter", "SetGreeting", name="Ada", greeting="Hello")
    submit("admin@hosting.fabrikam.com", "Acme Greeter", "GetGreeting", name="Ada")
    submit("admin@hosting.fabrikam.com", "Litware Provider", "SetValue", name="Ada", value="1")
    submit("admin@alpineskihouse.com", "Litware Namespace", "ReplaceMember", group=f"LDAP://CN=Admins@AlpineSkiHouse,{OU}",
           member=f"LDAP://CN=admin@alpineskihouse.com,{OU}", newMember=f"LDAP://CN=Johnc@AlpineSkiHouse.com,{OU}")
"""


def run(*command: object, cwd: Path) -> str:
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV", "MPF_CONFIG"}}
    env |= {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel(source: Path, folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=source)
    name = tomllib.loads((source / "pyproject.toml").read_text())["project"]["name"].replace("-", "_")
    [made] = folder.glob(f"{name}-*.whl")
    return made


def python_of(version: str) -> Path | None:
    """A Python of that version that runs and can make environments: this one, one on the path, or one of pyenv's."""
    on_path = (Path(folder) / f"python{version}" for folder in os.get_exec_path())
    of_pyenv = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for python in (Path(sys.executable), *on_path, *of_pyenv):
        if not os.access(python, os.X_OK):
            continue
        probe = "import sys, venv; print('{}.{}'.format(*sys.version_info))"
        asked = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
        if asked.stdout.strip() == version:
            return python
    return None


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheels of mpf-core and of the example."""
    folder = tmp_path_factory.mktemp("wheels")
    return [wheel(ROOT, folder), wheel(GREETER, folder)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What `mpfctl new` writes, one package of each kind."""
    folder = tmp_path_factory.mktemp("written")
    for kind in KINDS:
        write(files(kind, Names.of(f"Litware {kind.capitalize()}")), folder / f"litware-{kind}")
    return {kind: folder / f"litware-{kind}" for kind in KINDS}


@pytest.fixture(scope="module")
def written_wheels(written: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheels of these: any Python can have them."""
    return [wheel(source, tmp_path_factory.mktemp("wheel")) for source in written.values()]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_wheels_of_others_are_found_enabled_and_called(
    version: str, wheels: list[Path], written: dict[str, Path], written_wheels: list[Path], tmp_path: Path
) -> None:
    if version != THIS and not os.environ.get("MPF_ALL_PYTHONS"):
        pytest.skip(f"Python {version} is tried where MPF_ALL_PYTHONS is set")
    python = python_of(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version} that runs and can make environments")
    run(python, "-m", "venv", "--without-pip", "clean", cwd=tmp_path)
    clean = tmp_path / "clean" / "bin"
    install = (sys.executable, "-m", "pip", "--python", clean / "python", "install", "--quiet")
    run(*install, *wheels, *written_wheels, "pytest", cwd=tmp_path)

    run(clean / "mpfctl", "new", "provider", "Litware Provider", cwd=tmp_path)
    assert contents(tmp_path / "litware-provider") == contents(written["provider"])

    run(clean / "mpfctl", "init", cwd=tmp_path)
    names = ("acme.greeter", *(f"litware.{kind}" for kind in KINDS))
    run(clean / "mpfctl", "plugins", "enable", *names, cwd=tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)
    printed = run(clean / "python", "program.py", cwd=tmp_path)
    for name in names:
        assert f"{name} ok" in printed
    assert "mpf.access disabled" in printed
    assert "<greeting>Hello</greeting>" in printed
    assert "errorContext" not in printed
    assert (tmp_path / "greetings.json").read_text() == '{"Ada": "Hello"}'
    assert (tmp_path / "litware_provider.json").read_text() == '{"Ada": "1"}'

    # Their tests, with what is installed and not with what lies beside them.
    options = ("-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", tmp_path, "--import-mode", "importlib")
    folders = [source / "tests" for source in (GREETER, *written.values())]
    assert re.search(r"^\d+ passed", run(clean / "pytest", *options, *folders, cwd=tmp_path), re.MULTILINE)


@pytest.mark.slow
def test_nothing_called_plugins_or_procedures_lands_in_the_wheel(wheels: list[Path]) -> None:
    import zipfile

    names = zipfile.ZipFile(wheels[0]).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == {
        "mpf_core",
        "mpf_access",
        "mpf_config",
        "mpf_directory",
        "mpf_error",
        "mpf_eventlog",
        "mpf_keyring",
        "mpf_managed",
        "mpf_ocs",
        "mpf_policy",
        "mpf_pytest",
    }
    assert "mpf_core/py.typed" in names
    assert any(name.endswith("provisioning.xsd") for name in names)


def test_every_supported_python_is_tried() -> None:
    assert THIS in VERSIONS
    assert len(VERSIONS) == 3
