"""Settings as YAML: `base`, overlays on it, and `sources/`; shipped inside the wheel as package data."""
