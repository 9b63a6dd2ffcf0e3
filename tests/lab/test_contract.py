"""The API keeps its own description: schemathesis makes requests from it, good and bad."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from firmware_sim.lab.handlers import Lab
from firmware_sim.lab.phone import Setup
from firmware_sim.lab.service import Access, Service
from firmware_sim.links.clock import ManualClock
from firmware_sim.links.entropy import SeededEntropy
from tests.support.labs import HOST, WALL_S, client

_DESCRIPTION = Service(
    Lab(ManualClock(), lambda: WALL_S, SeededEntropy(1), Setup()), Access(frozenset({HOST}))
).description
# The two streams never end by themselves; tests of their own read them.
_schema = schemathesis.openapi.from_dict(_DESCRIPTION).exclude(operation_id=["events", "stream"])


@pytest.fixture(scope="module")
def lab() -> Iterator[TestClient]:
    with client() as made:
        yield made


@_schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_ends_the_server(case: schemathesis.Case, lab: TestClient) -> None:
    # Half of the requests go to a phone that is there; it is not to be taken away.
    if len(str(case.path_parameters.get("phone", ""))) % 2 and case.method != "DELETE":
        case.path_parameters["phone"] = "phone-1"
    request = case.as_transport_kwargs(base_url=f"http://{HOST}")
    request.pop("cookies", None)
    content = request.pop("data", None)
    if isinstance(content, bytes | str):
        request["content"] = content
    elif content is not None:
        request["data"] = content
    answer = lab.request(**request)
    assert answer.status_code < 500, answer.text
