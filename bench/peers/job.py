"""The job that every contender of a benchmark does, and what a contender is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

STEPS = 6


class Unavailable(Exception):  # noqa: N818 - a state of the machine, said by its name
    """A contender that cannot take part here; the text says why."""


class ToldToFail(Exception):  # noqa: N818 - the wanted course of the failure case
    """Step 6 of the failure case."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for: a value for each of n1 to n6, and whether step 6 is to fail."""

    values: dict[str, str]
    fail: bool

    @classmethod
    def parse(cls, document: bytes) -> Job:
        """Read a request document (`bench.provision6.request`)."""
        values = {str(child.tag): child.text or "" for child in etree.fromstring(document).iterfind("data/*")}
        fail = values.pop("fail", "") == "true"
        return cls({f"n{name[1:]}": value for name, value in values.items()}, fail)


@dataclass(frozen=True, slots=True)
class Target:
    """What is provisioned: a dictionary. It costs nothing, so that what is measured is the engine and its journal."""

    values: dict[str, str] = field(default_factory=dict)

    def put(self, number: int, job: Job) -> None:
        """The effect of a step. Raises ToldToFail in step 6 of the failure case."""
        if job.fail and number == STEPS:
            raise ToldToFail
        self.values[f"n{number}"] = job.values[f"n{number}"]

    def remove(self, number: int) -> None:
        """Its compensation, which does nothing if the effect is not there."""
        self.values.pop(f"n{number}", None)


@dataclass(frozen=True, slots=True)
class Contender:
    """A target, and a function that runs a request on it and says whether it succeeded."""

    target: Target
    run: Callable[[bytes], bool]


#: Opens a contender with its journal in the database of that URL; the folder is for whatever else it keeps.
Opener = Callable[[str, Path], Contender]
