"""Proof, size, portability and fuzzing of the C core; standard library only."""
