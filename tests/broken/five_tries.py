"""A server that refuses every password after the fifth wrong one."""

import runpy
from unittest.mock import patch

from services.protocol import Login, Refused, format_reply
from services.server import server
from services.server.conversation import Conversation
from services.values import ErrorName


class LosesPatience(Conversation):
    _tries = 0

    def _log_in(self, login: Login) -> bytes:
        self._tries += 1
        if self._tries <= 5:
            return super()._log_in(login)
        return format_reply(Refused(ErrorName.WRONG_PASSWORD, "too many tries"))


with patch.object(server, "Conversation", LosesPatience):
    runpy.run_module("services.server", run_name="__main__")
