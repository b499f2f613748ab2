#!/bin/sh
# Builds the Python package gssapi into the virtual environment, for the tests with Kerberos tickets. It comes as source only.
#
# Never fails: without it these tests are skipped, and say so.
set -eu
python=${VENV:-.venv}/bin/python
"$python" -c 'import gssapi' 2>/dev/null && exit 0
if ! command -v krb5-config >/dev/null || ! command -v cc >/dev/null; then
    echo "kerberos: gssapi is not built, because libkrb5-dev or a C compiler is missing: its tests are skipped"
    exit 0
fi
echo "kerberos: building gssapi (once, for a minute or so)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Not optimised: most of the time would go into that, and tests do not need it.
CFLAGS="-O0 -g0" "$python" -m pip install --quiet --disable-pip-version-check --retries 1 'gssapi>=1.8' >"$log" 2>&1 || {
    tail -n 3 "$log"
    echo "kerberos: gssapi cannot be built here: its tests are skipped"
}
