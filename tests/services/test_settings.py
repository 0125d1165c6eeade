from pathlib import Path

import pytest

from services.settings import DEFAULT_PASSWORD, Settings

SECRET = "never-shown-7"


def settings(**environ: str) -> Settings:
    made = Settings("server", None, environ)
    made.option("password-file", default=None)
    return made


def test_an_option_goes_before_the_environment_and_that_before_the_default() -> None:
    assert settings().read([]).port == "12345"
    assert settings(CHAT_PORT="7").read([]).port == "7"
    assert settings(CHAT_PORT="7").read(["--port", "8"]).port == "8"
    assert settings(CHAT_HOST="").read([]).host == "127.0.0.1"


@pytest.mark.parametrize("port", ["", "x", "-1", "65536", "1e3", "\u0661", "9" * 5000])
def test_a_port_that_is_none_is_refused_in_one_line(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings().port(port, lowest=0)

    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("server: the port must be a number from 0 to 65535, not '")
    assert complaint.count("\n") == 1
    assert len(complaint) < 120


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--password", SECRET], "unknown option --password: see --help"),
        ([f"--password={SECRET}"], "unknown option --password: see --help"),
        ([SECRET], "unknown argument: see --help"),
        (["--port"], "--port: expected one argument"),
        (["--host", ""], "the host must not be empty"),
    ],
)
def test_an_argument_that_is_none_is_refused_without_its_value(
    argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings().read(argv)

    assert ended.value.code == 2
    assert capsys.readouterr().err == f"server: {complaint}\n"


def test_a_switch_is_1_or_0() -> None:
    assert settings(CHAT_STAY="1").switch("CHAT_STAY") is True
    assert settings(CHAT_STAY="0").switch("CHAT_STAY") is False
    assert settings().switch("CHAT_STAY") is False
    with pytest.raises(SystemExit):
        settings(CHAT_STAY="yes").switch("CHAT_STAY")


def test_the_password_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\n")

    assert settings().password(None) == DEFAULT_PASSWORD
    assert settings(CHAT_PASSWORD="given").password(None) == "given"
    assert settings(CHAT_PASSWORD_FILE=str(file)).password(None) == "from a file"
    assert settings(CHAT_PASSWORD="given").password(str(file)) == "from a file"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff", b"x" * 300, b"x" * 9000])
def test_a_password_that_nobody_could_type_is_refused_and_not_shown(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    with pytest.raises(SystemExit) as ended:
        settings().password(str(file))

    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "two" not in complaint
    assert "xxx" not in complaint


def test_a_password_file_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        settings().password(str(tmp_path / "none"))

    assert "none': No such file or directory\n" in capsys.readouterr().err


def test_two_sources_of_the_password_are_refused() -> None:
    with pytest.raises(SystemExit):
        settings(CHAT_PASSWORD="a", CHAT_PASSWORD_FILE="b").password(None)
