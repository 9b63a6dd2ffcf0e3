"""The decision: a pure function of evidence, device record, policy and the instant.

For each territory a kind of evidence answers in, out or unknown, and the first kind of the
policy's order that is not unknown decides. The serving network says where the phone is; the
SIM's home network never does, since a SIM roams. A place that no evidence names is unknown:
neither forbidden nor allowed, but PENDING.

Source: ITU-T E.212 (what an MCC stands for); 3GPP TS 23.122, 1.2 (registered PLMN).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware_sim.server import geography
from firmware_sim.server.devices import NEW_DEVICE, Device
from firmware_sim.server.policy import Action, Grace, Place, Policy, Source, Territory
from firmware_sim_native import plmn
from firmware_sim_protocol import numbers
from firmware_sim_protocol.numbers import Decision, Reason, TicketScope
from firmware_sim_protocol.values import Cell, Gnss, Request

NamedPlace = tuple[str | None, str | None]
"""Country (ISO 3166-1) and subdivision (ISO 3166-2), as far as they are known."""


_SERVING, _SIM, _CELL, _GNSS, _WIFI = (
    int(kind)
    for kind in (
        numbers.Evidence.SERVING,
        numbers.Evidence.SIM,
        numbers.Evidence.CELL,
        numbers.Evidence.GNSS,
        numbers.Evidence.WIFI_COUNTRY,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEvidence:
    """What a device reports about where it is and whose SIM it holds; None is "not reported"."""

    serving: str | None = None
    sim: str | None = None
    cell: Cell | None = None
    gnss: Gnss | None = None
    wifi_country: str | None = None

    @classmethod
    def of(cls, request: Request) -> PlaceEvidence:
        """The evidence whose bit in the REQUEST is set; the rest is not claimed."""
        # As a number: an operation on flags makes a flag, which takes longer than to ask it.
        has = int(request.evidence)
        more = request.extensions
        return cls(
            serving=request.serving_plmn if has & _SERVING else None,
            sim=request.sim_plmn if has & _SIM else None,
            cell=more.cell if has & _CELL else None,
            gnss=more.gnss if has & _GNSS else None,
            wifi_country=more.wifi_country if has & _WIFI else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided, and by which rule (for the log and for `policy show`)."""

    decision: Decision
    reason: Reason
    rule: str
    country: str | None = None
    subdivision: str | None = None
    retry_after_s: int | None = None
    recheck_after_s: int | None = None
    lock_notice_s: int | None = None
    text: str = ""
    """Word of the display text that goes with it (`policy.TEXT_WORDS`), or ""."""
    notice_since_s: int | None = None
    """When the grace of this device began; the store keeps it for the next decision."""


def decide(
    evidence: PlaceEvidence,
    imeis: tuple[str, ...],
    policy: Policy,
    now_s: int = 0,
    device: Device = NEW_DEVICE,
) -> Verdict:
    """Decide about one device; `imeis` are its one or two IMEIs."""
    place = name_place(evidence, policy)
    verdict = _by_lists(imeis, policy, now_s, device)
    if verdict is None:
        verdict, place = _by_place(evidence, place, policy, now_s, device)
    if verdict.decision is Decision.PENDING and device.released & TicketScope.PENDING:
        rule = f"{verdict.rule}, released by ticket"
        verdict = Verdict(decision=Decision.ACTIVATE, reason=Reason.NO_RULE, rule=rule)
    timing = policy.timing
    retry = recheck = None
    if verdict.decision is Decision.PENDING:
        retry = timing.retry_after_s
    elif verdict.recheck_after_s is not None:
        recheck = verdict.recheck_after_s
    elif verdict.decision is Decision.ACTIVATE:
        recheck = timing.recheck_after_s
    else:
        recheck = timing.locked_recheck_after_s
    return replace(
        verdict,
        country=place[0],
        subdivision=place[1],
        retry_after_s=retry,
        recheck_after_s=recheck,
    )


_LISTED = {
    Decision.LOCK_BLOCKLIST: (Reason.BLOCKLISTED, "blocklist"),
    Decision.DEACTIVATE: (Reason.WITHDRAWN, "withdrawn"),
    Decision.LOCK_FINANCE: (Reason.FINANCE, "finance"),
}


