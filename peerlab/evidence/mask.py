"""Hides secrets in what is kept, wherever they turn up in it."""

import json
from collections.abc import Collection
from typing import Any, Final

MASK: Final = "********"

SHORTEST: Final = 4
"""Characters of a secret that is hidden wherever it turns up. A shorter one turns up by chance, so
that hiding it would spoil the rest; it is hidden where it is typed."""


_WAYS: Final = (False, True)


class Mask:
    """Knows the secrets of a run."""

    def __init__(self, secrets: Collection[str]) -> None:
        # The longest first: one may be part of another.
        # Programs write them as they are, and as JSON does.
        forms = {
            form
            for secret in secrets
            for form in (secret, *(json.dumps(secret, ensure_ascii=way)[1:-1] for way in _WAYS))
        }
        hidden = {form for form in forms if len(form) >= SHORTEST}
        self._secrets = sorted(hidden, key=len, reverse=True)

    def hide(self, value: Any) -> Any:  # noqa: ANN401 - whatever an event tells
        """The same value, with every secret in its texts replaced."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, dict):
            return {key: self.hide(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(part) for part in value]
        return value
