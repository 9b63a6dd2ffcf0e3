"""Views with every fact filled in, one for each page: what a page looks like at its fullest."""

from __future__ import annotations

from firmware_sim.errors import UsageError
from firmware_sim.view import Page, View

CHALLENGE = (
    "M9S34-6Q3D2-5VT4F-5V37E-3S3E2-8JT97-KB6CQ-"
    "643DZ-VMXXQ-KFBF5-KZNWJ-47TAN-9ZT24-MNPZX-"
    "45HY4-3KWJR-P1XPA-7Z3DJ-8FSSZ-5AWSH-8VHTP-"
    "RE95B-9EE0Z-BGJ09-TQM83-XSSSS-6YS3C-4DWA7-"
    "N3609-6Q14D-R9GPQ-Y77ZX-YYK59-6NGYA-1DQ91"
)
"""As long as an UNLOCK_CHALLENGE is in its typed form. Source: SPEC.md, "The typed form"."""
PROBLEMS = {
    Page.STORAGE_FAULT: "flash: both slots have a wrong check sum",
    Page.SERVER_UNREACHABLE: "server: tcp://192.0.2.1:4810: no answer within 5 s",
    Page.TICKET: "signature: the ticket is signed by a key that this phone does not know",
}


def full_view(page: Page, locale: str = "en") -> View:
    """The page with all facts that it can show.

    The IMEIs are made of a TAC that 3GPP TS 23.003 and vendors use in examples; the address is
    of the range for documentation (RFC 5737).
    """
    return View(
        page=page,
        locale=locale,
        imei="352099001761481",
        imei2="352099001761499",
        country="UA",
        subdivision="UA-43",
        reason="territory",
        reference="7KQ4-M2XD-91TB",
        operator="CUBACEL",
        signal=3,
        step="verify",
        progress=0.58,
        retry_s=4272,
        lock_in_s=5 * 86400,
        pin_tries=2,
        sim_lock="PU",
        challenge=CHALLENGE,
        problem=PROBLEMS.get(page, ""),
        clock="09:41",
    )


def page_named(name: str) -> Page:
    """The page with that id.

    Raises:
        UsageError: there is none.
    """
    try:
        return Page(name)
    except ValueError:
        known = " ".join(page.value for page in Page)
        raise UsageError("screen", f"no page {name!r}; there are {known}") from None
