"""The JSON Schema of ``mpf.toml``, for editors: made of the models that check the file, so it cannot say anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mpf_core.config import DIRECTORY_PLUGIN, PluginsSettings, Sections

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema(plugins: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The schema as JSON data. ``plugins`` are the models of plugins' settings, by plugin; other tables are free."""
    models: list[type[BaseModel]] = [Sections, PluginsSettings, *plugins.values()]
    references, made = models_json_schema([(model, "validation") for model in models])
    definitions = made["$defs"]
    sections = definitions.pop(_name(references[Sections, "validation"]))
    tables = {name: references[model, "validation"] for name, model in plugins.items()}
    own = definitions[_name(references[PluginsSettings, "validation"])]
    own["properties"] = {**own["properties"], **tables}
    own["additionalProperties"] = {"type": "object"}
    if DIRECTORY_PLUGIN in tables:
        sections["properties"]["directory"] = tables[DIRECTORY_PLUGIN]
    return {"$schema": _DIALECT, **sections, "title": "mpf.toml", "$defs": definitions}


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]
