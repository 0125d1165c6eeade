import pytest

from peerlab.errors import UsageError
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from tests.support.bench import Bench

SECRET = "geheim-42"


def test_a_secret_is_typed_and_is_nowhere_in_the_evidence(talk: Bench) -> None:
    scenario = talk.load("""
        title: Tells it again
        secrets: [pass-word]
        nodes: {u1: talker}
        steps:
          - u1: {type: "{secret.pass-word}", secret: true}
          - u1: {expect: "geheim-"}
    """)
    backend = talk.backend()
    result = play(scenario, backend, talk.out, secret_values={"pass-word": SECRET})
    assert result.verdict.outcome == "passed", result.verdict.findings
    evidence = Evidence(result.evidence)
    assert evidence.log("u1") == f"ready\n> {SECRET}\n> ".encode()
    kept = [path for path in result.evidence.rglob("*") if path.suffix in {".jsonl", ".json"}]
    assert len(kept) == 2
    assert all(SECRET not in path.read_text() for path in kept)
    assert evidence.node("u1").transcript == "ready\n> ********\n********\n> "


def test_a_secret_without_a_value_is_told_before_anything_starts(talk: Bench) -> None:
    scenario = talk.load("""
        title: Needs it
        secrets: [pass-word]
        nodes: {u1: talker}
        steps:
          - u1: {type: "{secret.pass-word}", secret: true}
    """)
    with pytest.raises(UsageError, match="pass-word"):
        play(scenario, talk.backend(), talk.out)
    assert not talk.out.exists()
