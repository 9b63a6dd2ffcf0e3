"""Puts a handset, a modem, a server and a screen together and runs them."""
