"""Settings as YAML: `base`, overlays on it, `sources/` and `labels/`; shipped inside the wheel as package data."""
