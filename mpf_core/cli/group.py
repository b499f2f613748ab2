"""The command ``mpfctl``: its options, its own commands, and those that plugins bring."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from mpf_core.cli.audit import audit
from mpf_core.cli.completion import completion
from mpf_core.cli.console import err
from mpf_core.cli.credentials import credentials
from mpf_core.cli.demo import demo
from mpf_core.cli.describe import describe, namespaces
from mpf_core.cli.graph import graph
from mpf_core.cli.init import init
from mpf_core.cli.lint import lint
from mpf_core.cli.new import new
from mpf_core.cli.plan import plan
from mpf_core.cli.plugins import plugins
from mpf_core.cli.recover import recover
from mpf_core.cli.schema import schema
from mpf_core.cli.state import State
from mpf_core.cli.store import store
from mpf_core.cli.submit import OutputProblem, submit
from mpf_core.cli.transactions import transactions
from mpf_core.cli.validate import validate
from mpf_core.errors import ConfigError, MpfError
from mpf_core.printable import printable
from mpf_core.store.port import Fenced, StoreUnavailable

EXIT_CONFIGURATION = 2
EXIT_INTERRUPTED = 130

_EPILOG = """\b
Examples:
  mpfctl demo                                   see it work, in a temporary folder
  mpfctl init                                   write mpf.toml and a directory to try things in
  mpfctl namespaces                             what there is
  mpfctl describe "Managed Office Communications Server::CreateSipDomain"
  mpfctl submit request.xml --as admin@alpineskihouse.com
  mpfctl transactions list --unsettled          what waits for a person
  mpfctl new provider "Fabrikam Phones"         a package of your own to begin with

Exit codes: 0 success, 1 the response is an errorContext (or a file is not valid, a transaction not settled, the audit
not sound, the store not there), 2 usage or configuration, 3 the output could not be written, 130 and 143 stopped by
Ctrl-C and SIGTERM.
"""

_UNAVAILABLE = """\
The store cannot be reached, or cannot write: {error}
Does its server run, is its disk full, may this account write there? [store] url in the configuration says where it is.
If something was to be written, it may have been written all the same: look again before you repeat it."""


class ConfigurationProblem(click.ClickException):
    """A ConfigError as click shows it: on standard error, exit code 2."""

    exit_code = EXIT_CONFIGURATION

    def show(self, file: Any = None) -> None:
        """Print the message and every problem in it."""
        click.echo(printable(self.message), err=True)


class MpfGroup(click.Group):
    """A group that asks the plugins for more commands. A plugin that fails costs its own commands only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own commands and those of plugins; without a configuration that works, our own."""
        return sorted({*super().list_commands(ctx), *self._brought_if_possible(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Our own command of that name, which wins, or a plugin's."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if ctx.resilient_parsing:
            return self._brought_if_possible(ctx).get(cmd_name)
        try:
            return self._brought(ctx).get(cmd_name)
        except ConfigError as error:
            raise click.UsageError(
                f"No such command '{cmd_name}'. Commands of plugins (such as `directory`) need a configuration:\n{error}",
                ctx,
            ) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        A ConfigError anywhere becomes a message and exit code 2, an MpfError or a store that does not answer one and exit
        code 1, an interruption exit code 130.
        """
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise ConfigurationProblem(str(error)) from error
        except MpfError as error:
            raise click.ClickException(printable(str(error))) from error
        except StoreUnavailable as error:
            raise click.ClickException(printable(_UNAVAILABLE.format(error=error))) from error
        except Fenced as error:
            raise click.ClickException(f"Another engine has taken over the transaction {error}: look again.") from error
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has had enough: click knows what to do
                raise
            if error.filename is not None:  # a file that we named; writing to an open stream knows no name
                raise click.ClickException(f"{error.filename}: {error.strerror}") from error
            raise OutputProblem(f"The output could not be written: {error.strerror or error}.") from error

    def _brought_if_possible(self, ctx: click.Context) -> Mapping[str, click.Command]:
        """For ``--help`` and completion, which must work whatever the configuration is like."""
        try:
            return self._brought(ctx)
        except (ConfigError, OSError):
            return {}

    def _brought(self, ctx: click.Context) -> Mapping[str, click.Command]:
        state = _state(ctx)
        engine = state.loaded if ctx.resilient_parsing else state.engine  # completion must not print anything else
        found: dict[str, click.Command] = {}
        for hook in engine.runtime.plugins.each("mpf_commands"):
            try:
                commands: Iterable[click.Command] = hook() or ()
                found.update({command.name: command for command in commands if command.name})
            except Exception as error:  # a broken plugin must not break --help
                if not ctx.resilient_parsing:
                    err().print(f"The plugin '{hook.plugin}' cannot give its commands: {error}")
        return found


def _state(ctx: click.Context) -> State:
    """The state of this run; made here when ``--help`` asks for commands before the options were worked out."""
    if ctx.obj is None:
        ctx.obj = State(
            ctx.params.get("config"), strict=bool(ctx.params.get("strict")), verbose=ctx.params.get("verbose", 0)
        )
        ctx.call_on_close(ctx.obj.close)
    found: State = ctx.obj
    return found


@click.group(cls=MpfGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MPF_CONFIG",
    show_envvar=True,
    is_eager=True,
    metavar="FILE",
    help="The configuration file; ./mpf.toml if not given.",
)
@click.option("--strict", is_flag=True, help="Refuse to work with a broken plugin instead of doing without it.")
@click.option("-v", "--verbose", count=True, help="Log what happens to standard error; twice for every step.")
@click.version_option(package_name="mpf-core", prog_name="mpfctl")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, strict: bool, verbose: int) -> None:
    """Run, check and explore provisioning requests.

    A request is an XML document that calls procedures. If one of its steps fails, everything it did is put back.
    """
    _state(ctx)


for _command in (
    audit,
    completion,
    credentials,
    demo,
    describe,
    graph,
    init,
    lint,
    namespaces,
    new,
    plan,
    plugins,
    recover,
    schema,
    store,
    submit,
    transactions,
    validate,
):
    cli.add_command(_command)


def main() -> None:
    """Entry point of ``mpfctl``."""
    if sys.stdout is None or sys.stderr is None:  # closed by the shell: nothing is done that nobody could be told
        if sys.stderr is not None:
            click.echo("Error: Nothing was done, because standard output is closed.", err=True)
        sys.exit(OutputProblem.exit_code)
    try:
        cli(prog_name="mpfctl")
    except OSError as error:  # of --help and --version, which print before a command runs
        lost = OutputProblem(f"The output could not be written: {error.strerror or error}.")
        lost.show()
        sys.exit(lost.exit_code)
