"""Views with every fact filled in, one for each page: what a page looks like at its fullest."""

from __future__ import annotations

from firmware_sim.errors import UsageError
from firmware_sim.view import Page, View

CHALLENGE = "A7KQ-M2XD-91TB-4HFW-6ZPC-0RVN-8JYS-3GEK-5T2M-QX7D"
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
