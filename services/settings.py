"""Settings of the programs: options, environment variables, and one clear line for a bad one."""

import contextlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Never

from services.display import write_flushed
from services.protocol import MAX_PASSWORD
from services.values import HIGHEST_PORT

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 12345
DEFAULT_PASSWORD = "CSC3@A1"  # noqa: S105 - published as the default, to be configured
_SHOWN = 40
"""Characters of a bad value that are repeated."""


class Settings:
    """What a program was told: by option, else by environment variable, else by default.

    A bad setting ends the program with one line on standard error and exit status 2. No line
    repeats a value that may be a password.
    """

    def __init__(self, prog: str, description: str | None, environ: Mapping[str, str]) -> None:
        """Offer `--host` and `--port`, with CHAT_HOST and CHAT_PORT from `environ` behind them."""
        self.prog = prog
        self._description = description
        self._environ = environ
        self._options: dict[str, dict[str, Any]] = {}
        self._defaults: dict[str, str | bool | None] = {}
        host, port = environ.get("CHAT_HOST"), environ.get("CHAT_PORT")
        self.option("host", default=host or DEFAULT_HOST, help="also CHAT_HOST")
        self.option("port", default=port or str(DEFAULT_PORT), help="also CHAT_PORT")

    def option(self, name: str, *, default: str | bool | None, **about: str) -> None:
        """Offer `--name`; `about` is what argparse's `add_argument` takes besides."""
        self._options[f"--{name}"] = about
        self._defaults[name.replace("-", "_")] = default

    def limit(self, name: str, default: float) -> None:
        """Offer a number as an option and from the environment: `ping_after` is CHAT_PING_AFTER."""
        variable = f"CHAT_{name.upper()}"
        self.option(
            name.replace("_", "-"),
            default=self._environ.get(variable) or f"{default:.9g}",
            help=f"also {variable}; default {default:.9g}",
        )

    def file(self, name: str, purpose: str) -> None:
        """Offer the path of a file as an option and from the environment."""
        variable = f"CHAT_{name.upper().replace('-', '_')}"
        path = self._environ.get(variable) or None
        self.option(name, default=path, metavar="FILE", help=f"{purpose}; also {variable}")

    def read(self, argv: Sequence[str]) -> SimpleNamespace:
        """Return the options; what is not one of them is refused by its name alone."""
        given = SimpleNamespace(**self._defaults)
        if argv:
            self._parse(argv, given)
        if not given.host:
            self.fail("the host must not be empty")
        return given

    def fail(self, message: str) -> Never:
        """End with status 2 and one line."""
        write_flushed(sys.stderr, f"{self.prog}: {message}\n")
        sys.exit(2)

    def port(self, text: str, *, lowest: int) -> int:
        """Return the port, or end because it is none."""
        if not re.fullmatch("[0-9]{1,5}", text) or not lowest <= int(text) <= HIGHEST_PORT:
            numbers = f"{lowest} to {HIGHEST_PORT}"
            self.fail(f"the port must be a number from {numbers}, not {text[:_SHOWN]!r}")
        return int(text)

    def number(
        self, given: SimpleNamespace, name: str, lowest: float, highest: float, *, whole: bool
    ) -> float:
        """Return a limit, an int if it is `whole`, or end because it is none within its bounds."""
        text = getattr(given, name)
        pattern = "[0-9]{1,9}" if whole else r"[0-9]{1,9}(\.[0-9]{1,9})?"
        if not re.fullmatch(pattern, text) or not lowest <= float(text) <= highest:
            kind = "whole number" if whole else "number"
            numbers = f"from {lowest:.9g} to {highest:.9g}"
            self.fail(f"{name.replace('_', '-')} must be a {kind} {numbers}, not {text[:_SHOWN]!r}")
        return int(text) if whole else float(text)

    def switch(self, name: str) -> bool:
        """Return whether an environment variable is 1, or end because it is neither 1 nor 0."""
        value = self._environ.get(name, "")
        if value not in {"", "0", "1"}:
            self.fail(f"{name} must be 1 or 0, not {value[:_SHOWN]!r}")
        return value == "1"

    def password(self, option: str | None) -> str:
        """Return the password from the file of the option or the environment, or the default."""
        given, file = self._environ.get("CHAT_PASSWORD"), self._environ.get("CHAT_PASSWORD_FILE")
        if option is None and given is not None and file:
            self.fail("set only one of CHAT_PASSWORD and CHAT_PASSWORD_FILE")
        if option is not None or file:
            source = "the password file"
            password = self._password_in(option or file or "")
        else:
            source = "CHAT_PASSWORD"
            password = DEFAULT_PASSWORD if given is None else given
        if not 1 <= len(password) <= MAX_PASSWORD or not password.isprintable():
            self.fail(f"{source} must hold 1 to {MAX_PASSWORD} printable characters on one line")
        return password

    @contextlib.contextmanager
    def reading_for_tls(self, files: str) -> Iterator[None]:
        """End in one line if files cannot be used for TLS, or a library for it is missing."""
        try:
            yield
        except ImportError as error:
            self.fail(f"TLS cannot be used, for Python's module {error.name} is missing")
        except OSError as error:
            self.fail(f"cannot use {files} for TLS: {reason(error)}")

    def _parse(self, argv: Sequence[str], given: SimpleNamespace) -> None:
        # In a lab the environment says it all, and a hundred clients start without this module.
        import argparse  # noqa: PLC0415

        options = argparse.ArgumentParser(
            prog=self.prog, description=self._description, allow_abbrev=False, exit_on_error=False
        )
        for name, about in self._options.items():
            options.add_argument(name, **about)
        try:
            _, unknown = options.parse_known_args(argv, given)
        except argparse.ArgumentError as error:
            self.fail(f"{error.argument_name}: {error.message}")
        if unknown:
            # Somebody may have tried to give a password here.
            option = re.match("--?[a-z][a-z-]*", unknown[0])
            self.fail(f"unknown {f'option {option[0]}' if option else 'argument'}: see --help")

    def _password_in(self, path: str) -> str:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib would slow down every start
                # Enough for the longest password; whatever is longer is refused anyway.
                content = file.read(4 * MAX_PASSWORD + 2)
            return content.decode().removesuffix("\n").removesuffix("\r")
        except OSError as error:
            return self.fail(f"cannot read the password file {path!r}: {reason(error)}")
        except UnicodeDecodeError:
            return self.fail(f"the password file {path!r} is not UTF-8")


def reason(error: OSError | UnicodeError) -> str:
    """Return why the system or a host name's encoding refused, without the error number."""
    return getattr(error, "strerror", None) or str(error)
