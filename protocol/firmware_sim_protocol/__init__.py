"""ODAP/1 on the wire: what the bytes are, and who signed them."""
