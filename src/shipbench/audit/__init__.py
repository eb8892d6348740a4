"""Static and live checks of a built application, each verdict with its evidence."""
