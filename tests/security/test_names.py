"""Names by which something is allowed: the same but for case, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_access.rules import Rule
from mpf_core import Config, Principal
from mpf_core.submission import permissions

HOLDER = "Frank.Skåne@fabrikam.example"
SAME = [HOLDER, HOLDER.upper(), HOLDER.lower()]
ALIKE = [
    HOLDER.replace("k", "\N{KELVIN SIGN}"),
    HOLDER.replace("å", "\N{ANGSTROM SIGN}"),
    HOLDER.replace("S", "\N{LATIN SMALL LETTER LONG S}"),
]


@pytest.mark.parametrize(("name", "held"), [*((name, True) for name in SAME), *((name, False) for name in ALIKE)])
def test_whoever_is_called_alike_has_no_permission_of_another(tmp_path: Path, name: str, held: bool) -> None:
    """Accounts of such names can be there beside each other, and be two organizations'."""
    config = Config.model_validate({"base_dir": tmp_path, "security": {"permissions": {"trusted_requests": [HOLDER]}}})
    assert permissions(config, Principal(name))("trusted_requests") is held
    rule = Rule.model_validate({"allow": ["*::*"], "to": [HOLDER]})
    assert rule.is_about(Principal(name), lambda _: None) is held
