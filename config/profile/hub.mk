# A plan is of one connection with a heap of its own; here handshakes lease theirs.
lacks := plan
