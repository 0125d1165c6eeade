import pytest

from peerlab.checks.nearest import Miss, nearest

SHOWN = [
    "LIST AVAILABLE CLIENTS: Y/N",
    "2026-11-27 19:19:43 Received message from USER 2: Who had the key?",
    "Enter your passwort: ",
]


@pytest.mark.parametrize(
    ("awaited", "kind", "miss"),
    [
        ("Enter your password: ", "text", Miss("Enter your passwort: ", 19, "d: ", "t: ")),
        (
            r"Received message from USER\ 2:\ Who\ has\ the\ key\?$",
            "regex",
            Miss("Received message from USER 2: Who had the key?", 37, "s the key?", "d the key?"),
        ),
        (
            r"^\S+ \S+ Received message from (?P<who>USER \d+): Who had the keys\?",
            "regex",
            Miss(SHOWN[1], 66, "s?", "?"),
        ),
        (
            r"USER\ 2:\ Who\ had\ \[a\.b\]\?$",
            "regex",
            Miss("USER 2: Who had the key?", 17, "[a.b]?", "the key?"),
        ),
        ("Incorrect username or password", "text", None),
        (r"/.*/", "regex", None),
        ("passwort", "text", None),
        (r"the\ key\?", "regex", None),
        (r"Who\ had\ the\ key$", "regex", Miss("Who had the key?", 16, "", "?")),
    ],
)
def test_the_line_that_is_most_like_what_was_awaited_is_found(
    awaited: str, kind: str, miss: Miss | None
) -> None:
    assert nearest(awaited, SHOWN, regex=kind == "regex") == miss


def test_a_line_that_is_as_awaited_is_no_miss() -> None:
    assert nearest("Y/N", ["Y/N"]) is None


def test_of_many_and_long_lines_only_some_are_looked_at() -> None:
    assert nearest("needle", ["needla", *["hay"] * 1_000_000]) is None
    found = nearest("x" * 1_000_000, ["x" * 999_999 + "y"])
    assert found is None


def test_nothing_is_near_to_what_is_very_short() -> None:
    assert nearest("> ", ["> > "]) is None
    assert nearest("Y/N", ["Y/M"]) is None
    assert nearest("Y/N?", ["Y/M?"]) is not None
