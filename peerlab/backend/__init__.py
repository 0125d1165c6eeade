"""Backends deploy a scenario's nodes on a network and hand out their terminals.

`base` says what a backend gives; `docker` does it with containers, `sockets` with nodes that
somebody else has started, such as `docker compose up`.
"""
