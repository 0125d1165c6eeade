"""Every file in the folder `wrong` is refused with exactly the text beside it."""

import re
from pathlib import Path

import pytest
import yaml

from peerlab.errors import ExitStatus
from peerlab.scenario.load import load_scenario
from peerlab.scenario.source import CODES, MOST_SHOWN, ScenarioError
from peerlab.scenario.tree import MAX_BYTES

HERE = Path(__file__).parent
WRONG = HERE / "wrong"
CASES = sorted(path.name for path in WRONG.glob("*.yaml"))


def problems_of(path: Path) -> ScenarioError:
    programs = {name: Path("../programs") / f"{name}.yaml" for name in ("server", "client")}
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, programs=programs)
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_refused_with_the_text_beside_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("yaml-syntax") and not yaml.__with_libyaml__:
        pytest.skip("the words are those of libyaml, which this PyYAML is built without")
    monkeypatch.chdir(WRONG)
    error = problems_of(Path(name))
    assert f"{error}\n" == (WRONG / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert error.exit_status is ExitStatus.USAGE


@pytest.mark.parametrize("name", CASES)
def test_the_problems_of_a_file_are_sorted_by_their_places(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG)
    spans = [problem.span for problem in problems_of(Path(name)).diagnostics]
    scenario = [span for span in spans if span.path == Path(name)]
    others = [span for span in spans if span.path != Path(name)]
    assert spans == [*sorted(scenario), *sorted(others)]


def test_there_is_a_wrong_file_for_every_code() -> None:
    texts = [path.read_text(encoding="utf-8") for path in WRONG.glob("*.txt")]
    shown = {code for text in texts for code in re.findall(r"error: .* \[([a-z0-9-]+)\]", text)}
    # A file of that size is not kept; there is a test for it below.
    assert shown | {"file-too-large"} == set(CODES)


def test_of_many_problems_all_are_kept_and_twenty_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(WRONG)
    error = problems_of(Path("problems-beyond-the-limit.yaml"))
    assert len(error.diagnostics) == 25
    assert str(error).count(": error: ") == MOST_SHOWN
    assert str(error).endswith("\nand 5 more problems")


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 5))
    assert str(problems_of(path)) == (
        f"{path}:1:1: error: read 1048577 bytes, expected no more than 1048576 [file-too-large]"
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "missing.yaml"
    assert str(problems_of(path)) == (
        f"{path}:1:1: error: cannot read the file: No such file or directory [unreadable-file]"
    )


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    assert str(problems_of(tmp_path)) == (
        f"{tmp_path}:1:1: error: this is not a regular file [unreadable-file]"
    )