def _by_lists(imeis: tuple[str, ...], policy: Policy, now_s: int, device: Device) -> Verdict | None:
    """What the lists say of these IMEIs, wherever the phone is; None if they say nothing."""
    if not policy.listings:
        return None
    for decision, (reason, word) in _LISTED.items():
        if decision is Decision.LOCK_FINANCE and device.released & TicketScope.FINANCE:
            continue
        for listing in policy.listings:
            if listing.decision is decision and any(listing.has(imei) for imei in imeis):
                locked = Verdict(
                    decision=decision,
                    reason=reason,
                    rule=f"list {listing.name or word}",
                    text=word,
                )
                after = listing.lock_after_s
                grace = Grace(lock_after_s=after) if after is not None else None
                return _with_grace(locked, grace, policy, now_s, device)
    white = [entry for entry in policy.listings if entry.decision is Decision.ACTIVATE]
    if white and not all(any(entry.has(imei) for entry in white) for imei in imeis):
        return Verdict(
            decision=Decision.PENDING,
            reason=Reason.NO_RULE,
            rule="white list",
            text="pending",
        )
    return None


def _by_place(
    evidence: PlaceEvidence, place: NamedPlace, policy: Policy, now_s: int, device: Device
) -> tuple[Verdict, NamedPlace]:
    """What the territories say of where the phone is, and that place by name."""
    country, subdivision = place
    known = country is not None or _somewhere(evidence, policy)
    chosen: tuple[Action, str] | None = None
    for territory in policy.territories:
        answer = whereabouts(territory, evidence, policy)
        if answer is Place.IN:
            country, subdivision = _name_in(territory, evidence, country, subdivision)
            chosen = (territory.action, f"territory {territory.label}")
            break
        if answer is Place.UNKNOWN and known and territory.uncertain is not Action.ACTIVATE:
            chosen = chosen or (territory.uncertain, f"territory {territory.label}, uncertain")
    if chosen is None and not known:
        # Neither forbidden nor allowed: nobody knows where this is.
        unknown = Verdict(
            decision=Decision.PENDING,
            reason=Reason.PLACE_UNKNOWN,
            rule="place unknown",
            text="pending",
        )
        return unknown, place
    action, rule = chosen or (policy.default, "default")
    return _act(action, rule, evidence, policy, now_s, device), (country, subdivision)


def _act(
    action: Action,
    rule: str,
    evidence: PlaceEvidence,
    policy: Policy,
    now_s: int,
    device: Device,
) -> Verdict:
    if action is Action.PENDING:
        return Verdict(decision=Decision.PENDING, reason=Reason.NO_RULE, rule=rule, text="pending")
    if action is Action.LOCK:
        if device.released & TicketScope.TERRITORY:
            rule += ", released by ticket"
        else:
            return _with_grace(_locked(rule), policy.grace, policy, now_s, device)
    elif refused := _first_sim(evidence, policy, device):
        return refused
    return Verdict(decision=Decision.ACTIVATE, reason=Reason.PLACE_ALLOWED, rule=rule)


def _locked(rule: str) -> Verdict:
    return Verdict(
        decision=Decision.LOCK_TERRITORY,
        reason=Reason.PLACE_FORBIDDEN,
        rule=rule,
        text="territory",
    )


def _with_grace(
    locked: Verdict, grace: Grace | None, policy: Policy, now_s: int, device: Device
) -> Verdict:
    """The lock, or the working days that the policy leaves before it."""
    if grace is None or device.locked:
        return locked
    since = now_s if device.notice_since_s is None else device.notice_since_s
    left = since + grace.lock_after_s - now_s
    if left <= 0:
        return replace(locked, notice_since_s=since)
    return replace(
        locked,
        decision=Decision.ACTIVATE,
        rule=f"{locked.rule}, in grace",
        recheck_after_s=min(left, policy.timing.recheck_after_s),
        lock_notice_s=left if grace.warn else None,
        text="notice" if grace.warn else "",
        notice_since_s=since,
    )


def _first_sim(evidence: PlaceEvidence, policy: Policy, device: Device) -> Verdict | None:
    rule = policy.first_sim
    if rule is None or device.activated_s is not None:
        return None
    if evidence.sim is None:
        return Verdict(
            decision=Decision.PENDING, reason=Reason.NO_RULE, rule="first SIM", text="pending"
        )
    facts = plmn.lookup(evidence.sim)
    if facts.countries and set(facts.countries) <= set(rule.countries):
        return None
    if facts.country in rule.countries:
        return None
    return _locked("first SIM")


# Where is it? ------------------------------------------------------------------------------


