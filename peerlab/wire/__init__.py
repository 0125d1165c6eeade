"""The network between the nodes of a lab: a switch in userspace that sees every frame.

It starts fast, in a process that has little else: the standard library only, nothing of the
rest of peerlab, and of the standard library only what is quick to import.
"""
