"""When it runs, with which settings, seen by whom."""
