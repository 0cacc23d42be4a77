"""Feast's own historical retrieval, in a process of its own interpreter: it shares no package with Tessera.

Run by `pit` as a script; imports nothing of Tessera, and Feast only there.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

SHARE_OF_MEMORY = 0.5


def main(folder: Path, features: Sequence[str]) -> None:
    """Define a view over `folder`/rows, join it to the spine, write `folder`/feast, and print the seconds."""
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.repo_config import RepoConfig
    from feast.types import Float64

    _bound_memory()
    customer = Entity(name="customer", join_keys=["customer_id"])
    view = FeatureView(
        name="rows",
        entities=[customer],
        ttl=timedelta(0),
        online=False,
        schema=[Field(name=name, dtype=Float64) for name in features],
        source=FileSource(path=str(folder / "rows"), timestamp_field="at"),
    )
    store = FeatureStore(config=RepoConfig(
        project="pit", provider="local", registry=str(folder / "registry.db"), entity_key_serialization_version=3,
        offline_store={"type": "dask"}, online_store={"type": "sqlite", "path": str(folder / "online.db")},
    ))  # fmt: skip
    store.apply([customer, view])
    started = time.perf_counter()
    spine = pd.read_parquet(folder / "spine").rename(columns={"as_of": "event_timestamp"})
    found = store.get_historical_features(entity_df=spine, features=[f"rows:{name}" for name in features]).to_df()
    (folder / "feast").mkdir()
    found.to_parquet(folder / "feast" / "part.parquet", coerce_timestamps="us", allow_truncated_timestamps=True)
    print(f"RESULT {time.perf_counter() - started}")


def _bound_memory() -> None:
    """A join that outgrows the machine ends with an error of its own instead of taking others with it."""
    with Path("/proc/meminfo").open(encoding="ascii") as lines:
        total = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal")) * 1024
    most = int(total * SHARE_OF_MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
