"""Impairments of well-known kinds of networks, in the words of the scenario language.

Each is for one way; a round trip meets it twice. docs/network.md says how the figures follow from
their sources.
"""

from collections.abc import Mapping
from typing import Final

PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    # Pei et al., WiFi can be the weakest link of round trip network latency in the wild, 2016.
    "wifi": {"delay": "10ms", "jitter": "10ms"},
    # Lighthouse, core/config/constants.js: desktopDense4G.
    "4g": {"delay": "20ms", "rate": "10240kbit"},
    # RFC 2488, section 2: a geostationary satellite seen from the edge of its view.
    "satellite": {"delay": "279ms"},
    # Verizon, service level agreement: New York to London.
    "transatlantic": {"delay": "45ms", "loss": "0.25%"},
    # Delay from Pei et al.; loss from ITU-T G.1050, the profile of an unmanaged network.
    "lossy-classroom": {"delay": "50ms", "jitter": "50ms", "loss": "5%"},
}
"""Key and value by name, as behind `wire`."""
