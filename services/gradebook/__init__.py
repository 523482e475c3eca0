"""The grade book: pages of study group × discipline × period, and everything that is written on them."""
