"""The units of spending. Needs no torch."""

LABELS, SECONDS, MONEY = "labels", "seconds", "money"
UNITS = (LABELS, SECONDS, MONEY)  # of a plan; costs are in one of the last two
