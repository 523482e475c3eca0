"""Rosters of others: `oneroster` and `people_xlsx` read a file into a `roster.Roster`; the rest are their parts."""
