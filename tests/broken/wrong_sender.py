"""A client that shows a message with the label of somebody else."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.book import AddressBook
from services.values import Address


class Misattributes(AddressBook):
    def label_of(self, address: Address) -> str | None:
        right = super().label_of(address)
        return next(label for label in self._labels.values() if label != right)


with patch.object(client, "AddressBook", Misattributes):
    runpy.run_module("services.client", run_name="__main__")
