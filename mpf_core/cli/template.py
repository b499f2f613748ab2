"""The ``mpf.toml`` that ``mpfctl init`` writes: a commented one, for the embedded directory and its sample tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tomlkit import item, string

_HEAD = """\
# Configuration of MPF for Python, written by `mpfctl init`. A key that is not known is an error, and what is commented out
# is the default. Relative paths refer to the folder of this file. Secrets are only named here, never written.

[engine]
name = "mpf"                     # stands in every log event
# strict = false                 # true: a plugin that cannot be loaded is fatal
# timeout = 300.0                # seconds a request may take before it is rolled back
# namespaces = ["namespaces"]    # your own namespace files, and folders of them

[engine.limits]                  # for one request
# document_bytes = 2_000_000
# steps = 10_000                 # calls
# depth = 32                     # procedures that call each other
# repeats = 10_000               # of one step
# result_bytes = 20_000_000

[store]
url = "sqlite:///mpf.db"         # the journal; "postgresql://HOST/DATABASE" for engines on several machines
key_file = "mpf.key"             # its master key: back up both, and keep the copies apart
# keep_days = 90.0               # finished transactions
# allow_clear = false            # true: sensitive="2" keeps undo data unencrypted

# The embedded directory: one SQLite file. It has no access control lists and is for trial, tests and small sites.
[directory]
{directory}
[security]
service_account = "MPFServiceAcct"

# Who may do what nobody may by default: callers' names, or groups as SID or distinguished name.
[security.permissions]
trusted_requests = [{domain_admin}]   # requests with steps of their own, other than plain public calls
# callers_credentials = []       # requests that carry credentials
# stored_credentials = []        # ... and those that name a stored one
# private_procedures = []        # calls of private procedures
# request_xslt = []              # xsl:template in a request
administration = [{domain_admin}]     # MPF Config: stored credentials, and procedures that run as one
# The next ones, and administration, take users of this system too: "system:NAME". The owner of this file has them anyway,
# but for assert_caller where [directory] is a real server.
# audit = []                     # mpfctl: read the journal and the audit
# assert_caller = []             # mpfctl submit --as NAME: act as anybody

[logging]                        # of mpfctl, to standard error; -v and -vv show more
format = "console"               # or "json"
level = "warning"                # or "debug", "info", "error"

[plugins]
enabled = [
{enabled}]

# One line in JSON for every transaction, call and undo.
[plugins."mpf.eventlog"]
path = "events.jsonl"

# Roles come from the groups in the directory. A call that needs more rights than its caller has runs only if its edge
# stands here: the calling procedure, the called one, and why. Take a rule out, and the call is refused.
"""


def config_text(
    directory: Mapping[str, str], domain_admin: str, enabled: Iterable[str], elevations: Iterable[Mapping[str, object]]
) -> str:
    """The text of the file. Every value is written as TOML, whatever characters it has."""
    head = _HEAD.format(
        directory="".join(f"{key} = {_quoted(value)}\n" for key, value in directory.items()),
        domain_admin=_quoted(domain_admin),
        enabled="".join(f"    {_quoted(name)},\n" for name in enabled),
    )
    rules = [
        '[[plugins."mpf.policy".elevations]]\n' + "".join(f"{key} = {_rule_value(value)}\n" for key, value in rule.items())
        for rule in elevations
    ]
    return head + "\n".join(rules)


def _rule_value(value: object) -> str:
    """A text, or a list of tables with one on each line."""
    if not isinstance(value, list):
        return item(value).as_string()
    tables = (", ".join(f"{key} = {item(part).as_string()}" for key, part in table.items()) for table in value)
    return "[\n" + "".join(f"    {{ {table} }},\n" for table in tables) + "]"


def _quoted(text: str) -> str:
    return string(text).as_string()
