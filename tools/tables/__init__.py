"""The generator of the PLMN tables: merge the lists by stated rules, lay them out in C."""
