"""The chat system: what runs inside the nodes. Standard library only, but for sealed messages.

The protocol knows the grammar, the server knows who is there, the client knows the person.
"""