def whereabouts(territory: Territory, evidence: PlaceEvidence, policy: Policy) -> Place:
    """In, out of, or unknown: the first kind of evidence in order that knows."""
    for source in policy.evidence.order:
        answer = _ask(source, territory, evidence, policy)
        if answer is not Place.UNKNOWN:
            return answer
    return Place.UNKNOWN


def _ask(source: Source, territory: Territory, evidence: PlaceEvidence, policy: Policy) -> Place:
    match source:
        case Source.SERVING:
            return by_network(territory, evidence.serving)
        case Source.GNSS:
            return _by_fix(territory, evidence.gnss, policy)
        case Source.CELL:
            return _by_cell(territory, evidence)
        case Source.WIFI:
            return _by_wifi(territory, evidence.wifi_country)


def by_network(territory: Territory, serving: str | None) -> Place:
    """What the registered PLMN says of one territory."""
    if serving is None:
        return Place.UNKNOWN
    facts = plmn.lookup(serving)
    possible = {facts.country} if facts.country else set(facts.countries)
    if not possible:
        return Place.UNKNOWN
    if not territory.subdivisions:
        if territory.country not in possible:
            return Place.OUT
        return Place.IN if len(possible) == 1 else Place.UNKNOWN
    if facts.subdivisions:
        inside = set(facts.subdivisions) & set(territory.subdivisions)
        if not inside:
            return Place.OUT
        return Place.IN if inside == set(facts.subdivisions) else Place.UNKNOWN
    # A network of the whole country, or of a neighbour whose networks cover the territory
    # too, says nothing either way.
    neither = territory.country in possible or serving[:3] in territory.shared_mcc
    return Place.UNKNOWN if neither else Place.OUT


def _by_fix(territory: Territory, fix: Gnss | None, policy: Policy) -> Place:
    rules = policy.evidence
    if fix is None or fix.accuracy_m > rules.gnss_max_accuracy_m:
        return Place.UNKNOWN
    if fix.age_s > rules.gnss_max_age_s:
        return Place.UNKNOWN
    if set(territory.subdivisions) >= geography.CODES:
        # Both together: the line between them does not matter.
        return geography.within(fix)
    answers = {geography.whereabouts(code, fix) for code in territory.subdivisions}
    if Place.IN in answers:
        return Place.IN
    return Place.OUT if answers == {Place.OUT} else Place.UNKNOWN


def _by_cell(territory: Territory, evidence: PlaceEvidence) -> Place:
    if evidence.cell is None or evidence.serving is None:
        return Place.UNKNOWN
    for area in territory.areas:
        if area.plmn == evidence.serving and area.first <= evidence.cell.area <= area.last:
            return Place.IN
    return Place.UNKNOWN


def _by_wifi(territory: Territory, country: str | None) -> Place:
    if country is None:
        return Place.UNKNOWN
    if country == territory.country:
        return Place.UNKNOWN if territory.subdivisions else Place.IN
    # Crimea's access points announce UA or RU: a neighbour's country is no "out" there.
    return Place.UNKNOWN if territory.subdivisions else Place.OUT


def name_place(evidence: PlaceEvidence, policy: Policy) -> NamedPlace:
    """Country and subdivision to name in the answer, from evidence that the policy admits."""
    for source in policy.evidence.order:
        if source is Source.SERVING and evidence.serving is not None:
            facts = plmn.lookup(evidence.serving)
            if facts.country is not None:
                sub = facts.subdivision
                of_country = sub is not None and sub.startswith(f"{facts.country}-")
                return facts.country, sub if of_country else None
        if source is Source.WIFI and evidence.wifi_country is not None:
            return evidence.wifi_country, None
    return None, None


def _somewhere(evidence: PlaceEvidence, policy: Policy) -> bool:
    """Whether the serving network lies in one of several countries: known, but not by name."""
    if Source.SERVING not in policy.evidence.order or evidence.serving is None:
        return False
    return bool(plmn.lookup(evidence.serving).countries)


def _name_in(
    territory: Territory,
    evidence: PlaceEvidence,
    country: str | None,
    subdivision: str | None,
) -> tuple[str, str | None]:
    if not territory.subdivisions:
        same = country == territory.country
        return territory.country, subdivision if same else None
    if subdivision in territory.subdivisions:
        return territory.country, subdivision
    if evidence.gnss is not None:
        code = geography.nearest_subdivision(evidence.gnss)
        if code in territory.subdivisions:
            return territory.country, code
    return territory.country, territory.subdivisions[0]
