"""The protocol: messages against a P-256 verification, whole activations, many phones at once."""

from __future__ import annotations

import gc
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.figure import Figure
from benchmarks.timing import in_turn
from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.handset.firmware import OFFICIAL
from firmware_sim.handset.flash import MemoryFlash
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import make_keys
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import MemoryStore
from firmware_sim_protocol import signing
from firmware_sim_protocol.codec import build_body, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import TcpFraming
from firmware_sim_protocol.numbers import Algorithm, LockState, MessageType
from firmware_sim_protocol.signing import PrivateKey, signed_octets
from vector_files.cast import example, key, sealed

ESP256 = Algorithm.ESP256
NOW_S = 1_750_000_000
MESSAGE_BOUND = 25 / 80
CRYPTO_BOUND = 1.5
MEMORY_BOUND_KIB = 20
GROWTH_BOUND = 1.5
"""Cost of a phone among 10,000 against its cost among 100: linear is 1."""
FLEETS = (10, 100, 1_000, 10_000)


def figures() -> Iterator[Figure]:
    """Every figure, in one run."""
    # First, in a child: what earlier figures freed would hide what phones need.
    yield memory_figure()
    yield from message_figures()
    yield activation_figure()
    yield fleet_figure()


def timed(function: Callable[[], object], repeats: int) -> Callable[[], float]:
    """A side for `in_turn`: CPU seconds of one call, over `repeats` calls."""

    def side() -> float:
        started = time.process_time()
        for _ in range(repeats):
            function()
        return (time.process_time() - started) / repeats

    return side


# Messages -----------------------------------------------------------------------------------


def message_figures() -> Iterator[Figure]:
    """Open, parse and build of each type, against one verification."""
    raw = sealed(MessageType.RESPONSE, ESP256)
    envelope = open_envelope(raw)
    octets = signed_octets(b"response", envelope.header_and_body)
    act, signature = key("act", ESP256).public, envelope.signatures[0].signature
    verify = timed(lambda: act.verify(octets, signature), 200)
    for kind in MessageType:
        yield message_figure(kind, verify)
    yield first_keyset_figure(verify)


def message_figure(kind: MessageType, verify: Callable[[], float]) -> Figure:
    raw, message = sealed(kind, ESP256), example(kind, ESP256)

    def whole() -> None:
        parse_message(open_envelope(raw))
        build_body(message)

    ours, bare = in_turn(7, timed(whole, 300), verify)
    note = f"{ours * 1e6:.1f} us, where a verification takes {bare * 1e6:.1f} us"
    if kind is MessageType.KEYSET:
        note += "; its five keys have been loaded before"
    return Figure(
        name=f"parse and build {kind.name} / verify",
        value=ours / bare,
        unit="x",
        bound=MESSAGE_BOUND,
        sides={"ours": ours, "verify": bare},
        note=note,
    )


def first_keyset_figure(verify: Callable[[], float]) -> Figure:
    raw = sealed(MessageType.KEYSET, ESP256)

    def first() -> None:
        signing._judged.cache_clear()
        parse_message(open_envelope(raw))

    ours, bare = in_turn(5, timed(first, 50), verify)
    return Figure(
        name="parse KEYSET, new keys / verify",
        value=ours / bare,
        unit="x",
        bound=None,
        sides={"ours": ours, "verify": bare},
        note="finds y for the x of five P-256 keys: arithmetic of the curve, not of the message",
    )


# One activation -----------------------------------------------------------------------------

_POLICY = '[policy]\nname = "bench"\nversion = 1\ndefault = "activate"\n'


