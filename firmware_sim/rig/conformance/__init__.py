"""The vectors of ODAP/1 put to an implementation: ours, or one in another language.

An implementation under test is a program. It reads one JSON object a line and answers each with
one JSON object a line (protocol/vectors/README.md). `fields` says how messages look in JSON,
`operations` is our own implementation of the form, `judging` its part that needs a device,
`suite` reads vector files and holds replies against them, `peer` talks to a program.
"""
