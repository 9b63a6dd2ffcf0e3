"""The handset side of phone activation, simulated."""
