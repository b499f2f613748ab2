"""What a loaded namespace, procedure and step *are*: frozen, typed, with XPath, XSLT and XSD compiled.

Sources of the rules: spec/provisioning-schema.md, the element named in each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from lxml import etree

from mpf_core.paths import Path
from mpf_core.provider import Element, ProcedureType
from mpf_core.security.identity import Impersonate
from mpf_core.validation.input_schema import InputSchema


class Access(Enum):
    """Who may call a procedure: other procedures only, or requests as well."""

    PRIVATE = "private"
    PUBLIC = "public"


class Inherit(Enum):
    """``execute/@sensitive`` and ``execute/@trusted``: as the caller, yes, no."""

    INHERIT = "0"
    YES = "1"
    NO = "2"


class IfNull(Enum):
    """What happens when a path selects nothing."""

    FAIL = "fail"
    IGNORE = "ignore"
    SKIP = "skip"


class Mode(Enum):
    """How a transferred node meets its target."""

    INSERT = "insert"
    MERGE = "merge"
    REPLACE = "replace"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One ``before`` or ``after``. ``transform`` is the compiled stylesheet of its ``templates``, xsl:template, if any."""

    source: str
    source_path: Path
    destination: str
    destination_path: Path
    mode: Mode
    if_null: IfNull
    allow_null: bool
    transform: etree.XSLT | None
    label: str
    templates: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class ForEach:
    """One ``forEach``: binds ``name`` to each node that ``path`` selects below ``root``."""

    name: str
    root: str
    path: Path
    if_null: IfNull


@dataclass(frozen=True, slots=True)
class Repeat:
    """One ``repeat``: the number of repetitions stands at ``path`` below ``source``."""

    source: str
    path: Path
    if_null: IfNull


@dataclass(frozen=True, slots=True)
class WhenPath:
    """``when`` with source and sourcePath: holds if the path selects something."""

    source: str
    path: Path


@dataclass(frozen=True, slots=True)
class WhenCase:
    """``when`` with select and case: holds if the ``select`` of that name came to that case."""

    select: str
    case: str


When: TypeAlias = WhenPath | WhenCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What execute, queue and transform have in common. ``label`` names the step within its procedure.

    ``secrets`` are the texts in ``execute_data`` that are marked as secret, and ``size`` is what a copy of it costs.
    """

    label: str
    for_each: tuple[ForEach, ...] = ()
    repeat: tuple[Repeat, ...] = ()
    when: tuple[When, ...] = ()
    before: tuple[Transfer, ...] = ()
    after: tuple[Transfer, ...] = ()
    execute_data: Element | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(Action):
    """A call of another procedure."""

    namespace: str
    procedure: str
    impersonate: Impersonate = Impersonate.INHERIT
    sensitive: Inherit = Inherit.INHERIT
    trusted: Inherit = Inherit.INHERIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue(Execute):
    """A call that a queue manager runs later."""

    suspended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(Action):
    """Only moves data."""


@dataclass(frozen=True, slots=True)
class Select:
    """A named selection that ``when`` refers to; ``cases`` in document order, the first equal value wins."""

    name: str
    source: str
    path: Path
    cases: tuple[tuple[str, str], ...]
    default_case: str | None
    if_null_case: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Try:
    """A ``try`` with the ``catch`` that follows it."""

    body: tuple[Step, ...]
    catch: tuple[Step, ...]
    label: str


Step: TypeAlias = Execute | Queue | Transform | Select | Try


@dataclass(frozen=True, slots=True)
class Procedure:
    """A named procedure, or the procedure of a request (``namespace`` and ``name`` are empty then).

    Without steps, in a namespace with a provider, it is the provider's own.
    """

    namespace: str
    name: str
    description: str = ""
    type: ProcedureType = ProcedureType.READ
    access: Access = Access.PRIVATE
    audit_enabled: bool = False
    perf_enabled: bool = False
    save_data_for_rollback: bool = False
    #: Not shown: who looks for secrets in a failed request's variables would read the whole namespace in each frame.
    steps: tuple[Step, ...] = field(default=(), repr=False)
    procedure_data: Element | None = None
    input_schema: InputSchema | None = None
    output_schema: InputSchema | None = None
    provider_source: str | None = None
    line: int | None = None
    file: str = ""
    calls: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def full_name(self) -> str:
        """``Namespace::Procedure``, as the command line and the policies write it."""
        return f"{self.namespace}::{self.name}"

    @property
    def minimum_role(self) -> str | None:
        """The role named in the input schema's ApiDocInfo annotation."""
        return self.input_schema.minimum_role if self.input_schema else None

    @property
    def named(self) -> frozenset[str]:
        """The elements and attributes (those with ``@`` before) that its schemas name, but for secrets."""
        schemas = [schema for schema in (self.input_schema, self.output_schema) if schema is not None]
        secrets = frozenset().union(*(schema.secrets for schema in schemas))
        return frozenset().union(*(schema.named for schema in schemas)) - secrets

    @property
    def is_private(self) -> bool:
        """Whether only other procedures may call it."""
        return self.access is Access.PRIVATE

    @property
    def is_provided(self) -> bool:
        """Whether a provider runs it, rather than steps."""
        return self.provider_source is not None and not self.steps


@dataclass(frozen=True, slots=True)
class Namespace:
    """A loaded namespace: procedures by name, and where it came from."""

    name: str
    procedures: Mapping[str, Procedure] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    description: str = ""
    provider_source: str | None = None
    provider_context: Element | None = None
    read_only: bool = False
    version: str = ""
    file: str = ""
