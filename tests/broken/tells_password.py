"""A server that prints the password that was given."""

import runpy
from unittest.mock import patch

from services.protocol import Login
from services.server import server
from services.server.conversation import Conversation


class TellsPassword(Conversation):
    def _log_in(self, login: Login) -> bytes:
        self._console.say(f"Password given: {login.password}")
        return super()._log_in(login)


with patch.object(server, "Conversation", TellsPassword):
    runpy.run_module("services.server", run_name="__main__")
