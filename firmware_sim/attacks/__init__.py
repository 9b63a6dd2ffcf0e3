"""Hostile peers, vulnerable twins, verdicts, reports."""
