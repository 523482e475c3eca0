"""A generated college for looking around: invented people, marked as demo, loaded through everybody's commands."""
