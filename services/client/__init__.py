"""The chat client: a person's dialogue with the server, and messages straight to peers.

The session decides, the client carries out: signalling speaks TCP, redial finds the way back to the
server, peer speaks UDP, book knows who is where, guard keeps out what is not to be trusted,
seals encrypts, keyboard reads, screen prints. Behind a NAT traversal finds the ways to peers:
discovery registers, punching opens, path keeps.
"""
