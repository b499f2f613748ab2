"""Finding and loading plugins.

Plugins are entry points of installed packages, imported only if the configuration enables them, each in its own ``try``:

* group ``mpf.plugins``: namespaces, providers, observers, commands, caller look-up. A broken one is listed with its reason,
  and the rest works.
* group ``mpf.security``: the only ones whose policy, elevation and credential hooks are heard. A broken or missing one
  means that every request is refused; so does a plugin of the other group that has such a hook.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pluggy

from mpf_core import hookspecs
from mpf_core.errors import ConfigError
from mpf_core.services import Services
from mpf_core.settings import Settings

GROUP = "mpf.plugins"
SECURITY_GROUP = "mpf.security"
SECURITY_HOOKS = frozenset({"mpf_authorize", "mpf_claim", "mpf_elevate", "mpf_credentials"})


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin and what became of it. ``reason`` says why it is broken; ``security`` which group it is in."""

    name: str
    distribution: str = ""
    version: str = ""
    security: bool = False
    enabled: bool = False
    state: Literal["ok", "broken", "disabled"] = "disabled"
    reason: str = ""


class HookCaller:
    """One plugin's implementation of one hook."""

    __slots__ = ("_arguments", "_function", "plugin")

    def __init__(self, impl: pluggy.HookImpl) -> None:
        self.plugin = impl.plugin_name
        self._function = impl.function
        self._arguments = impl.argnames

    def __call__(self, **arguments: object) -> Any:
        if len(self._arguments) == len(arguments):  # the usual case: the hook takes all there is
            return self._function(**arguments)
        return self._function(**{name: arguments[name] for name in self._arguments})


def _entry_points() -> Mapping[str, tuple[metadata.EntryPoint, bool]]:
    return _offered(tuple(_places()))


def _places() -> Iterator[tuple[str, int]]:
    """Where packages are looked for, and when something came or went there last."""
    for folder in sys.path:
        with suppress(OSError):
            place = Path(folder).absolute()
            yield str(place), place.stat().st_mtime_ns


@lru_cache(maxsize=1)
def _offered(_places: tuple[tuple[str, int], ...]) -> Mapping[str, tuple[metadata.EntryPoint, bool]]:
    """What the packages in these places offer. All that is installed has to be read for it."""
    found: dict[str, tuple[metadata.EntryPoint, bool]] = {}
    for group, security in ((GROUP, False), (SECURITY_GROUP, True)):
        for point in metadata.entry_points(group=group):
            found[point.name] = (point, security)
    return found


@lru_cache
def _release(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Name and version, for which all of a distribution's metadata are parsed."""
    return (distribution.name, distribution.version) if distribution else ("", "")


def _info(point: metadata.EntryPoint, security: bool) -> PluginInfo:
    return PluginInfo(point.name, *_release(point.dist), security)


def installed() -> list[PluginInfo]:
    """Every plugin that installed packages offer, by name; nothing is imported."""
    return [_info(point, security) for _, (point, security) in sorted(_entry_points().items())]


def settings_models() -> dict[str, type[Settings]]:
    """The models that check the plugins' settings, by plugin: what each installed class says as its ``settings_model``.

    Plugins that cannot be imported, or say nothing, are left out.
    """
    found = {}
    for name, (point, _) in sorted(_entry_points().items()):
        with suppress(Exception):  # whatever a plugin does while it is imported is its own fault
            model = getattr(point.load(), "settings_model", None)
            if isinstance(model, type) and issubclass(model, Settings):
                found[name] = model
    return found


def namespace_paths() -> Iterator[tuple[str, Path]]:
    """Where the namespaces of installed plugins are, enabled or not, by plugin.

    Left out are those of plugins that cannot be imported, or need their settings to tell.
    """
    for name, (point, _) in sorted(_entry_points().items()):
        with suppress(Exception):  # whatever a plugin does while it is imported is its own fault
            loaded = point.load()
            plugin = loaded() if isinstance(loaded, type) else loaded
            yield from [(name, Path(path)) for path in getattr(plugin, "mpf_namespaces", list)()]


class Plugins:
    """The plugins of one engine. ``objects`` are given by the embedding program and may implement any hook."""

    def __init__(self, enabled: Sequence[str], objects: Sequence[object] = ()) -> None:
        self._manager = pluggy.PluginManager("mpf")
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._trusted: set[str] = set()
        points = _entry_points()
        for name, (point, security) in points.items():
            self._infos[name] = _info(point, security)
        for name in enabled:
            if name in points:
                self._load(name, *points[name])
            else:
                # Nobody can say what a missing plugin would have refused, so it counts as a security plugin.
                reason = "not installed: install the package that has it, or take it out of plugins.enabled"
                self._infos[name] = PluginInfo(name, security=True, enabled=True, state="broken", reason=reason)
        for number, plugin in enumerate(objects, 1):
            name = getattr(plugin, "name", None) or f"{type(plugin).__name__}#{number}"
            security = any(hasattr(plugin, hook) for hook in SECURITY_HOOKS)
            self._infos[name] = PluginInfo(name, "(given by the program)", security=security, enabled=True, state="ok")
            self._trusted.add(name)
            try:
                self._manager.register(plugin, name)
            except (ValueError, pluggy.PluginValidationError) as error:
                raise ConfigError(f"plugin '{name}': {error}") from error

    def _load(self, name: str, point: metadata.EntryPoint, security: bool) -> None:
        self._infos[name] = replace(self._infos[name], enabled=True, state="ok")
        try:
            loaded = point.load()
            plugin = loaded() if isinstance(loaded, type) else loaded
            unheard = sorted(hook for hook in SECURITY_HOOKS if hasattr(plugin, hook))
            if unheard and not security:
                # Who wrote it believes that it refuses something, so it counts as a security plugin that does not work.
                self._infos[name] = replace(self._infos[name], security=True)
                raise ConfigError(
                    f"it implements {', '.join(unheard)}, which is heard only from the entry-point group {SECURITY_GROUP}: "
                    f"declare it there, not in {GROUP}"
                )
            self._manager.register(plugin, name)
        except Exception as error:  # whatever a plugin does while it is imported is its own fault
            self.broken(name, str(error) if isinstance(error, ConfigError) else error)
        else:
            if security:
                self._trusted.add(name)

    def broken(self, name: str, error: Exception | str) -> None:
        """Take a plugin out of use, with a reason."""
        reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self._infos[name] = replace(self._infos[name], state="broken", reason=reason)
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)

    def configure(self, settings: Callable[[str], Mapping[str, object]], services: Services) -> None:
        """Hand every plugin its settings. One that raises is broken."""
        for hook in self.each("mpf_configure"):
            try:
                hook(settings=settings(hook.plugin), services=services)
            except Exception as error:  # a plugin's mistake must not take the others along
                self.broken(hook.plugin, str(error) if isinstance(error, ConfigError) else error)

    def each(self, hook: str) -> list[HookCaller]:
        """The implementations of a hook, one per plugin; for security hooks only those of security plugins."""
        callers = [HookCaller(impl) for impl in getattr(self._manager.hook, hook).get_hookimpls()]
        if hook in SECURITY_HOOKS:
            callers = [caller for caller in callers if caller.plugin in self._trusted]
        return callers

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Every installed or given plugin and its state, by name."""
        return tuple(self._infos[name] for name in sorted(self._infos))

    def broken_ones(self, *, security: bool | None = None) -> Iterable[PluginInfo]:
        """Enabled plugins that do not work; with ``security`` only those of that group, or of the other."""
        return [i for i in self.infos if i.state == "broken" and (security is None or i.security is security)]
