#!/bin/sh
# Install what the tests against a real Active Directory domain controller and a real PostgreSQL need (Debian and its
# relatives).
#
# Does nothing, and says so, where the packages are there already, where MPF_NO_APT is set, or where it may not install.
# Never asks a question and starts no service: the tests start and stop a controller of their own.
# Exit status: 0 installed (now or before), or left alone on purpose; 1 the installation failed.
set -eu

packages="samba-ad-dc samba-ad-provision samba-dsdb-modules ldb-tools ldap-utils"
# Any version of the server will do, from wherever it came.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql"
command -v strace >/dev/null || packages="$packages strace"
# Kerberos: its programs, and what the Python package gssapi is built with.
packages="$packages krb5-user libkrb5-dev"
command -v cc >/dev/null || packages="$packages gcc libc6-dev"
[ "$(python3 -c 'import sys; print(sys.base_prefix)' 2>/dev/null)" != /usr ] || packages="$packages python3-dev"

missing=""
for package in $packages; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

if [ -z "$missing" ]; then
    echo "test packages: all there"
    exit 0
fi
if [ -n "${MPF_NO_APT:-}" ]; then
    echo "test packages: MPF_NO_APT is set, so these stay missing and the tests that need them are skipped:$missing"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "test packages: these are missing and only root on a Debian system can install them here:$missing"
    exit 0
fi

# A package's scripts start its services through invoke-rc.d, which asks policy-rc.d; 101 means "must not".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt_get() {
    apt-get --quiet --quiet --option Dpkg::Use-Pty=0 --option Dpkg::Options::=--force-confold \
        --option DPkg::Lock::Timeout=120 "$@" </dev/null
}
echo "test packages: installing$missing"
# shellcheck disable=SC2086 # a list of words
apt_get install --yes --no-install-recommends $missing || {
    apt_get update
    # shellcheck disable=SC2086
    apt_get install --yes --no-install-recommends $missing
}
echo "test packages: installed"
