from pathlib import Path

from peerlab.evidence.journal import Event, Journal, Kind, read_journal
from peerlab.evidence.mask import Mask


def test_a_secret_is_hidden_wherever_it_turns_up(tmp_path: Path) -> None:
    seen: list[Event] = []
    journal = Journal(tmp_path / "j", lambda: 0.0, seen.append, ["geheim", "geheim-lang", "abc"])
    journal.record(Kind.PRINTED, "u1", "it is geheim-lang\n", stream="stdout")
    journal.record(Kind.END, variables={"u1": {"said": ["geheim"], "number": 3}})
    journal.close()
    assert "geheim" not in (tmp_path / "j").read_text()
    assert [event.text for event in seen] == ["it is ********\n", "", ""]
    assert list(read_journal(tmp_path / "j"))[1].detail == {
        "variables": {"u1": {"said": ["********"], "number": 3}}
    }


def test_a_secret_so_short_that_it_turns_up_by_chance_is_left() -> None:
    assert Mask(["abc"]).hide("abcd") == "abcd"
    assert Mask(["abcd"]).hide("abcd") == "********"
