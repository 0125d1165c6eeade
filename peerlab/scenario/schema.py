"""JSON Schema of scenario and program files, for editors: `python -m peerlab.scenario.schema`.

Made of the tables that the loader reads with. It is looser than the loader, which knows more
than a schema can say: names of nodes, actions and variables.
"""

import json
from pathlib import Path
from typing import Final

from peerlab.scenario.acts import ACT_FORMS
from peerlab.scenario.checks import BESIDE, CHECKS
from peerlab.scenario.kinds import NODES, Form, Schema
from peerlab.scenario.load import SCENARIO
from peerlab.scenario.program import PROGRAM, WAYS_TO_RUN
from peerlab.scenario.steps import TOGETHER, WIRE_STEP
from peerlab.scenario.wire import HEAL, IMPAIRMENT

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, object]:
    """The schema of a scenario file."""
    plain_step = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {**NODES.schema, "not": {"enum": [TOGETHER, WIRE_STEP]}},
        "additionalProperties": {"$ref": "#/$defs/act"},
    }
    together = {
        "type": "object",
        "properties": {TOGETHER: {"type": "array", "minItems": 1, "items": plain_step}},
        "required": [TOGETHER],
        "additionalProperties": False,
    }
    impairment: Schema = {"$ref": "#/$defs/impairment"}
    healing = Form("'wire'", (HEAL,)).schema()
    wire = {
        "type": "object",
        "properties": {WIRE_STEP: {"anyOf": [{"enum": [HEAL.name]}, impairment, healing]}},
        "required": [WIRE_STEP],
        "additionalProperties": False,
    }
    return {
        "$schema": _DIALECT,
        "title": "peerlab scenario",
        **SCENARIO.schema(),
        "$defs": {
            "step": {"anyOf": [together, wire, plain_step]},
            "impairment": IMPAIRMENT.schema(),
            "act": _act(),
            "check": _check(),
        },
    }


def program_schema() -> dict[str, object]:
    """The schema of a program file."""
    return {
        "$schema": _DIALECT,
        "title": "peerlab program",
        **PROGRAM.schema(),
        **WAYS_TO_RUN,
        "$defs": {"act": _act()},
    }


def _act() -> dict[str, object]:
    properties: dict[str, object] = {}
    for form in ACT_FORMS:
        shape = form.schema()["properties"]
        if isinstance(shape, dict):
            properties |= shape
    # A word can be an act or an action; a mapping can have the parameters of any action.
    return {"anyOf": [{"type": "string"}, {"type": "object", "properties": properties}]}


def _check() -> dict[str, object]:
    shapes: dict[str, Schema] = {}
    for name, check in CHECKS.items():
        arguments = {"anyOf": [{"type": "null"}, check.schema]} if check.is_bare else check.schema
        shapes[name] = {**arguments, "description": check.about}
    beside = BESIDE.schema()["properties"]
    mapping = {
        "type": "object",
        "minProperties": 1,
        "properties": shapes | (beside if isinstance(beside, dict) else {}),
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": [n for n, check in CHECKS.items() if check.is_bare]}, mapping]}


def schema_files(folder: Path) -> dict[Path, str]:
    """The files in `docs` that hold the schemas, with what belongs into them."""
    schemas = {"scenario": scenario_schema(), "program": program_schema()}
    return {
        folder / f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


if __name__ == "__main__":
    for path, text in schema_files(Path(__file__).parents[2] / "docs").items():
        path.write_text(text, encoding="utf-8")
