"""A server that refuses every client's first password."""

import runpy
from unittest.mock import patch

from services.protocol import Login, Refused, format_reply
from services.server import server
from services.server.conversation import Conversation
from services.values import ErrorName


class RefusesOnce(Conversation):
    _tried = False

    def _log_in(self, login: Login) -> bytes:
        if self._tried:
            return super()._log_in(login)
        self._tried = True
        return format_reply(Refused(ErrorName.WRONG_PASSWORD, "try again"))


with patch.object(server, "Conversation", RefusesOnce):
    runpy.run_module("services.server", run_name="__main__")
