"""All that an engine has loaded: plugins, namespaces, providers. Immutable; `Engine.reload` makes a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from mpf_core import redaction
from mpf_core.config import Config
from mpf_core.errors import Code, ConfigError, MpfError, Violation
from mpf_core.loader import find_namespaces, load_namespace
from mpf_core.model import Namespace, Procedure
from mpf_core.plugins import HookCaller, Plugins
from mpf_core.provider import ProcedureType, Provider
from mpf_core.security.principal import Credentials
from mpf_core.services import Services

#: What a provider must bring for procedures of a type.
_REQUIRED = (
    (ProcedureType.WRITE, "apply"),
    (ProcedureType.WRITE, "undo"),
    (ProcedureType.TWO_PHASE, "apply"),
    (ProcedureType.TWO_PHASE, "undo"),
    (ProcedureType.TWO_PHASE, "commit"),
)


class Runtime:
    """Loads plugins and namespaces. Raises ConfigError for what is fatal; the rest is in `Plugins.infos`."""

    def __init__(
        self,
        config: Config,
        objects: Sequence[object],
        namespaces: Sequence[Path],
        stored: Callable[[str], Credentials | None] = lambda _name: None,
    ) -> None:
        """``stored`` looks for credentials where no plugin has them: in the engine's store."""
        self._stored = stored
        self.plugins = Plugins(config.plugins.enabled, objects)
        self.services = Services(config.base_dir, self.credentials)
        self.plugins.configure(config.plugins.settings, self.services)
        self.providers: dict[str, Provider] = {}
        self._provider_owners: dict[str, str] = {}
        self._load_providers()
        loaded: dict[str, tuple[Namespace, str]] = {}
        for path in (*(config.base_dir / path for path in config.engine.namespaces), *namespaces):
            for place in find_namespaces(path):
                self._claim(loaded, load_namespace(place), "the configuration")
        for hook in self.plugins.each("mpf_namespaces"):
            self._plugin_namespaces(hook, loaded)
        self.namespaces: Mapping[str, Namespace] = MappingProxyType({name: pair[0] for name, pair in loaded.items()})
        broken = self.plugins.broken_ones()
        if config.engine.strict and broken:
            raise ConfigError(
                "plugins are broken and engine.strict is set",
                [Violation(f"plugin '{info.name}': {info.reason}") for info in broken],
            )
        self.policies = self.plugins.each("mpf_authorize")
        self.claims = self.plugins.each("mpf_claim")
        self.elevators = self.plugins.each("mpf_elevate")
        self.observers = self.plugins.each("mpf_event")
        self.refusal = self._refusal()

    def procedure(self, namespace: str, name: str) -> tuple[Namespace, Procedure]:
        """Look a procedure up. Raises UNKNOWN_NAMESPACE or PROC_NOT_FOUND."""
        found = self.namespaces.get(namespace)
        if found is None:
            raise MpfError(
                Code.UNKNOWN_NAMESPACE, f"There is no namespace '{namespace}'{nearest(namespace, self.namespaces)}."
            )
        procedure = found.procedures.get(name)
        if procedure is None:
            near = nearest(name, found.procedures)
            raise MpfError(Code.PROC_NOT_FOUND, f"The namespace '{namespace}' has no procedure '{name}'{near}.")
        return found, procedure

    def provider(self, source: str) -> Provider:
        """The provider of that source. Raises PROVIDER_UNAVAILABLE."""
        try:
            return self.providers[source]
        except KeyError:
            raise MpfError(
                Code.PROVIDER_UNAVAILABLE,
                f"The provider '{source}' is missing, disabled or broken: see `mpfctl plugins`.",
            ) from None

    def credentials(self, name: str) -> Credentials:
        """The stored credential of that name, a plugin's before the store's. Raises ConfigError when nobody has it."""
        found = self._plugins_credentials(name) or self._stored(name)
        if found is None:
            raise ConfigError(f"no credential named '{name}' is stored")
        redaction.hide([found.password])  # of the request that uses it
        return found

    def key(self, name: str) -> Credentials:
        """The credential that opens the store, so it cannot be in there. Raises ConfigError when no plugin has it."""
        found = self._plugins_credentials(name)
        if found is None:
            raise ConfigError(f"no credential named '{name}' is stored")
        return found

    def credential_names(self) -> list[str]:
        """The names of the credentials that plugins tell of."""
        return [str(name) for hook in self.plugins.each("mpf_credential_names") for name in hook()]

    def _plugins_credentials(self, name: str) -> Credentials | None:
        for hook in self.plugins.each("mpf_credentials"):
            found = hook(name=name)
            if isinstance(found, Credentials):
                return found
        return None

    def _refusal(self) -> str:
        """Why every request must be refused, or an empty string."""
        broken = self.plugins.broken_ones(security=True)
        names = ", ".join(f"'{info.name}'" for info in broken)
        return f"security plugin {names} is missing or broken (see `mpfctl plugins`)" if names else ""

    def _load_providers(self) -> None:
        for hook in self.plugins.each("mpf_providers"):
            try:
                offered: Mapping[str, Provider] = hook()
                for source, provider in offered.items():
                    if not isinstance(provider, Provider):
                        raise TypeError(f"'{source}' is {type(provider).__name__}, not a Provider")
            except Exception as error:  # a plugin's mistake must not take the others along
                self.plugins.broken(hook.plugin, error)
                continue
            for source, provider in offered.items():
                if source in self.providers:
                    owner = self._provider_owners[source]
                    raise ConfigError(f"plugins '{owner}' and '{hook.plugin}' both offer the provider '{source}'")
                self.providers[source] = provider
                self._provider_owners[source] = hook.plugin

    def _plugin_namespaces(self, hook: HookCaller, loaded: dict[str, tuple[Namespace, str]]) -> None:
        try:
            found = [load_namespace(place) for path in hook() for place in find_namespaces(Path(path))]
            for namespace in found:
                self._check_provider(namespace)
        except Exception as error:  # a plugin's mistake must not take the others along
            self.plugins.broken(hook.plugin, str(error) if isinstance(error, ConfigError) else error)
            return
        for namespace in found:
            self._claim(loaded, namespace, f"plugin '{hook.plugin}'", check=False)

    def _claim(
        self, loaded: dict[str, tuple[Namespace, str]], namespace: Namespace, owner: str, *, check: bool = True
    ) -> None:
        if namespace.name in loaded:
            other, other_owner = loaded[namespace.name]
            raise ConfigError(
                f"the namespace '{namespace.name}' is claimed twice: by {other_owner} ({other.file}) and by {owner} "
                f"({namespace.file})"
            )
        if check:
            self._check_provider(namespace)
        loaded[namespace.name] = (namespace, owner)

    def _check_provider(self, namespace: Namespace) -> None:
        source = namespace.provider_source
        provider = self.providers.get(source) if source else None
        if provider is None:
            return
        declared = {p.name: p.type for p in namespace.procedures.values() if p.is_provided}
        offered = {name: handler.type for name, (handler, _) in provider.handlers.items()}
        problems = [
            f"procedure '{name}' is {declared[name].value if name in declared else 'missing'} in the namespace file and "
            f"{offered[name].value if name in offered else 'missing'} in {type(provider).__name__}"
            for name in sorted(declared.keys() | offered.keys())
            if declared.get(name) is not offered.get(name)
        ]
        problems += [
            f"{type(provider).__name__} has {kind.value} procedures and no {method}()"
            for kind, method in _REQUIRED
            if kind in offered.values() and getattr(type(provider), method) is getattr(Provider, method)
        ]
        if problems:
            raise ConfigError(
                f"{namespace.file}: the namespace and its provider '{source}' do not match",
                [Violation(problem, file=namespace.file) for problem in problems],
            )


def nearest(name: str, known: Iterable[str]) -> str:
    """`` (did you mean '...'?)``, where a known name is near."""
    found = get_close_matches(name, list(known), n=1)
    return f" (did you mean '{found[0]}'?)" if found else ""
