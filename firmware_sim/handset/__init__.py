"""The board: identity, flash, lock state, activation exchange, setup wizard.

The handset is a machine without I/O: bytes, news from the modem, a person's actions and
instants come in; bytes, events, a view and "I want the link" come out. Reading order:
`moves` (how a table of legal moves is walked), `lock`, `exchange` and `wizard` (the three
tables), `flash` and `store` (what survives a power cut), `record` (what is stored),
`judge` (what a signed answer must satisfy), `boot` (what a stored answer must satisfy),
`activation` (the exchange), `device` (all of it joined).

Source: protocol/SPEC.md, "The device".
"""
