"""``mpfctl plugins``: what is installed, what is enabled, what is broken and why."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import tomlkit
from click.shell_completion import CompletionItem
from rich.text import Text
from tomlkit.items import Array

from mpf_core.cli.callers import needs
from mpf_core.cli.console import err, out, table
from mpf_core.cli.state import State
from mpf_core.config import Config
from mpf_core.engine import Engine
from mpf_core.errors import ConfigError
from mpf_core.plugins import PluginInfo, installed
from mpf_core.settings import suggestion

_COLOURS = {"ok": "green", "broken": "red", "disabled": ""}


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(info.name) for info in installed() if info.name.startswith(incomplete)]


@click.group(invoke_without_command=True)
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List plugins, enable and disable them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@plugins.command("list")
@click.pass_obj
def list_(state: State) -> None:
    """Show every installed plugin: enabled, broken with the reason, or how to enable it."""
    infos: Sequence[PluginInfo]
    try:
        infos, known = state.loaded.plugins, True
    except ConfigError as error:
        err().print(Text(f"The configuration does not work, so this is what is installed, without its state.\n{error}\n"))
        infos, known = installed(), False
    made = table("plugin", "state", "package", "", rows=())
    for info in infos:
        package = f"{info.distribution} {info.version}".strip() or "-"
        if known:
            note = info.reason or (f"to enable: mpfctl plugins enable {info.name}" if info.state == "disabled" else "")
            made.add_row(Text(info.name), Text(info.state, _COLOURS[info.state]), Text(package), Text(note))
        else:
            made.add_row(info.name, "-", package, "")
    out().print(made)
    if not infos:
        err().print("No plugin is installed.")


@plugins.command(
    epilog="""\b
Example:
  mpfctl plugins enable mpf.eventlog
"""
)
@click.argument("names", nargs=-1, required=True, shell_complete=_complete)
@click.option("--force", is_flag=True, help="Also when nothing starts with it: something else is to be changed, too.")
@click.pass_obj
@needs("administration")
def enable(state: State, names: tuple[str, ...], force: bool) -> None:
    """Enable plugins in the configuration file; comments stay. What would keep the engine from starting is refused."""
    known = [info.name for info in installed()]
    for name in names:
        if name not in known:
            raise click.UsageError(f"No installed package has a plugin '{name}'{suggestion(name, known)}")
    changed = _edit(
        state.config_file,
        lambda enabled: [name for name in dict.fromkeys(names) if name not in enabled],
        (),
        (lambda _old, _new: None) if force else _check_that_it_starts,
    )
    _report(names, changed, "enabled", "was enabled already")
    state.reread()
    _warn_of_broken(state, names)


@plugins.command()
@click.argument("names", nargs=-1, required=True, shell_complete=_complete)
@click.pass_obj
@needs("administration")
def disable(state: State, names: tuple[str, ...]) -> None:
    """Disable plugins in the configuration file; their settings and all comments stay."""
    known = {*Config.load(state.config_file).plugins.enabled, *(info.name for info in installed())}
    for name in names:
        if name not in known:
            raise click.UsageError(f"No plugin '{name}' is enabled or installed{suggestion(name, sorted(known))}")
    changed = _edit(state.config_file, lambda _enabled: [], names, lambda _old, _new: None)
    _report(names, changed, "disabled", "was not enabled")


def _report(names: Sequence[str], changed: Sequence[str], done: str, nothing: str) -> None:
    for name in dict.fromkeys(names):
        click.echo(f"{name}: {done if name in changed else nothing}", err=True)


def _warn_of_broken(state: State, names: Sequence[str]) -> None:
    try:
        infos = state.loaded.plugins
    except ConfigError as error:
        err().print(Text(f"Enabled, but the configuration does not work yet.\n{error}", "red"), soft_wrap=True)
        return
    for info in infos:
        if info.name in names and info.state == "broken":
            err().print(Text(f"{info.name} is broken: {info.reason}", "red"), soft_wrap=True)


def _check_that_it_starts(old: Config, new: Config) -> None:
    """Raises ConfigError when no engine starts with the new configuration, and one did with the old one."""
    try:
        Engine.from_config(new).close()
    except ConfigError as error:
        try:
            Engine.from_config(old).close()
        except ConfigError:
            return  # it is being mended
        raise ConfigError(
            f"Nothing was changed, because nothing would start (--force does it all the same).\n{error}"
        ) from error


def _edit(
    file: Path,
    to_add: Callable[[Sequence[str]], Sequence[str]],
    to_remove: Sequence[str],
    check: Callable[[Config, Config], None],
) -> Sequence[str]:
    """Change ``plugins.enabled`` in place and return the names that were added or removed.

    The file is replaced only when what results is a valid configuration, and ``check`` of the old and the new one raises
    nothing. Raises ConfigError otherwise.
    """
    old = Config.load(file)
    document = tomlkit.parse(file.read_text(encoding="utf-8-sig"))
    section = document.setdefault("plugins", tomlkit.table())
    enabled = section.setdefault("enabled", tomlkit.array())
    assert isinstance(enabled, Array)
    added = to_add([str(name) for name in enabled])
    removed = [name for name in dict.fromkeys(to_remove) if name in enabled]
    for name in added:
        enabled.append(name)
    for name in removed:
        while name in enabled:
            enabled.remove(name)
    if added or removed:
        _replace(file, tomlkit.dumps(document), lambda new: check(old, new))
    return [*added, *removed]


def _replace(file: Path, text: str, check: Callable[[Config], None]) -> None:
    """Put ``text`` in the place of the file at once; a reader sees the old or the new one, never half of it."""
    target = file.resolve()
    mode = target.stat().st_mode & 0o777
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        fresh.chmod(mode)
        check(Config.load(fresh))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
