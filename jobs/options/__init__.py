"""What each job can be told: its options and their checks, read before Spark is started."""
