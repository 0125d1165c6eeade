"""Voice between clients over UDP: RTP (RFC 3550) that carries G.711 mu-law (RFC 3551).

The grammar, the statistics, the sound and the playout are free of I/O; `sender` and `receiver` are
the threads and `media` is what a client uses. `docs/protocol.md` describes the same for people.
"""
