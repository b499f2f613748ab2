"""Putting something between the engine and real providers: faults, or a recorder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

from mpf_core.hookspecs import hookimpl
from mpf_core.provider import CallContext, Change, Element, Output, Provider, Undo


class WrappedProvider(Provider):
    """Passes everything on to another provider. Subclasses do something before or after."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner
        self.handlers = {name: (handler, "respond") for name, (handler, _) in inner.handlers.items()}  # type: ignore[misc]
        self.formats = inner.formats  # type: ignore[misc]

    def respond(self, ctx: CallContext, data: Element) -> Output | Change:
        """Any read procedure, and the *prepare* of any other."""
        _, attribute = self.inner.handlers[ctx.procedure]
        made: Output | Change = getattr(self.inner, attribute)(ctx, data)
        return made

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """See `Provider.apply`."""
        return self.inner.apply(ctx, change)

    def check_capability(self, ctx: CallContext, change: Change) -> None:
        """See `Provider.check_capability`."""
        self.inner.check_capability(ctx, change)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """See `Provider.undo`."""
        return self.inner.undo(ctx, change)

    def prepare_commit(self, ctx: CallContext, change: Change) -> None:
        """See `Provider.prepare_commit`."""
        self.inner.prepare_commit(ctx, change)

    def commit(self, ctx: CallContext, change: Change) -> None:
        """See `Provider.commit`."""
        self.inner.commit(ctx, change)

    def describe(self, change: Change) -> str:
        """See `Provider.describe`."""
        return self.inner.describe(change)


def wrap_plugin(plugin: object, wrap: Callable[[Provider], Provider]) -> object:
    """A plugin that does what ``plugin`` does, with its providers wrapped: give it to an engine in the plugin's place.

    What else is public of it (its ``settings_model``, say) is there as well.
    """
    kept = {name: getattr(plugin, name) for name in dir(plugin) if not name.startswith("_")}
    offered = kept.pop("mpf_providers", None)
    if offered is None:
        raise ValueError(f"the plugin {type(plugin).__name__} has no providers")

    @hookimpl
    def mpf_providers() -> Mapping[str, Provider]:
        return {source: wrap(provider) for source, provider in offered().items()}

    return SimpleNamespace(**{"name": type(plugin).__name__} | kept | {"mpf_providers": mpf_providers})
