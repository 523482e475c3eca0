"""The inner parts of the roster readers; `services.oneroster` and `services.people_xlsx` are their faces."""
