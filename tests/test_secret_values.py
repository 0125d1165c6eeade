from pathlib import Path

import pytest

from peerlab.errors import UsageError
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from peerlab.secret_values import find_secrets
from tests.support.bench import Bench

TYPES = "title: x\nsecrets: {names}\nnodes: {{u1: chat}}\nsteps:\n{steps}"


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    steps = [f'  - u1: {{type: "{{secret.{name}}}", secret: true}}\n' for name in ("a-b", "c")]
    bench = Bench(tmp_path)
    path = bench.write(TYPES.format(names="[a-b, c]", steps="".join(steps)))
    return load_scenario(path, programs=bench.files)


def test_values_come_from_the_environment_and_from_files(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "c").write_text(" two words \nsecond line\n")
    environ = {"PEERLAB_SECRET_A_B": "one", "PEERLAB_SECRET_C": "older"}
    found = find_secrets([scenario], environ, [f"c={tmp_path / 'c'}"])
    assert found == {"a-b": "one", "c": " two words "}


def test_all_that_have_no_value_are_named_with_what_helps(scenario: Scenario) -> None:
    with pytest.raises(UsageError) as caught:
        find_secrets([scenario], {"PEERLAB_SECRET_X": "y"})
    assert caught.value.message == "no value is given for the secrets a-b, c"
    assert "PEERLAB_SECRET_A_B, PEERLAB_SECRET_C" in str(caught.value.hint)


@pytest.mark.parametrize("value", ["", "two\nlines"])
def test_what_cannot_be_typed_as_a_line_is_refused(scenario: Scenario, value: str) -> None:
    environ = {"PEERLAB_SECRET_A_B": "one", "PEERLAB_SECRET_C": value}
    with pytest.raises(UsageError, match="'c' is not one line"):
        find_secrets([scenario], environ)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("c", "expected NAME=FILE"),
        ("c=", "expected NAME=FILE"),
        ("d=/dev/null", "no scenario has a secret 'd'"),
        ("c=/there/is/none", "cannot read the secret 'c'"),
        ("c=/dev/null", "'c' is not one line"),
    ],
)
def test_a_file_that_does_not_help_is_told(scenario: Scenario, given: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        find_secrets([scenario], {"PEERLAB_SECRET_A_B": "one"}, [given])
