"""The messages that a phone sends, made from what it knows."""

from __future__ import annotations

from dataclasses import replace

from firmware_sim.handset.board import Board
from firmware_sim.handset.evidence import Evidence
from firmware_sim.handset.firmware import Firmware
from firmware_sim.handset.judge import Question
from firmware_sim.handset.record import Record
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.numbers import Cause
from firmware_sim_protocol.numbers import Evidence as Kinds
from firmware_sim_protocol.values import Challenge, Extensions, KeySet, Request

NONCE_SIZE = 32


_SERVING, _SIM, _CELL, _GNSS, _WIFI = (
    int(kind) for kind in (Kinds.SERVING, Kinds.SIM, Kinds.CELL, Kinds.GNSS, Kinds.WIFI_COUNTRY)
)


def kinds_of(evidence: Evidence) -> Kinds:
    """Which evidence is there."""
    kinds = 0
    if evidence.serving is not None:
        kinds |= _SERVING
    if evidence.sim is not None:
        kinds |= _SIM
    if evidence.cell is not None:
        kinds |= _CELL
    if evidence.gnss is not None:
        kinds |= _GNSS
    if evidence.wifi_country is not None:
        kinds |= _WIFI
    return Kinds(kinds)


def ask(
    board: Board,
    firmware: Firmware,
    record: Record,
    keyset: KeySet,
    evidence: Evidence,
    challenge: Challenge,
    exchange_id: int,
    nonce: bytes,
    cause: Cause,
    locale: str,
    now: int,
) -> Question:
    """The signed REQUEST, as an open question whose age counts from `now`."""
    key = board.device_key
    assert evidence.imei is not None
    request = Request(
        realm=keyset.realm,
        device_key_id=key.public.key_id,
        device_key_algorithm=key.algorithm,
        device_key=key.public.octets,
        imei=evidence.imei,
        imei2=evidence.imei2 or board.imei2,
        device_nonce=nonce,
        server_nonce=challenge.server_nonce,
        serving_plmn=evidence.serving,
        sim_plmn=evidence.sim,
        evidence=kinds_of(evidence),
        policy_epoch=record.policy_epoch,
        policy_version=record.policy_version,
        keyset_version=keyset.version,
        lock_state=record.lock_state,
        firmware_kind=firmware.kind,
        security_version=firmware.security_version,
        boot_count=record.boot_count,
        extensions=Extensions(
            cell=evidence.cell,
            gnss=evidence.gnss,
            wifi_country=evidence.wifi_country,
            locale=locale or None,
            cause=cause,
        ),
    )
    raw = build_message(request, exchange_id, (key,))
    return Question(exchange_id=exchange_id, nonce_at=now, request=request, raw=raw)


def with_wifi(evidence: Evidence, joined: bool, country: str) -> Evidence:
    """The evidence of a phone that has joined a Wi-Fi network in `country` ("" unknown)."""
    if joined and country:
        return replace(evidence, wifi_country=country)
    return evidence
