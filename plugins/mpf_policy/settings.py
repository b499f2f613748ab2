"""``[plugins."mpf.policy"]``: the settings of the policy plugin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator, model_validator

from mpf_core.errors import MpfError
from mpf_core.settings import Settings
from mpf_directory.dn import Dn

#: A calling or called procedure, exactly; all of a namespace; or those of a namespace that begin alike.
_PATTERN = re.compile(r"request|[A-Za-z0-9_ ]+::(?:[A-Za-z0-9_ ]+|[A-Za-z0-9_ ]*\*)")

Text = Annotated[str, Field(min_length=1)]
#: What can be done to an object of a directory (`mpf_core.security.capability.Permit`).
Operation: TypeAlias = Literal["read", "create", "modify", "rename", "delete", "read-acl", "write-acl"]


class May(Settings):
    """Something that an elevated call may do: ``operations`` on ``objects``, or on what lies ``below`` or ``within``.

    ``objects`` are arguments of the calling procedure that name one, ``below`` those that name a container; ``within`` are
    ``domain``, or names of containers from there downwards, such as ``CN=_Private,OU=Hosting``. A container is meant
    together with itself. ``attributes`` limit what is modified; a ``*`` may end each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations: Annotated[tuple[Operation, ...], Field(min_length=1)]
    objects: tuple[Text, ...] = ()
    below: tuple[Text, ...] = ()
    within: tuple[Text, ...] = ()
    attributes: tuple[Text, ...] = ()

    @field_validator("within")
    @classmethod
    def _are_places(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            place(Dn.parse("DC=example"), name)
        return names

    @model_validator(mode="after")
    def _names_something(self) -> May:
        if not self.objects and not self.below and not self.within:
            raise ValueError("must name objects, or what they lie below or within")
        return self


class Elevation(Settings):
    """One rule: calls of ``to`` made by ``from`` may run with more rights than their caller has, because of ``reason``.

    Both are ``Namespace::Procedure``, ``Namespace::*`` or ``Namespace::Begin*``; ``from`` may be ``request``, which is the
    procedure of a trusted request. ``may`` is all that such a call may do then; ``"anything"`` leaves it to the rights of
    the account that it runs as.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    from_: str = Field(alias="from")
    to: str
    reason: Text
    may: tuple[May, ...] | Literal["anything"]

    @field_validator("from_", "to")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError("must be Namespace::Procedure, or Namespace:: with a * at the end")
        return pattern


def place(base: Dn, name: str) -> Dn:
    """The container that ``name`` of `May.within` stands for. Raises ValueError for what is none."""
    if name == "domain":
        return base
    try:
        relative = Dn.parse(name)
        relative.require_name()
    except MpfError as error:
        raise ValueError(f"'{name}' is neither 'domain' nor the name of a container below it") from error
    for rdn in reversed(relative.rdns):
        base = base.child(rdn.type, rdn.value)
    return base


class Claims(Settings):
    """Which ``evidence`` counts when an organization claims a SIP domain that nobody has.

    ``upn-suffixes``: the domain is one of the organization's uPNSuffixes that no other one has, or lies below one (see that
    its administrators cannot write them: `mpfctl directory check`); ``approvals``: it stands in ``approved`` with the
    organization, named from there to the domain, such as ``OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting``;
    ``none``: who comes first.
    """

    evidence: Literal["upn-suffixes", "approvals", "none"] = "upn-suffixes"
    approved: dict[str, Text] = Field(default_factory=dict)

    @field_validator("approved")
    @classmethod
    def _are_organizations(cls, approved: dict[str, str]) -> dict[str, str]:
        for name in approved.values():
            place(Dn.parse("DC=example"), name)
        return {domain.strip().rstrip(".").lower(): name for domain, name in approved.items()}


class PolicySettings(Settings):
    """What the plugin can be told.

    ``hosting_ou`` is the name of the organizational unit at the top of the domain that holds all hosted organizations;
    ``credentials_file`` a TOML file with stored credentials, for its owner only; ``elevations`` the elevation rules;
    ``domain_claims`` who may claim a SIP domain.
    """

    hosting_ou: Text = "Hosting"
    credentials_file: Path | None = None
    elevations: tuple[Elevation, ...] = ()
    domain_claims: Claims = Claims()
