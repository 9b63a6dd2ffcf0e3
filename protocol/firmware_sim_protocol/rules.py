"""Every rule that a receiver of ODAP/1 enforces: one row a check, in the order of checking.

The table is the authority for refusal codes: SPEC.md prints it, the vectors cite it, each
attack breaks exactly one row, and a vulnerable twin is a device whose `Guard` waives one.

Source: SPEC.md, "Order of checks".
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from firmware_sim_protocol.errors import Refusal


class Stage(enum.IntEnum):
    """The stages of verification, in order. The number is what ERROR carries."""

    FRAME = 1
    HEADER = 2
    SIGNATURE = 3
    LAYOUT = 4
    BINDING = 5
    FRESHNESS = 6
    TIME = 7
    POLICY = 8
    COMMIT = 9
    SCREEN = 10


class Code(enum.Enum):
    """Refusal codes: for the log and the test port, never on the wire."""

    FRAME = "E_FRAME"
    FRAME_LEN = "E_FRAME_LEN"
    FRAME_FCS = "E_FRAME_FCS"
    TIMEOUT = "E_TIMEOUT"
    HEADER = "E_HEADER"
    VERSION = "E_VERSION"
    TYPE = "E_TYPE"
    SIG_MISSING = "E_SIG_MISSING"
    SIG_FORM = "E_SIG_FORM"
    SIG_BAD = "E_SIG_BAD"
    KEY_UNKNOWN = "E_KEY_UNKNOWN"
    KEY_ROLE = "E_KEY_ROLE"
    KEY_EXPIRED = "E_KEY_EXPIRED"
    KEY_WEAK = "E_KEY_WEAK"
    ALG = "E_ALG"
    THRESHOLD = "E_THRESHOLD"
    LAYOUT = "E_LAYOUT"
    EXT = "E_EXT"
    EXT_UNKNOWN_CRITICAL = "E_EXT_UNKNOWN_CRITICAL"
    DECISION = "E_DECISION"
    IMEI = "E_IMEI"
    PLMN = "E_PLMN"
    REALM = "E_REALM"
    DEVICE = "E_DEVICE"
    XID = "E_XID"
    REQHASH = "E_REQHASH"
    UNSOLICITED = "E_UNSOLICITED"
    NONCE = "E_NONCE"
    NONCE_REUSE = "E_NONCE_REUSE"
    STALE = "E_STALE"
    EXPIRED = "E_EXPIRED"
    TIME = "E_TIME"
    TIME_ROLLBACK = "E_TIME_ROLLBACK"
    EPOCH = "E_EPOCH"
    ROLLBACK = "E_ROLLBACK"
    KEYSET_STALE = "E_KEYSET_STALE"
    EQUIVOCATION = "E_EQUIVOCATION"
    TICKET_USED = "E_TICKET_USED"
    TICKET_SCOPE = "E_TICKET_SCOPE"
    STORE = "E_STORE"
    UNAUTH_ERROR = "E_UNAUTH_ERROR"


class Rule(enum.Enum):
    """One check: its stage, its refusal code, and the rule in words."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    # Framing and size
    FRAME_LENGTH = (Stage.FRAME, Code.FRAME_LEN, "a frame holds 16 to 4096 octets")
    FRAME_ESCAPE = (Stage.FRAME, Code.FRAME, "a serial frame has no broken or aborting escape")
    FRAME_FCS = (Stage.FRAME, Code.FRAME_FCS, "the FCS-32 of a serial frame is right")
    FRAME_DEADLINE = (Stage.FRAME, Code.TIMEOUT, "a frame is complete 5 s after its first octet")
    EXCHANGE_DEADLINE = (Stage.FRAME, Code.TIMEOUT, "an exchange is complete 30 s after its start")
    BACK_OFF = (
        Stage.FRAME,
        Code.TIMEOUT,
        "after a failure a device waits 5 s, and longer each time",
    )
    DROP_LIMIT = (Stage.FRAME, Code.TIMEOUT, "an exchange survives at most 8 drops")
    TYPED_FORM = (Stage.FRAME, Code.FRAME, "a message that is typed has its checksum")
    # Header
    HEADER_MAGIC = (Stage.HEADER, Code.HEADER, "magic is ODAP")
    HEADER_VERSION = (Stage.HEADER, Code.VERSION, "version is 1")
    HEADER_TYPE = (Stage.HEADER, Code.TYPE, "the type is one of the table")
    HEADER_RESERVED = (Stage.HEADER, Code.HEADER, "flags and reserved are zero")
    HEADER_SIZES = (Stage.HEADER, Code.FRAME_LEN, "header, body and signature block add up exactly")
    SIG_SIZE = (
        Stage.HEADER,
        Code.FRAME_LEN,
        "a signature has 64 octets: no DER, no other halves",
    )
    # Signature block and keys
    SIG_PRESENT = (Stage.SIGNATURE, Code.SIG_MISSING, "a signed type carries a signature")
    SIG_COUNT = (Stage.SIGNATURE, Code.SIG_FORM, "a signature block holds 1 to 8 signatures")
    SIG_SINGLE = (Stage.SIGNATURE, Code.SIG_FORM, "exactly one signature, except on a KEYSET")
    SIG_DISTINCT = (Stage.SIGNATURE, Code.SIG_FORM, "no key signs twice")
    KEY_KNOWN = (Stage.SIGNATURE, Code.KEY_UNKNOWN, "the signer is in the device's keyset")
    KEY_ROLE = (Stage.SIGNATURE, Code.KEY_ROLE, "the signer's role covers the message type")
    KEY_VALIDITY = (
        Stage.SIGNATURE,
        Code.KEY_EXPIRED,
        "the signer and its keyset are valid at the time floor",
    )
    KEY_STRONG = (Stage.SIGNATURE, Code.KEY_WEAK, "the signer's key is a point of full order")
    SIG_NULL = (Stage.SIGNATURE, Code.SIG_BAD, "64 zero octets are no Ed25519 signature")
    SIG_RANGE = (Stage.SIGNATURE, Code.SIG_BAD, "r, s and S lie in their ranges")
    SIG_LOW_S = (Stage.SIGNATURE, Code.SIG_FORM, "s of an ECDSA signature is the low one")
    SIG_CANONICAL_R = (Stage.SIGNATURE, Code.SIG_BAD, "R of an Ed25519 signature is canonical")
    SIG_VERIFIES = (Stage.SIGNATURE, Code.SIG_BAD, "the signature verifies")
    SIG_CONTEXT = (Stage.SIGNATURE, Code.SIG_BAD, "the context of the type is signed")
    SIG_HEADER = (Stage.SIGNATURE, Code.SIG_BAD, "the header is signed")
    SIG_ALGORITHM = (Stage.SIGNATURE, Code.SIG_BAD, "the algorithm is the key's own")
    THRESHOLD_OLD = (Stage.SIGNATURE, Code.THRESHOLD, "the old roots reach their threshold")
    THRESHOLD_NEW = (Stage.SIGNATURE, Code.THRESHOLD, "the new roots reach their threshold")
    # Layout
    LAYOUT_SIZE = (Stage.LAYOUT, Code.LAYOUT, "the fixed part is whole")
    LAYOUT_VALUE = (Stage.LAYOUT, Code.LAYOUT, "each field holds a value of its table")
    LAYOUT_DECISION = (Stage.LAYOUT, Code.DECISION, "the decision is one of the table")
    LAYOUT_IMEI = (Stage.LAYOUT, Code.IMEI, "an IMEI is 15 digits with its check digit and filler")
    LAYOUT_PLMN = (Stage.LAYOUT, Code.PLMN, "a PLMN is 5 or 6 digits, or absent")
    LAYOUT_EVIDENCE = (
        Stage.LAYOUT,
        Code.LAYOUT,
        "the evidence bits of a REQUEST name exactly what it carries",
    )
    EXT_WHOLE = (Stage.LAYOUT, Code.EXT, "extensions fill the body to its end")
    EXT_ORDER = (Stage.LAYOUT, Code.EXT, "extension types strictly increase")
    EXT_COUNT = (Stage.LAYOUT, Code.EXT, "there are at most 16 extensions")
    EXT_CRITICAL = (Stage.LAYOUT, Code.EXT_UNKNOWN_CRITICAL, "no critical extension is unknown")
    EXT_CRITICAL_BIT = (Stage.LAYOUT, Code.EXT, "a known extension has its own critical bit")
    EXT_VALUE = (Stage.LAYOUT, Code.EXT, "an extension's value fits its type")
    KEYSET_ALGORITHM = (Stage.LAYOUT, Code.ALG, "each key of a KEYSET has a known algorithm")
    KEYSET_KEY_STRONG = (Stage.LAYOUT, Code.KEY_WEAK, "each key of a KEYSET is a sound key")
    KEYSET_KEYS_DISTINCT = (Stage.LAYOUT, Code.LAYOUT, "no key stands twice in a KEYSET")
    KEYSET_THRESHOLD = (Stage.LAYOUT, Code.THRESHOLD, "1 <= root threshold <= number of roots")
    # Binding
    BIND_REALM = (Stage.BINDING, Code.REALM, "the realm is the device's")
    BIND_DEVICE = (Stage.BINDING, Code.DEVICE, "the device key id is the device's")
    BIND_IMEI = (Stage.BINDING, Code.IMEI, "the IMEI is the device's")
    BIND_EXCHANGE = (Stage.BINDING, Code.XID, "the exchange id is the one of the request")
    BIND_REQUEST = (Stage.BINDING, Code.REQHASH, "the answer names the request that was sent")
    BIND_PLACE = (Stage.BINDING, Code.REQHASH, "the serving network is still the request's")
    # Freshness
    FRESH_SOLICITED = (Stage.FRESHNESS, Code.UNSOLICITED, "the message answers an open question")
    FRESH_NONCE = (Stage.FRESHNESS, Code.NONCE, "the nonce is the open one")
    FRESH_AGE = (Stage.FRESHNESS, Code.STALE, "the answer is younger than max_age and 300 s")
    NONCE_DRAWN = (Stage.FRESHNESS, Code.NONCE, "each nonce is drawn anew")
    NONCE_BURN = (Stage.FRESHNESS, Code.NONCE, "only a message with a good signature burns a nonce")
    NONCE_ONCE = (Stage.FRESHNESS, Code.UNSOLICITED, "a nonce is good for one answer")
    NONCE_REUSE = (Stage.FRESHNESS, Code.NONCE_REUSE, "one nonce comes with one request only")
    # Time
    TIME_PLAUSIBLE = (Stage.TIME, Code.TIME, "times lie within ten years of the floor")
    TIME_FLOOR = (Stage.TIME, Code.TIME_ROLLBACK, "issued_at is not below the floor")
    TIME_EXPIRY = (Stage.TIME, Code.EXPIRED, "not_after is not below the floor")
    TIME_SOURCE = (Stage.TIME, Code.EXPIRED, "the wall clock decides nothing")
    FLOOR_VERIFIED = (Stage.TIME, Code.TIME, "only verified messages raise the floor")
    # Policy
    POLICY_EPOCH = (Stage.POLICY, Code.EPOCH, "the policy epoch is the keyset's")
    POLICY_VERSION = (Stage.POLICY, Code.ROLLBACK, "the policy version is not below the floor")
    POLICY_KEYSET = (Stage.POLICY, Code.KEYSET_STALE, "the answer was made under this keyset")
    POLICY_EQUIVOCATION = (
        Stage.POLICY,
        Code.EQUIVOCATION,
        "one policy version gives one decision for one request",
    )
    KEYSET_NEXT = (Stage.POLICY, Code.KEYSET_STALE, "a KEYSET follows by exactly one")
    KEYSET_VALIDITY = (Stage.POLICY, Code.EXPIRED, "a KEYSET is valid at the time floor")
    KEYSET_EPOCH = (Stage.POLICY, Code.EPOCH, "a KEYSET's epoch is not below the floor")
    TICKET_UNUSED = (Stage.POLICY, Code.TICKET_USED, "a ticket is used once")
    TICKET_SCOPE = (Stage.POLICY, Code.TICKET_SCOPE, "the ticket's scope covers the lock")
    ERROR_ADVISORY = (Stage.POLICY, Code.UNAUTH_ERROR, "an unsigned ERROR changes no state")
    # Store
    STORE_MAC = (Stage.COMMIT, Code.STORE, "the record carries the device's MAC")
    STORE_VERSION = (Stage.COMMIT, Code.STORE, "the record's version is known")
    STORE_COUNTER = (
        Stage.COMMIT,
        Code.STORE,
        "the record's sequence is the counter's, or one more",
    )
    STORE_DEVICE = (Stage.COMMIT, Code.STORE, "the record belongs to this device key")
    STORE_IMEI = (Stage.COMMIT, Code.IMEI, "the record belongs to this IMEI")
    STORE_ANSWER = (Stage.COMMIT, Code.STORE, "the stored signed answer explains the state")
    STORE_KEYSET = (Stage.COMMIT, Code.STORE, "its own roots signed the stored keyset")
    KEYSET_STORED = (
        Stage.COMMIT,
        Code.KEY_UNKNOWN,
        "a KEYSET is stored after it is verified, never before",
    )
    STORE_ORDER = (
        Stage.COMMIT,
        Code.STORE,
        "the inactive slot is durable before the counter moves",
    )
    STORE_FLOORS = (Stage.COMMIT, Code.ROLLBACK, "floors outlive a factory reset")
    STORE_DURABLE = (Stage.COMMIT, Code.STORE, "a state counts when it is durable")
    TICKET_ATOMIC = (Stage.COMMIT, Code.TICKET_USED, "used is written with the new state")
    SCREEN_AFTER_COMMIT = (Stage.SCREEN, Code.STORE, "no screen changes before its commit")

    def __init__(self, stage: Stage, code: Code, text: str) -> None:
        self.stage = stage
        self.code = code
        self.text = text

    # Rows with equal stage, code and text would be aliases; the text keeps them apart.

    @property
    def id(self) -> str:
        """The name in documents and on the command line: frame-length, sig-low-s, ..."""
        return self.name.lower().replace("_", "-")


def rule_named(identifier: str) -> Rule:
    """The rule with this id.

    Raises:
        KeyError: no rule has it.
    """
    return Rule[identifier.upper().replace("-", "_")]


@dataclass(frozen=True, slots=True)
class Guard:
    """Enforces rules; a twin's guard waives some, for training and for proving attacks."""

    waived: frozenset[Rule] = field(default_factory=frozenset)

    def require(self, rule: Rule, holds: bool, detail: str = "") -> None:
        """Go on if the rule holds.

        Raises:
            Refusal: it does not hold, and this guard does not waive it.
        """
        if not holds and rule not in self.waived:
            raise Refusal(rule, detail)

    def enforces(self, rule: Rule) -> bool:
        """Whether the rule is in force: for rules that are a way of acting, not a test."""
        return not self.waived or rule not in self.waived


SOUND = Guard()
"""The guard of every device that is not a twin."""
