from pathlib import Path

from peerlab.scenario.acts import ACT_NAMES
from peerlab.scenario.checks import CHECKS
from peerlab.scenario.schema import scenario_schema, schema_files

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schemas_are_those_of_the_loader() -> None:
    files = schema_files(DOCS)
    stale = [path.name for path, text in files.items() if path.read_text("utf-8") != text]
    assert stale == [], "regenerate: python -m peerlab.scenario.schema"


def test_the_schema_knows_every_act_and_check() -> None:
    text = repr(scenario_schema())
    assert [name for name in (*ACT_NAMES, *CHECKS) if repr(name) not in text] == []
