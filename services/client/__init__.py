"""The chat client: a person's dialogue with the server, and messages straight to peers.

The session decides, the client carries out: signalling speaks TCP, peer speaks UDP, keyboard reads,
screen prints.
"""
