"""What `peerlab record` refuses before anything starts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from peerlab import cli

OUT = ("--out", "mine.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a scenario that is there already."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.yaml").write_text("title: x\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (OUT, "got neither nodes nor --like"),
        ((*OUT, "--like", "there.yaml", "u1=client"), "got both nodes and --like"),
        (("--out", "there.yaml", "u1=client"), "is there already"),
        (("--out", "mine.txt", "u1=client"), "end it with .yaml"),
        (("--out", "no/such/mine.yaml", "u1=client"), "not a directory that you may write to"),
        ((*OUT, "u1"), "expected NAME=PROGRAM"),
        ((*OUT, "U1=client"), "expected a node name"),
        ((*OUT, "u1=clint"), "did you mean 'client'?"),
        ((*OUT, "u[1-2]=client", "u2=client"), "the name 'u2' is taken"),
        ((*OUT, "wire=client"), "the name 'wire' is taken"),
        ((*OUT, "--title", "two\nlines", "u1=client"), "expected one line of text"),
        ((*OUT, "--like", "there.yaml"), "lacks the key 'nodes'"),
        ((*OUT, "--socket", "/" + "x" * 200, "--backend", "netns", "u1=client"), "too long"),
    ],
)
def test_wrong_usage_is_told_with_what_helps(words: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(cli.main, ["record", *words])
    assert (result.exit_code, told in result.output) == (2, True), result.output
    assert not Path("mine.yaml").exists()
