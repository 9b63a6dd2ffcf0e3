"""The lab's API as a table: one row an operation, with what it takes and what it gives.

The HTTP service routes by these rows, validates bodies against their schemas, and serves them
as an OpenAPI document, so that the three cannot differ.

Source: OpenAPI Specification 3.1.0; JSON Schema 2020-12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

PLMN: Schema = {"type": ["string", "null"], "pattern": "^[0-9]{5,6}$"}
IMEI: Schema = {"type": "string", "pattern": "^[0-9]{15}$"}
TAG: Schema = {"type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,30}$"}


def closed(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """An object with these properties and no others."""
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return schema


SETUP = closed(
    {
        "id": NAME,
        "imei": IMEI,
        "serving": PLMN,
        "sim": PLMN,
        "locale": TAG,
        "vendor": {"type": "string", "minLength": 1, "maxLength": 40},
        "firmware": {"enum": ["official", "unofficial"]},
        "policy": {"enum": ["$PACKS"]},
        "algorithm": {"enum": ["esp256", "ed25519"]},
        "power": {"type": "boolean"},
    }
)
LOOK = closed(
    {
        "device": {"enum": ["small", "tall", "tablet"]},
        "theme": {"enum": ["light", "dark"]},
        "text_scale": {"type": "number", "minimum": 0.8, "maximum": 2.0},
    }
)
INPUT: Schema = {
    "oneOf": [
        closed(
            {
                "tap": {
                    "oneOf": [
                        closed({"id": {"type": "string", "maxLength": 64}}, ("id",)),
                        closed({"label": {"type": "string", "maxLength": 200}}, ("label",)),
                        closed(
                            {
                                "x": {"type": "integer", "minimum": 0, "maximum": 10000},
                                "y": {"type": "integer", "minimum": 0, "maximum": 10000},
                            },
                            ("x", "y"),
                        ),
                    ]
                }
            },
            ("tap",),
        ),
        closed({"type": {"type": "string", "maxLength": 4096}}, ("type",)),
        closed({"key": {"type": "string", "minLength": 1, "maxLength": 16}}, ("key",)),
    ]
}
MODEM = closed(
    {
        "name": {"type": "string", "maxLength": 32},
        "value": {"type": "string", "maxLength": 200},
    },
    ("name", "value"),
)
CLOCK: Schema = {
    "oneOf": [
        closed({"skip_s": {"type": "integer", "minimum": 0, "maximum": 400 * 86_400}}, ("skip_s",)),
        closed({"rtc_s": {"type": "integer", "minimum": 0, "maximum": 2**32 + 2**31}}, ("rtc_s",)),
    ]
}
POLICY: Schema = {
    "oneOf": [
        closed({"pack": {"enum": ["$PACKS"]}}, ("pack",)),
        closed({"text": {"type": "string", "maxLength": 200_000}}, ("text",)),
    ]
}
TAMPER = closed({"attack": {"type": ["string", "null"], "maxLength": 16}}, ("attack",))
FIRMWARE = closed({"kind": {"enum": ["official", "unofficial"]}}, ("kind",))
LOCALE = closed({"tag": TAG}, ("tag",))

OBJECT: Schema = {"type": "object"}
ARRAY: Schema = {"type": "array", "items": {"type": "object"}}


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. `takes` None: no body. `gives`: media type of the answer."""

    method: str
    path: str
    name: str
    summary: str
    takes: Schema | None = None
    gives: str = "application/json"
    answer: Schema | None = None
    status: int = 200
    takes_text: bool = False
    """The body is plain text, not JSON."""


