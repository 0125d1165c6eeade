"""The values of the secrets that scenarios name: from the environment, or from files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from peerlab.errors import UsageError
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import variable_of


def find_secrets(
    scenarios: Sequence[Scenario], environ: Mapping[str, str], files: Iterable[str] = ()
) -> dict[str, str]:
    """The value of every secret that the scenarios name.

    Args:
        scenarios: what is to be played.
        environ: has a variable `PEERLAB_SECRET_<NAME>` for a secret, unless a file has it.
        files: `NAME=FILE`: the first line of the file is the value.

    Raises:
        UsageError: a secret has no value, or not one that can be typed as a line; or a file is not
            there, or is for a secret that no scenario names.
    """
    wanted = {name for scenario in scenarios for name in scenario.secrets}
    values = {name: environ[variable_of(name)] for name in wanted if variable_of(name) in environ}
    for given in files:
        name, equals, file = given.partition("=")
        if not (name and equals and file):
            raise UsageError(
                f"got --secret {given!r}, expected NAME=FILE",
                hint="the value is the first line of the file, never on the command line",
            )
        if name not in wanted:
            raise UsageError(f"no scenario has a secret {name!r}", hint=_listed(sorted(wanted)))
        values[name] = _first_line(name, Path(file))
    for name, value in values.items():
        if not value or "\n" in value:
            raise UsageError(f"the secret {name!r} is not one line of text", hint=_ways([name]))
    return require_secrets(scenarios, values)


def require_secrets(scenarios: Iterable[Scenario], values: Mapping[str, str]) -> dict[str, str]:
    """The values that the scenarios need.

    Raises:
        UsageError: there are some without a value; it names all of them.
    """
    wanted = dict.fromkeys(name for scenario in scenarios for name in scenario.secrets)
    missing = [name for name in wanted if name not in values]
    if missing:
        raise UsageError(
            f"no value is given for the secret{'s' * (len(missing) > 1)} {', '.join(missing)}",
            hint=_ways(missing),
        )
    return {name: values[name] for name in wanted}


def _first_line(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the secret {name!r} from {str(path)!r}: {reason}") from None


def _ways(names: Sequence[str]) -> str:
    variables = ", ".join(variable_of(name) for name in names)
    return f"set {variables} in the environment, or give `--secret {names[0]}=FILE`"


def _listed(names: Sequence[str]) -> str:
    return f"secrets are: {', '.join(names)}" if names else "leave it out"
