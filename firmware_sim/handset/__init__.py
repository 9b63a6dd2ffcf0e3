"""The board: identity, flash, lock state, activation exchange, setup wizard."""
