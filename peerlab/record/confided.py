"""The secrets that were typed in a session, and the names that stand for them."""

from collections.abc import Iterable
from typing import Final

from peerlab.evidence.mask import SHORTEST
from peerlab.scenario.model import Program
from peerlab.scenario.values import variable_of


class Confided:
    """Gives every secret value a name. The same value has the same name."""

    def __init__(self, values: Iterable[str], public: Iterable[str]) -> None:
        """Know the secret lines of a session.

        `public` are values that program files tell anyway: the defaults of secret parameters.
        """
        self._public: Final = frozenset(public)
        self._values: Final = frozenset(values) - self._public - {""}
        self._names: dict[str, str] = {}

    @property
    def values(self) -> dict[str, str]:
        """The values of the names that were given."""
        return {name: value for value, name in self._names.items()}

    def is_told(self, text: str) -> bool:
        """Whether the text may be written down as it is: it is no secret, and holds none."""
        return text not in self._values and not self.within(text)

    def within(self, text: str) -> list[str]:
        """The secrets that stand in the text, but for those so short that they do by chance."""
        return [value for value in self._values if len(value) >= SHORTEST and value in text]

    def template(self, value: str, node: str, parameter: str = "secret") -> str | None:
        """What stands for the secret in a scenario; None: nothing has to, as files tell it."""
        if value in self._public or value == "":
            return None
        if value not in self._names:
            self._names[value] = self._free_name(f"{node}-{parameter}")
        return f"{{secret.{self._names[value]}}}"

    def _free_name(self, wanted: str) -> str:
        taken = {variable_of(name) for name in self._names.values()}
        name, number = wanted, 1
        while variable_of(name) in taken:
            number += 1
            name = f"{wanted}-{number}"
        return name


def default_secrets(program: Program) -> set[str]:
    """The defaults of secret parameters, which the program's file tells."""
    return {
        "".join(part for part in parameter.default.parts if isinstance(part, str))
        for action in program.actions.values()
        for parameter in action.parameters
        if parameter.secret and parameter.default is not None
    }
