"""Set-up and start: standard library only, since it runs before anything is installed."""
