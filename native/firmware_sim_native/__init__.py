"""The typed Python face of the C core: IMEI and Luhn, TBCD, PLMN tables."""
