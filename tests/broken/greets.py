"""A client that greets before it asks."""

import runpy
from unittest.mock import patch

from services.client import session
from services.client.actions import Actions, Show
from services.client.session import Session


class Greets(Session):
    def start(self) -> Actions:
        return [Show("Welcome to the chat!"), *super().start()]


with patch.object(session, "Session", Greets):
    runpy.run_module("services.client", run_name="__main__")
