"""The signalling server: who is there, and at which address.

The registry knows the labels, a conversation what is answered, the server the connections,
admission and guesses who is kept out or waiting, keys what clients seal with. For clients behind
NATs the reflector answers STUN, and the rendezvous tells two of them to punch holes. None of them
ever sees a chat message.
"""
