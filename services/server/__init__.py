"""The signalling server: who is there, and at which address.

The registry knows the labels, the server the connections; neither ever sees a chat message.
"""