class Fleet:
    """Phones that were never activated, and one server, in one process."""

    def __init__(self, count: int) -> None:
        drawn = _Drawn()
        keys = make_keys(drawn, ESP256)
        policy = Policy.load(_POLICY, "bench")
        self.issuer = Issuer(keys=keys, policy=policy, store=MemoryStore(), entropy=drawn)
        self._framing = TcpFraming()
        self.phones: list[Handset] = []
        self.evidence: list[Evidence] = []
        for number in range(count):
            imei = _imei(number)
            device_key = PrivateKey.derive(ESP256, drawn(32))
            _ = device_key.public.key_id
            board = Board(imei=imei, device_key=device_key, storage_key=drawn(32))
            phone = Handset(
                board=board,
                flash=MemoryFlash(),
                firmware=OFFICIAL,
                trust=keys.keyset,
                entropy=drawn,
            )
            self.phones.append(phone)
            self.evidence.append(
                Evidence(
                    imei=imei,
                    serving="26201",
                    sim="26201",
                    sim_state=SimCondition.READY,
                    registered=True,
                )
            )

    def begin(self) -> None:
        """Every phone boots, goes through its setup and sends its first message."""
        for number in range(len(self.phones)):
            self.boot(number)

    def boot(self, number: int) -> None:
        """One phone, up to its first message."""
        phone = self.phones[number]
        phone.boot(0, NOW_S)
        phone.sees(self.evidence[number], 0)
        action = autopilot(phone.view)
        if action is not None:
            phone.acts(action, 0)
        phone.link_opened(0)

    def activate(self) -> None:
        """Message by message, every phone in turn, until all are acknowledged."""
        talking = list(self.phones)
        while talking:
            talking = [phone for phone in talking if self.talk(phone)]
            self.issuer.events()
        for phone in self.phones:
            assert phone.lock_state is LockState.ACTIVE

    def talk(self, phone: Handset) -> bool:
        """What a phone has to say reaches the server, and the answers the phone."""
        sent = self._framing.feed(phone.outgoing(), 0)
        for message in sent:
            assert not isinstance(message, Refusal)
            for answer in self.issuer.answer(message, NOW_S):
                phone.receive(self._framing.wrap(answer), 1)
        return bool(sent)

    def one_by_one(self) -> None:
        """One whole activation after the other."""
        for number, phone in enumerate(self.phones):
            self.boot(number)
            while self.talk(phone):
                pass
            assert phone.lock_state is LockState.ACTIVE


class _Drawn:
    """Entropy that costs as little as os.urandom and repeats."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.sha256(self._count.to_bytes(8)).digest()[:size]


def _imei(number: int) -> str:
    first = f"{49015420000000 + number:014}"
    total = 0
    for place, digit in enumerate(map(int, first)):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return first + str(-total % 10)


def activation_figure() -> Figure:
    """CPU time of whole activations, power-on included, against their bare cryptography."""
    count, rounds = 40, 7
    ours, bare = in_turn(rounds, lambda: _activations(count), lambda: _bare(count))
    return Figure(
        name="activation / its cryptography",
        value=ours / bare,
        unit="x",
        bound=CRYPTO_BOUND,
        sides={"ours": ours, "bare": bare},
        note=f"{ours * 1e3:.3f} ms CPU a phone, both sides, ESP256, against three signatures and "
        f"three verifications in {bare * 1e3:.3f} ms",
    )


def _activations(count: int) -> float:
    fleet = Fleet(count)
    gc.collect()
    started = time.process_time()
    fleet.one_by_one()
    return (time.process_time() - started) / count


def _bare(count: int) -> float:
    private = ec.derive_private_key(12345, ec.SECP256R1())
    public = private.public_key()
    how = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    check = ec.ECDSA(hashes.SHA256())
    octets = bytes(400)
    gc.collect()
    started = time.process_time()
    for _ in range(3 * count):
        public.verify(private.sign(octets, how), octets, check)
    return (time.process_time() - started) / count


# Many phones --------------------------------------------------------------------------------


def fleet_figure() -> Figure:
    """The cost of a phone in fleets of 10 to 10,000 whose activations are interleaved."""
    rows: dict[int, float] = {}
    for count in FLEETS:
        gc.collect()
        fleet = Fleet(count)
        gc.collect()
        started = time.process_time()
        fleet.begin()
        fleet.activate()
        rows[count] = (time.process_time() - started) / count
        del fleet
    table = ", ".join(f"{count}: {1e3 * cost:.3f} ms" for count, cost in rows.items())
    return Figure(
        name="cost of a phone among 10,000 / 100",
        value=rows[10_000] / rows[100],
        unit="x",
        bound=GROWTH_BOUND,
        sides={f"{count} phones": cost for count, cost in rows.items()},
        note=f"CPU time a phone: {table}",
    )


def memory_figure() -> Figure:
    """What a phone takes while it waits."""
    count = FLEETS[-1]
    return Figure(
        name="memory of a waiting phone",
        value=_grown(count) / count / 1024,
        unit="KiB",
        bound=MEMORY_BOUND_KIB,
        note="growth of the resident set for 10,000 phones that wait for their CHALLENGE, with "
        "board, device key and flash",
    )


def _grown(count: int) -> float:
    """Octets by which the process grows for phones that wait; measured in a child of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            Fleet(10).begin()
            gc.collect()
            before = _resident()
            fleet = Fleet(count)
            fleet.begin()
            for phone in fleet.phones:
                phone.outgoing()
                phone.events()
            gc.collect()
            os.write(writing, str(_resident() - before).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return float(told.read())


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")
