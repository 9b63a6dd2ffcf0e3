"""Mutation testing of the checks: a mutant that no test notices is a check that no test needs."""
