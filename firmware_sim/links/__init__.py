"""Bytes in and out: serial, pty, TCP, TLS, memory; the only doors to the world."""
