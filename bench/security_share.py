"""What part of a request goes into who may do what: the caller's look-up, authorization, elevation, and its limits.

Wall-clock time of the engine's own functions, with whatever they ask the directory and write into the store.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

from mpf_core.authority import Authority
from mpf_core.submission import Submission
from mpf_directory.changes import DirectoryProvider
from mpf_directory.guarded import GuardedDirectory

#: What is measured, and under which name; what one of them calls is a part of it.
_FUNCTIONS: tuple[tuple[str, type, str], ...] = (
    ("who calls", Submission, "_authenticate"),
    ("authorization", Authority, "authorize"),
    ("elevation", Authority, "grant"),
    ("limits of elevated calls", GuardedDirectory, "_require"),
    ("limits of elevated calls", DirectoryProvider, "check_capability"),
)


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Meanwhile, seconds are added up by name. For requests of one thread, one after another."""
    spent: dict[str, float] = defaultdict(float)
    inside: list[str] = []
    with ExitStack() as stack:
        for name, owner, function in _FUNCTIONS:
            stack.enter_context(mock.patch.object(owner, function, _timed(getattr(owner, function), spent, name, inside)))
        stack.enter_context(mock.patch.object(Authority, "elevated", _entered(Authority.elevated, spent)))
        yield spent


def _timed(function: Callable[..., Any], spent: dict[str, float], name: str, inside: list[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        if inside:
            return function(*arguments, **named)
        inside.append(name)
        begin = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            inside.clear()
            spent[name] += time.perf_counter() - begin

    return wrapper


def _entered(function: Callable[..., AbstractContextManager[Any]], spent: dict[str, float]) -> Callable[..., Any]:
    """An elevation's record is made on the way in; what follows is the call itself."""

    @contextmanager
    def wrapper(*arguments: Any) -> Iterator[Any]:
        with ExitStack() as stack:
            begin = time.perf_counter()
            capability = stack.enter_context(function(*arguments))
            spent["elevation"] += time.perf_counter() - begin
            yield capability

    return wrapper
