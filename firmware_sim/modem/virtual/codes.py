"""PIN, PUK and control keys: entering, changing, switching, unblocking, and the tries left.

Source: ETSI TS 102 221, 9.5 and 11.1.9 to 11.1.13; 3GPP TS 22.022, 4 (control keys).
"""

from __future__ import annotations

from firmware_sim.modem.virtual.state import Secret


def verify(secret: Secret, code: str) -> bool:
    """Enter the code. A wrong one costs a try; a right one gives all of them back."""
    if secret.tries == 0:
        return False
    if code != secret.code:
        secret.tries -= 1
        return False
    secret.tries = secret.most
    secret.given = True
    return True


def switch(secret: Secret, code: str, *, on: bool) -> bool:
    """Switch the check on or off; the code is entered as in `verify`."""
    if not verify(secret, code):
        return False
    secret.asked = on
    return True


def change(secret: Secret, code: str, new: str) -> bool:
    """Replace the code; the old one is entered as in `verify`."""
    if not verify(secret, code):
        return False
    secret.code = new
    return True


def unblock(secret: Secret, puk: str, new: str) -> bool:
    """Enter the unblocking code and a new one. A wrong one costs one of its own tries."""
    if secret.puk_tries == 0:
        return False
    if puk != secret.puk:
        secret.puk_tries -= 1
        return False
    secret.puk_tries = secret.most_puk
    secret.code = new
    secret.tries = secret.most
    secret.given = True
    return True
