"""The chat system: what runs inside the nodes. Standard library only.

The protocol knows the grammar, the server knows who is there, the client knows the person.
"""
