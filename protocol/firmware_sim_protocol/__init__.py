"""ODAP/1 on the wire: what the bytes are, and who signed them.

The authority is SPEC.md beside this package. This package opens no socket and no file,
reads no clock and draws no random number: bytes come in, verified values go out, or one
`Refusal` that names the rule that was broken. Verification raises; it never returns False.

Reading order: `numbers` (every literal of the protocol), `rules` (every check, with its
stage and code), `values` (messages as a program sees them), `layout` (messages as bytes),
`codec` (the only bridge between the two), `envelope` (header, body, signature block),
`signing`, `keyset` and `framing`.
"""
