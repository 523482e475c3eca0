"""Reporting: what the logs add up to: the student's card, the summary of a group, the gaps."""
