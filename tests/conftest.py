"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the code;
# tools/bench measures, side by side. A test that hangs is ended by pytest-timeout.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Hundreds of runs of the same tests, each with something else broken (tools/mutate).
settings.register_profile("mutation", settings.get_profile("house"), max_examples=12, database=None)
settings.load_profile("mutation" if os.environ.get("FIRMWARE_SIM_EXAMPLES") else "house")
