"""Territory policy, decision issuer, device store."""
