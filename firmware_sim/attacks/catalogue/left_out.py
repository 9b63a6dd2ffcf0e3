"""Attacks known from elsewhere that do not apply to ODAP/1, or not to a device, and why."""

from __future__ import annotations

from collections.abc import Mapping

LEFT_OUT: Mapping[str, str] = {
    "SIG-015": "lenient BER inside DER: ODAP/1 has no DER anywhere; SIG-013 sends DER itself",
    "SIG-020": "HMAC with the public key as its key: ODAP/1 has no MAC among its algorithms",
    "SIG-027": "length extension: ODAP/1 hashes no secret before a message",
    "SIG-030": "a device under `python -O`: no attack but a way to start the device; the tests of"
    " the suite run SIG-001 that way",
    "SIG-031": "timing of comparisons: nonces and hashes are public, the seal of the record is"
    " compared in constant time; time measured on a shared machine proves neither",
    "SIG-032": "equal r in two signatures: the server's fault, not the device's; the issuer"
    " refuses to send one (server tests)",
    "SIG-033": "signing for a public key that is not its own: PrivateKey computes its public half",
    "KEY-022": "explicit curve parameters: keys travel as bare points, there are no parameters",
    "KEY-023": "a leaf certificate as a CA: ODAP/1 has no certificates",
    "KEY-024": "a chain of names without signatures: ODAP/1 has no certificates",
    "FRM-020": "an answer that offers the weaker profile: ODAP/1 negotiates nothing",
    "FRM-021": "redirection: no message of ODAP/1 carries an address",
    "FRM-022": "the link broken in every state: nothing is forged; the handset's tests break it"
    " at every octet, and each attack's control afterwards begins on a new link",
    "TLV-006": "an unknown extension that is not critical must be accepted: it stands in every"
    " honest answer of every control, so that a device which refuses it fails them all",
    "TLV-019": "an unsigned body before the signed one (wrapping): in a fixed layout this is"
    " FRM-002, two messages in one frame",
    "FRS-011": "one nonce with two requests: the server's rule nonce-reuse (server tests)",
    "STO-006": "the buffer changed between check and use: needs a hand inside the device's"
    " memory; an envelope is one immutable buffer",
    "STO-012": "a bit flip in the working memory: not a fault that this harness can cause",
    "PRV-001": "the IMEI goes to whoever answers CHALLENGE_REQ: a documented property of REQUEST"
    " (SPEC.md, 5.3), no rule that a device could break",
    "PRV-002": "IMEIs in logs: what a device logs is its maker's choice, no rule of ODAP/1",
    "META-001": "a device that refuses everything: a test of the harness itself (INVALID)",
    "META-002": "a device that crashes: a test of the harness itself (CRASH)",
}
