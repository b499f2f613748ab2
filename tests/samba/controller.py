"""A Samba Active Directory domain controller for tests: made, started and stopped here, on a loopback address of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpf_core.hookspecs import hookimpl
from mpf_core.security.principal import Credentials
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ocs_schema import ocs_schema
from mpf_directory.port import Directory, Scope

#: Programs and what of Debian's packages brings them.
PROGRAMS = {
    "samba": "samba-ad-dc",
    "samba-tool": "samba-ad-dc",
    "ldbmodify": "ldb-tools",
    "openssl": "openssl",
}
#: Files that only some of the packages bring.
FILES = {Path("/usr/share/samba/setup/provision.ldif"): "samba-ad-provision"}
_PORTS = (88, 389, 464, 636, 3268, 3269)
#: What the controller serves, and what it serves beside that where tickets are wanted. Samba 4.17 takes a bind with a ticket
#: inside of TLS only if it is told to; a domain controller of Microsoft's does without.
_LDAP = ("--option=server services=ldap",)
_KERBEROS = ("--option=server services=ldap kdc", "--option=ldap server require strong auth=allow_sasl_over_tls")
#: Bound by a test run for as long as it uses an address.
_RESERVATION_PORT = 3270
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
SERVICE_ACCOUNT = "directory"
#: Where the seed puts what it makes, but for the servers of the pools, and the password of its accounts.
SEEDED = (
    layout.unit(layout.BASE, ("Hosting",)),
    layout.BASE.child("CN", "System").child("CN", "Microsoft").child("CN", "RTC Service"),
)
PASSWORD = "Hosting-w0rd of a test"


@dataclass(frozen=True, slots=True)
class Samba:
    """A running controller: where it listens, how its certificate is checked, and its administrator."""

    name: str
    address: str
    base: Dn
    ca_file: Path
    administrator: Credentials
    folder: Path

    @property
    def endpoint(self) -> str:
        return f"{self.address}:636"


def engine_config(samba: Samba) -> dict[str, Any]:
    """The settings of the plugin ``mpf.directory`` for this controller. `SambaCredentials` gives its service account."""
    return {
        "backend": "ldap",
        "server": samba.name,
        "servers": {samba.name: samba.endpoint},
        "base": str(samba.base),
        "ca_file": str(samba.ca_file),
        "timeout": 20,
        "service_account": SERVICE_ACCOUNT,
    }


class SambaCredentials:
    """A plugin with the one stored credential that `engine_config` names."""

    def __init__(self, samba: Samba) -> None:
        self.samba = samba

    @hookimpl
    def mpf_credentials(self, name: str) -> Credentials | None:
        return self.samba.administrator if name == SERVICE_ACCOUNT else None


def remove_tree(directory: Directory, dn: Dn) -> None:
    """Delete an object and everything below it."""
    below = directory.search(dn, Scope.SUBTREE, Filter.present("objectClass"), ["objectClass"])
    for entry in sorted(below, key=lambda entry: -len(entry.dn.rdns)):
        directory.delete(entry.dn)


def why_not() -> str:
    """What is missing to run a controller here; empty when nothing is."""
    missing = {package for program, package in PROGRAMS.items() if shutil.which(program, path=_PATH) is None}
    missing |= {package for file, package in FILES.items() if not file.exists()}
    if missing:
        return f"missing packages: {', '.join(sorted(missing))} (scripts/install_test_packages.sh installs them)"
    return "" if os.geteuid() == 0 else "a domain controller can only be run by root"


class Controller:
    """Provisions, loads the OCS schema, starts, waits, stops. `start` cleans up after itself when it fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = "Pass-w0rd of a test"
        self.reservation = _reserve_address()
        self.address: str = self.reservation.getsockname()[0]
        self.process: subprocess.Popen[bytes] | None = None
        self._serves = _LDAP

    def start(self) -> Samba:
        samba = Samba(
            name="AD01.Fabrikam.com",
            address=self.address,
            base=Dn.parse("DC=Fabrikam,DC=Com"),
            ca_file=self.folder / "dc" / "private" / "tls" / "cert.pem",
            administrator=Credentials("Administrator", self.password, "FABRIKAM"),
            folder=self.folder,
        )
        self._provision()
        self._certificate(samba)
        self._schema()
        try:
            self._run()
        except BaseException:
            self.stop()
            raise
        return samba

    def _provision(self) -> None:
        empty = self.folder / "empty.conf"
        empty.touch()
        self._call(
            "samba-tool", "domain", "provision", "--realm=FABRIKAM.COM", "--domain=FABRIKAM", "--host-name=AD01",
            "--server-role=dc", "--dns-backend=NONE", f"--adminpass={self.password}",
            f"--targetdir={self.folder / 'dc'}", f"--configfile={empty}",
        )  # fmt: skip

    def _certificate(self, samba: Samba) -> None:
        """One that is checked like a real one: Samba's own names no address and takes long to make."""
        tls = samba.ca_file.parent
        tls.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._call(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={samba.name}",
            "-addext", f"subjectAltName=DNS:{samba.name}", "-keyout", str(tls / "key.pem"), "-out", str(samba.ca_file),
        )  # fmt: skip
        (tls / "key.pem").chmod(0o600)
        shutil.copy(samba.ca_file, tls / "ca.pem")

    def _schema(self) -> None:
        database = self.folder / "dc" / "private" / "sam.ldb"
        for part in ocs_schema(Dn.parse("DC=fabrikam,DC=com")):
            file = self.folder / f"{part.name}.ldif"
            file.write_text(part.ldif)
            self._call("ldbmodify", "-H", str(database), "--option=dsdb:schema update allowed=true", str(file))

    def _run(self) -> None:
        log = self.folder / "samba.log"
        with log.open("wb") as output:
            # Interactive Samba ends when its standard input does: it cannot outlive the tests, even if they are killed.
            self.process = subprocess.Popen(
                [
                    "samba", "--interactive", "--model=single", f"--configfile={self.folder / 'dc' / 'etc' / 'smb.conf'}",
                    *self._serves, f"--option=interfaces={self.address}/8",
                    f"--option=pid directory={self.folder}", f"--option=ncalrpc dir={self.folder / 'ncalrpc'}",
                    "--option=bind interfaces only=yes",
                ],
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "PATH": _PATH},
            )  # fmt: skip
        deadline = time.monotonic() + 60
        ports = (636, 88) if self._serves is _KERBEROS else (636,)
        while not all(_answers(self.address, port) for port in ports):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Samba did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def interrupt(self) -> None:
        """End the controller as a crash does; `resume` starts it again with the same directory."""
        process, self.process = self.process, None
        if process is not None:
            _end(process)

    def resume(self) -> None:
        """Start it again."""
        self._run()

    def give_tickets(self, *, wanted: bool) -> None:
        """Start it again, with its Kerberos key distribution centre or without: few tests want one."""
        self.interrupt()
        self._serves = _KERBEROS if wanted else _LDAP
        self.resume()

    def stop(self) -> None:
        """End the controller and its children, by its own process group only."""
        self.interrupt()
        self.reservation.close()

    def _call(self, *command: str) -> None:
        environment = {**os.environ, "PATH": _PATH}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


def _reserve_address() -> socket.socket:
    """A loopback address that nobody uses, and that no other test run takes while the returned socket is open."""
    for last in range(42, 200):
        reservation = socket.socket()
        try:
            reservation.bind((f"127.0.0.{last}", _RESERVATION_PORT))
        except OSError:
            reservation.close()
            continue
        if all(_is_free(f"127.0.0.{last}", port) for port in _PORTS):
            return reservation
        reservation.close()
    raise RuntimeError("every loopback address has its LDAP ports in use")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
