"""The AT language, the bridge's dialogue, the virtual modem, quirks, recordings."""
