"""A web page and a REST API over phones: live, touchable, and open to look into.

Reading order: `phone` (one phone with all its peers, in real time), `timeline` (what it did,
decoded), `schemas` and `operations` (what the API takes and gives), `service` (HTTP).
"""
