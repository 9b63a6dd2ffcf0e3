"""A line that cuts, delays, loses, doubles and corrupts, and puts noise and codes between."""

from __future__ import annotations

import random

from hypothesis import strategies as st

CODES = [
    b'\r\n+CREG: 2,5,"0502","0404736D"\r\n',
    b'\r\n+CREG: 5,"0502","0404736D"\r\n',
    b"\r\n+CREG: 2\r\n",
    b"\r\n+CEREG: 2,4\r\n",
    b"\r\n+CPIN: READY\r\n",
    b"\r\n+CPIN: SIM PIN\r\n",
    b"\r\n+CSQ: 12,99\r\n",
    b"\r\n^RSSI: 12\r\n",
    b"\r\n^BOOT:15589150,0,0,0,75\r\n",
    b"\r\nRDY\r\n",
    b"\r\nPB DONE\r\n",
    b"\r\nNO CARRIER\r\n",
    b"\r\nRING\r\n",
    b"\r\nOK\r\n",
    b"\r\nERROR\r\n",
    b'\r\n+CTZV: 8,"26/11/26,12:00:00"\r\n',
]
NOISE = [b"\x00", b"\x00\x00\x00", b"\xff\xfe", b"\r\n\x80\x81\r\n", b"\r\n", b"\x1b", b"> "]


class Line:
    """A bad line: what it does to each burst of bytes follows from its seed."""

    def __init__(self, seed: int, rates: dict[str, float]) -> None:
        self.random = random.Random(seed)
        self.rates = rates

    def __call__(self, data: bytes, now: int) -> list[tuple[int, bytes]]:
        chance = self.random.random
        if chance() < self.rates["lose"]:
            return []
        if chance() < self.rates["double"]:
            data += data
        if chance() < self.rates["noise"]:
            at = self.random.randrange(len(data) + 1)
            data = data[:at] + self.random.choice(NOISE) + data[at:]
        if chance() < self.rates["corrupt"]:
            at = self.random.randrange(len(data))
            data = data[:at] + bytes([self.random.choice(b"\x80\xff\x01?")]) + data[at + 1 :]
        pieces = [data]
        if chance() < self.rates["code"]:
            cut = data.find(b"\r\n", self.random.randrange(len(data)))
            cut = len(data) if cut < 0 else cut
            pieces = [data[:cut], self.random.choice(CODES), data[cut:]]
        cuts: list[bytes] = []
        for piece in pieces:
            rest = piece
            while rest and chance() < self.rates["split"]:
                at = self.random.randrange(1, len(rest) + 1)
                cuts.append(rest[:at])
                rest = rest[at:]
            cuts.append(rest)
        slow = chance() < self.rates["delay"]
        longest = self.random.choice([5, 300, 2_000, 7_000, 20_000]) if slow else 0
        at = now
        arrived = []
        for piece in cuts:
            at += self.random.randrange(longest + 1)
            if piece:
                arrived.append((at, piece))
        return arrived


_rate = st.sampled_from([0.0, 0.02, 0.1, 0.4, 0.8])
rates = st.fixed_dictionaries(
    dict.fromkeys(("lose", "double", "noise", "corrupt", "code", "split", "delay"), _rate)
)
