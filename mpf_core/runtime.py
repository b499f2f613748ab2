"""All that an engine has loaded: plugins, namespaces, providers. Immutable; `Engine.reload` makes a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from mpf_core.security.declarations import KINDS
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
        tolerate: Callable[[ConfigError], None] | None = None,
    ) -> None:
        """``stored`` looks for credentials where no plugin has them: in the engine's store. ``tolerate`` is told of the
        namespaces that cannot be loaded, which are left out then.
        """
        self._tolerate = tolerate
        self._stored = stored
        self.plugins = Plugins(config.plugins.enabled, objects)
        self.services = Services(config.base_dir, self.credentials)
        self.plugins.configure(config.plugins.settings, self.services)
        self.providers: dict[str, Provider] = {}
        self._provider_owners: dict[str, str] = {}
        self._load_providers()
        self._roles = self._known_roles()
        loaded: dict[str, tuple[Namespace, str]] = {}
        for path in (*(config.base_dir / path for path in config.engine.namespaces), *namespaces):
            self._configured_namespaces(path, loaded)
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

    def _configured_namespaces(self, path: Path, loaded: dict[str, tuple[Namespace, str]]) -> None:
        with self._tolerance():
            for place in find_namespaces(path):
                with self._tolerance():
                    self._claim(loaded, load_namespace(place), "the configuration")

    @contextmanager
    def _tolerance(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            if self._tolerate is None:
                raise
            self._tolerate(error)

    def _plugin_namespaces(self, hook: HookCaller, loaded: dict[str, tuple[Namespace, str]]) -> None:
        try:
            found = [load_namespace(place) for path in hook() for place in find_namespaces(Path(path))]
            for namespace in found:
                self._check(namespace)
        except Exception as error:  # a plugin's mistake must not take the others along
            self.plugins.broken(hook.plugin, str(error) if isinstance(error, ConfigError) else error)
            return
        for namespace in found:
            with self._tolerance():
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
            self._check(namespace)
        loaded[namespace.name] = (namespace, owner)

    def _known_roles(self) -> frozenset[str]:
        """The roles that the policies know; none where no policy says which."""
        known: set[str] = set()
        for hook in self.plugins.each("mpf_roles"):
            try:
                known.update(hook())
            except Exception as error:  # a plugin's mistake must not take the others along
                self.plugins.broken(hook.plugin, error)
        return frozenset(known)

    def _check(self, namespace: Namespace) -> None:
        """What a file alone cannot be asked. Raises ConfigError."""
        self._check_provider(namespace)
        problems = [one for procedure in namespace.procedures.values() for one in self._unknown_roles(procedure)]
        if problems:
            raise ConfigError(f"{namespace.file}: {len(problems)} role(s) that no enabled policy knows", problems)

    def _unknown_roles(self, procedure: Procedure) -> Iterator[Violation]:
        schema = procedure.input_schema
        if schema is None or not self._roles:
            return
        named = {schema.minimum_role: f"the minimum role of '{procedure.name}'"} if schema.minimum_role else {}
        for argument, one in schema.declared.items():
            if one.needs and one.needs not in KINDS.get(one.kind, (one.needs,)):
                named.setdefault(one.needs, f"what '{procedure.name}' needs over its '{argument}'")
        for role, what in named.items():
            if role not in self._roles:
                near = nearest(role, self._roles) or f" (known: {', '.join(sorted(self._roles))})"
                message = f"no enabled policy knows the role '{role}', {what}{near}"
                yield Violation(message, line=procedure.line, file=procedure.file)

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
    folded = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), list(folded), n=1)
    return f" (did you mean '{folded[found[0]]}'?)" if found else ""
