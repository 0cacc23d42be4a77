"""The segment model as a registry holds it: frozen scales and centroids, their names, and the evidence; plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featurestore.definitions import fingerprint
from featurestore.features.orders import ORDERS_VIEW
from models.bundle import UNGATED
from models.heads import SEGMENTS
from models.json_file import read_json, values_of, write_json
from models.logistic import Floats
from models.segments.choose_k import Candidate
from models.segments.comparison import Rival
from models.segments.measures import MEASURES, Scales, Triple, nearest

FILE = "segments.json"
FORMAT = 1
STABLE, UNSTABLE = "stable", "unstable"


@dataclass(frozen=True)
class Cluster:
    """A cluster: its lasting `id`, its centroid in standard scores and in days, days and currency, its name.

    `customers` are those of the fit; `moved` is how far, in standard deviations, the centroid is from the one that
    had been matched to it, None where there was none.
    """

    id: int
    centroid: Triple
    measures: Triple
    persona: str
    customers: int
    moved: float | None


@dataclass(frozen=True)
class SegmentModel:
    """What customers are assigned by, fitted on those with an order before `as_of` (ISO dates).

    `clusters` are in the order of their ids, none where no number of clusters was stable. `candidates` say what each
    number showed, compared over time with `earlier`; `rivals` what other algorithms found on a sample. `next_id` is
    the first id that was never given.
    """

    as_of: str
    earlier: str
    customers: int
    scales: Scales
    clusters: tuple[Cluster, ...]
    next_id: int
    candidates: tuple[Candidate, ...]
    rivals: tuple[Rival, ...]
    feature_fingerprint: str
    training_fingerprint: str
    format: int = FORMAT

    @property
    def status(self) -> str:
        """Whether there are clusters to assign."""
        return STABLE if self.clusters else UNSTABLE

    @property
    def head(self) -> str:
        """The name in the registry."""
        return SEGMENTS.name

    @property
    def gate(self) -> str:
        """How it came to be champion: by the rules of its own choice of k, not by a promotion."""
        return UNGATED

    @property
    def centroids(self) -> Floats:
        """The centroids (k, 3) in standard scores, in the order of the clusters."""
        return np.array([one.centroid for one in self.clusters]).reshape(-1, len(MEASURES))

    def ids(self, measures: Floats) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """The cluster id (n,) of each of the measures (n, 3) in days, days, currency."""
        known = np.array([one.id for one in self.clusters], dtype=np.int32)
        return known[nearest(self.scales.z(measures), self.centroids)]

    def save(self, folder: Path) -> None:
        """Write `segments.json` into a folder, made if need be."""
        follows = {"status": self.status, "k": len(self.clusters)}
        write_json(folder / FILE, {**asdict(self), "follows": follows})

    @classmethod
    def load(cls, folder: Path) -> SegmentModel:
        """The model that `save` wrote; BrokenModel if the file is gone or is no such model."""
        return read_json(folder / FILE, cls.from_dict, what="a segment model")

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> SegmentModel:
        """The model that a file describes; ValueError for another format."""
        values = values_of(described, format=FORMAT)
        values["scales"] = Scales(*(_triple(values["scales"][name]) for name in ("means", "sds")))
        values["clusters"] = tuple(
            Cluster(**{**one, "centroid": _triple(one["centroid"]), "measures": _triple(one["measures"])})
            for one in values["clusters"]
        )
        values["candidates"] = tuple(Candidate(**one) for one in values["candidates"])
        values["rivals"] = tuple(Rival(**one) for one in values["rivals"])
        return cls(**values)


def meaning_of_measures() -> str:
    """Stands for the definitions of the features that clusters are found in, as they are now."""
    return fingerprint([fold.meaning for fold in ORDERS_VIEW.folds if fold.name in MEASURES])


def _triple(values: Any) -> Triple:
    first, second, third = map(float, values)
    return first, second, third
