"""Where protocol/vectors/*.json come from.

Every vector states what must come of it; the maker holds our own implementation against that
before it writes anything, so a vector is never just what our code happened to do.
"""
