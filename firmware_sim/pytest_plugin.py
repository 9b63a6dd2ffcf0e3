"""Fixtures for projects that test against the simulator."""
