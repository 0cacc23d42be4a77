"""The choice of k, personas, silhouettes and rivals on made-up customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans

from models.segments.choose_k import agreement, chosen
from models.segments.comparison import rivals
from models.segments.measures import Scales, logarithms
from models.segments.personas import WHO, personas
from models.segments.record import SegmentModel
from models.segments.silhouettes import clustered, noise_like, silhouette
from tests.unit.models.segments.models import CANDIDATE, LIMITS, MODEL, SCALES


def blobs(rng, *, size: int = 150) -> tuple[np.ndarray, np.ndarray]:
    centres = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]])
    truth = np.repeat(np.arange(len(centres)), size)
    return centres[truth] + rng.normal(0, 0.4, (len(truth), 3)), truth


def test_the_largest_k_without_a_fault_is_taken():
    tried = [replace(CANDIDATE, k=k) for k in (3, 4, 5)]
    assert chosen(tried, LIMITS) == 5
    faulty = replace(tried[2], over_time=0.899)
    assert faulty.faults(LIMITS) == ["agreement over time 0.899 < 0.9"]
    assert chosen([*tried[:2], faulty], LIMITS) == 4
    assert chosen([*tried[:2], replace(tried[2], smallest_share=0.049)], LIMITS) == 4
    assert chosen([*tried[:2], replace(tried[2], over_seeds=0.94)], LIMITS) == 4


def test_where_every_k_has_a_fault_none_is_taken():
    assert chosen([replace(CANDIDATE, k=k, over_seeds=0.5) for k in (3, 4)], LIMITS) is None


def test_blobs_agree_and_stand_out_and_noise_does_neither(rng):
    z, truth = blobs(rng)
    noise = noise_like(z, seed=1)
    np.testing.assert_allclose(np.cov(noise, rowvar=False), np.cov(z, rowvar=False), atol=0.6)
    assert silhouette(z, clustered(z, k=4, seed=1)) > silhouette(noise, clustered(noise, k=4, seed=1)) + 0.3
    assert agreement([clustered(z, k=4, seed=seed) for seed in (1, 2)] + [truth]) == 1.0
    starts = [KMeans(8, n_init=1, random_state=seed).fit_predict(noise) for seed in range(3)]
    assert agreement(starts) < LIMITS.agreement_over_seeds


def test_a_silhouette_of_one_cluster_is_none_at_all():
    assert silhouette(np.zeros((9, 3)), np.zeros(9, dtype=np.intp)) == -1.0


def test_rivals_find_the_blobs_and_call_strays_noise(rng):
    z, truth = blobs(rng)
    strays = rng.uniform(8, 30, (12, 3))
    density, agglomerative = rivals(np.vstack([z, strays]), np.append(truth, np.full(12, 4)), k=5)
    assert density.clusters == 4 and 0.01 < density.noise_share < 0.1
    assert agglomerative.clusters == 5 and agglomerative.noise_share == 0
    assert density.agreement > 0.9 and agglomerative.agreement > 0.9
    assert density.rows == agglomerative.rows == len(z) + 12


def test_rivals_survive_customers_that_are_all_alike():
    density, _ = rivals(np.zeros((50, 3)), np.zeros(50, dtype=np.intp), k=2)
    assert density.clusters == 1 and density.noise_share == 0


def test_personas_follow_the_bands_and_collisions_are_numbered():
    terciles = ((30.0, 200.0), (2.0, 5.0), (100.0, 400.0))
    found = personas([(9, 9, 500), (300, 1, 50), (12, 8, 450), (40, 3, 100)], terciles)
    assert found == [
        "Loyal regulars, large baskets", "One-time visitors, small baskets", "Loyal regulars, large baskets 2",
        "Cooling customers, small baskets",
    ]  # fmt: skip
    assert len(WHO) == len(set(WHO.values())) == 9


def test_scales_are_undone_and_customers_get_the_nearest_centroid():
    measures = np.array([[0.0, 1, 0.5], [700, 120, 90_000]])
    np.testing.assert_allclose(SCALES.measures(SCALES.z(measures)), measures)
    own = logarithms(measures)
    assert Scales(tuple(own[0]), (1.0, 1.0, 1.0)).z(measures)[0].tolist() == [0, 0, 0]
    assert MODEL.ids(np.array([[6.0, 4, 150], [60, 1, 150]])).tolist() == [2, 5]


def test_a_saved_model_is_read_as_it_was_and_another_file_is_refused(tmp_path):
    MODEL.save(tmp_path)
    assert SegmentModel.load(tmp_path) == MODEL
    assert replace(MODEL, clusters=()).status == "unstable"
    from models.errors import BrokenModel

    (tmp_path / "segments.json").write_text('{"format": 2}')
    with pytest.raises(BrokenModel, match="format 2"):
        SegmentModel.load(tmp_path)
