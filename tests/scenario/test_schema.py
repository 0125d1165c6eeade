from pathlib import Path

from peerlab.scenario.acts import ACT_NAMES
from peerlab.scenario.checks import CHECKS
from peerlab.scenario.network import NETWORK, ROUTER
from peerlab.scenario.schema import scenario_schema, schema_files
from peerlab.scenario.wire import WIRE

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schemas_are_those_of_the_loader() -> None:
    files = schema_files(DOCS)
    stale = [path.name for path, text in files.items() if path.read_text("utf-8") != text]
    assert stale == [], "regenerate: python -m peerlab.scenario.schema"


def test_the_schema_knows_every_act_check_and_key_of_the_network() -> None:
    text = repr(scenario_schema())
    keys = [key.name for form in (WIRE, NETWORK, ROUTER) for key in form.keys]
    assert [name for name in (*ACT_NAMES, *CHECKS, *keys) if repr(name) not in text] == []
