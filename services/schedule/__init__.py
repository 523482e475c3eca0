"""Schedule: years, calendars of groups, load, timetables and the dated lessons that come of them."""