ONE = "/api/phones/{phone}"
OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/api/phones", "phones", "every phone's state", answer=ARRAY),
    Operation("POST", "/api/phones", "add", "a new phone", SETUP, answer=OBJECT, status=201),
    Operation("GET", ONE, "state", "the state of one phone", answer=OBJECT),
    Operation("DELETE", ONE, "remove", "take a phone away", gives="", status=204),
    Operation("GET", f"{ONE}/screen", "screen_json", "the scene tree", answer=OBJECT),
    Operation("GET", f"{ONE}/screen.png", "screen_png", "the picture", gives="image/png"),
    Operation("GET", f"{ONE}/screen.svg", "screen_svg", "the drawing", gives="image/svg+xml"),
    Operation(
        "GET", f"{ONE}/screen.xml", "screen_xml", "the UI hierarchy", gives="application/xml"
    ),
    Operation(
        "GET",
        f"{ONE}/stream.mjpeg",
        "stream",
        "the picture, live (Motion JPEG)",
        gives="multipart/x-mixed-replace; boundary=frame",
    ),
    Operation("POST", f"{ONE}/input", "input", "tap, type, or press a key", INPUT, answer=OBJECT),
    Operation("PUT", f"{ONE}/look", "look", "device, theme and text size", LOOK, answer=OBJECT),
    Operation("GET", f"{ONE}/timeline", "timeline", "what it did, decoded", answer=ARRAY),
    Operation(
        "GET",
        f"{ONE}/events",
        "events",
        "the same as server-sent events, as it happens",
        gives="text/event-stream",
    ),
    Operation(
        "GET",
        f"{ONE}/trace.pcapng",
        "trace",
        "the capture file of everything so far",
        gives="application/octet-stream",
    ),
    Operation("GET", f"{ONE}/power", "power", "1 or 0", gives="text/plain"),
    Operation("PUT", f"{ONE}/power", "set_power", "1 or 0", gives="text/plain", takes_text=True),
    Operation("POST", f"{ONE}/modem", "modem", "one setting of the modem", MODEM, answer=OBJECT),
    Operation("POST", f"{ONE}/clock", "clock", "skip time, or set the RTC", CLOCK, answer=OBJECT),
    Operation("PUT", f"{ONE}/policy", "policy", "another policy", POLICY, answer=OBJECT),
    Operation("PUT", f"{ONE}/tamper", "tamper", "attack the next answer", TAMPER, answer=OBJECT),
    Operation("PUT", f"{ONE}/firmware", "firmware", "another boot image", FIRMWARE, answer=OBJECT),
    Operation("PUT", f"{ONE}/locale", "locale", "language of the next boot", LOCALE, answer=OBJECT),
    Operation("POST", f"{ONE}/factory-reset", "reset", "factory reset", answer=OBJECT),
    Operation("POST", f"{ONE}/release", "release", "the server lets go of the lock", answer=OBJECT),
    Operation("POST", f"{ONE}/ticket", "ticket", "a ticket for the challenge shown", answer=OBJECT),
    Operation("GET", "/api/attacks", "attacks", "attacks for `tamper`", answer=ARRAY),
    Operation("GET", "/api/policies", "policies", "policy packs", answer=ARRAY),
    Operation("GET", "/openapi.json", "openapi", "this description", answer=OBJECT),
)


def with_packs(schema: Schema, packs: list[str]) -> Schema:
    """The schema with the names of the policy packs in their places."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if value == ["$PACKS"]:
            return packs
        return [filled(inner) for inner in value] if isinstance(value, list) else value

    done: Schema = filled(schema)
    return done


def document(version: str, packs: list[str]) -> Schema:
    """The OpenAPI document."""
    paths: Schema = {}
    for row in OPERATIONS:
        told: Schema = {
            "operationId": row.name,
            "summary": row.summary,
            "responses": {str(row.status): _answer(row), **_refusals(row)},
        }
        if "{phone}" in row.path:
            told["parameters"] = [{"name": "phone", "in": "path", "required": True, "schema": NAME}]
        if row.takes is not None:
            schema = with_packs(row.takes, packs)
            told["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            }
        elif row.takes_text:
            told["requestBody"] = {
                "required": True,
                "content": {"text/plain": {"schema": {"enum": ["0", "1"]}}},
            }
        paths.setdefault(row.path, {})[row.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "firmware-sim lab", "version": version},
        "paths": paths,
        "components": {
            "schemas": {"Problem": closed({"error": {"type": "string"}}, ("error",))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _answer(row: Operation) -> Schema:
    if not row.gives:
        return {"description": "done"}
    media: Schema = {"schema": row.answer} if row.answer is not None else {}
    return {"description": row.summary, "content": {row.gives.split(";")[0]: media}}


def _refusals(row: Operation) -> Schema:
    problem = {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    told = {"403": {"description": "foreign origin, host or token", **problem}}
    if "{phone}" in row.path:
        told["404"] = {"description": "no such phone", **problem}
    if row.takes is not None or row.takes_text:
        told["400"] = {"description": "the body is not as described", **problem}
        told["413"] = {"description": "the body is too long", **problem}
    if row.method != "GET":
        told["409"] = {"description": "cannot be done now", **problem}
    return told
