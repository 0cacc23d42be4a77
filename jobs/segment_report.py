"""What the segments show people: tables on the terminal, figures and pictures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table as Rich

from featurestore.snapshot_records import among
from jobs.run import Run
from jobs.segment_tables import FLOWS, PROFILES
from models.segments.counts import ABSENT, NONE, SCHEMES
from models.segments.fitting import Fitted
from models.segments.pictures import Cell, choice_of_k, cluster_map, flow_grid, rfm_grid, segment_bars
from models.segments.record import SegmentModel
from models.segments.rules import Rules
from models.segments.settings import SegmentSettings
from models.tracking import RunRecord


@dataclass(frozen=True)
class Drawn:
    """What pictures of a date are drawn from: a few rows each. `moved` is None where there is no date before."""

    cells: DataFrame
    profile: DataFrame
    moved: DataFrame | None
    earlier: date | None
    as_of: date


def pictures_of(drawn: Drawn, rules: Rules) -> dict[str, bytes]:
    """File name to PNG: RFM cells, behavioural segments, and flows by cluster and by behaviour."""
    day = drawn.as_of.isoformat()
    cells = [Cell(*row) for row in drawn.cells.collect()]  # at most 25 rows
    profile = drawn.profile.select("scheme", "segment", "persona", "customers").collect()  # a row a segment
    held = {row["segment"]: row["customers"] for row in profile if row["scheme"] == "behavioural"}
    personas = {row["segment"]: row["persona"] for row in profile if row["persona"] is not None}
    behaviour = {name: held.get(name, 0) for name in rules.names}
    pictures = {
        "rfm_cells.png": rfm_grid(cells, day=day),
        "behavioural_segments.png": segment_bars(behaviour, title=f"Behavioural segments at {day}"),
    }
    if drawn.moved is None or drawn.earlier is None:
        return pictures
    dates = (drawn.earlier.isoformat(), day)
    moves: dict[str, dict[tuple[str, str], int]] = {scheme: {} for scheme in SCHEMES}
    for row in drawn.moved.collect():  # at most the square of the segments
        moves[row["scheme"]][row["from_segment"], row["to_segment"]] = row["customers"]
    clusters = sorted({name for pair in moves["cluster"] for name in pair} - {NONE, ABSENT}, key=int)
    for scheme, order in (("cluster", clusters), ("behavioural", rules.names)):
        picture = flow_grid(moves[scheme], [*order, NONE, ABSENT], dates=dates, personas=personas,
                            title=f"Where customers went, {scheme} segments")  # fmt: skip
        pictures[f"flows_{scheme}.png"] = picture
    return pictures


def record_of(fitted: Fitted, limits: SegmentSettings, *, pictures: Mapping[str, bytes]) -> RunRecord:
    """What a run logs of the model: figures of the k that was chosen, curves over all, rivals, pictures."""
    model = fitted.model
    k = len(model.clusters) or None
    figures = {name: getattr(one, name) for one in model.candidates if one.k == k
               for name in ("smallest_share", "over_seeds", "over_time", "silhouette", "noise_silhouette")}  # fmt: skip
    figures |= {f"{one.name}_{name}": float(getattr(one, name)) for one in model.rivals
                for name in ("clusters", "noise_share", "agreement", "silhouette")}  # fmt: skip
    curves = {f"{name}_from_k_{limits.k_least}": [getattr(one, name) for one in model.candidates]
              for name in ("cost", "silhouette", "noise_silhouette", "over_seeds", "over_time")}  # fmt: skip
    drawn = {**pictures, "choice_of_k.png": choice_of_k(model.candidates, k)}
    if k is not None:
        drawn["cluster_map.png"] = cluster_map(fitted.sample, model.ids(fitted.sample), model)
    described = {**limits.describe(), "as_of": model.as_of, "status": model.status, "k": k or "none"}
    documents = {"candidates.json": [asdict(one) for one in model.candidates],
                 "rivals.json": [asdict(one) for one in model.rivals]}  # fmt: skip
    metrics = {"customers": float(model.customers), **figures}
    return RunRecord(parameters=described, metrics=metrics, curves=curves, documents=documents, files=drawn)


def show_model(run: Run, model: SegmentModel) -> None:
    """How k was chosen, the clusters, and what other algorithms say."""
    run.out.print(choice_table(model, run.settings.segments))
    if not model.clusters:
        run.out.print("unstable: no number of clusters keeps the rules, so nobody is given a cluster; RFM cells and "
                      "behavioural segments are written")  # fmt: skip
        return
    run.out.print(cluster_table(model))
    for one in model.rivals:
        run.out.print(f"{one.name} ({one.setting}), {one.rows:,} customers: {one.clusters} clusters, largest "
                      f"{one.largest_share:.0%}, noise {one.noise_share:.1%}, silhouette {one.silhouette:.2f}, "
                      f"adjusted Rand index against KMeans {one.agreement:.2f}")  # fmt: skip


def choice_table(model: SegmentModel, limits: SegmentSettings) -> Rich:
    """Each k with what it showed and which rules it breaks."""
    title = f"Clusters of {model.customers:,} customers at {model.as_of}, compared with {model.earlier}"
    table = _table(
        title, "k", "smallest", "ARI over seeds", "ARI over time", "cost", "silhouette", "of noise", "verdict"
    )
    for one in model.candidates:
        verdict = "; ".join(one.faults(limits)) or ("chosen" if one.k == len(model.clusters) else "allowed")
        shown = (one.over_seeds, one.over_time, one.cost, one.silhouette, one.noise_silhouette)
        table.add_row(str(one.k), f"{one.smallest_share:.1%}", *(f"{value:.3f}" for value in shown), verdict)
    return table


def cluster_table(model: SegmentModel) -> Rich:
    """The clusters: sizes, centroids in days and currency, how far each moved."""
    table = _table("Clusters by their centroids", "id", "persona", "customers", "share", "recency, days",
                   "order days", "order value", "moved, sd")  # fmt: skip
    for one in model.clusters:
        recency, days, value = one.measures
        table.add_row(str(one.id), one.persona, f"{one.customers:,}", f"{one.customers / model.customers:.1%}",
                      f"{recency:,.0f}", f"{days:.1f}", f"{value:,.0f}",
                      "new" if one.moved is None else f"{one.moved:.3f}")  # fmt: skip
    return table


def show_segments(run: Run, as_of: date) -> None:
    """The profiles of a date as written, and how many stayed where they were since the date before."""
    rows = run.warehouse.read(PROFILES.name).where(among([as_of])).orderBy("scheme", F.desc("customers"))
    table = _table(f"Segments at {as_of}", "scheme", "segment", "persona", "customers", "share", "recency, days",
                   "order days", "order value")  # fmt: skip
    for row in rows.collect():  # a row a segment
        means = (row["mean_recency_days"], row["mean_order_days_lifetime"], row["mean_order_value_mean_lifetime"])
        table.add_row(row["scheme"], row["segment"], row["persona"] or "", f"{row['customers']:,}",
                      f"{row['share']:.1%}", *("-" if one is None else f"{one:,.1f}" for one in means))  # fmt: skip
    run.out.print(table)
    if not run.warehouse.exists(FLOWS.name):
        return
    both = F.sum(
        F.when((F.col("from_segment") != ABSENT) & (F.col("to_segment") != ABSENT), F.col("customers")).otherwise(0)
    )
    same = F.sum(F.when(F.col("from_segment") == F.col("to_segment"), F.col("customers")).otherwise(0))
    ended = run.warehouse.read(FLOWS.name).where(F.col("to_date") == F.lit(as_of)).groupBy("from_date", "scheme")
    for row in ended.agg(both.alias("both"), same.alias("same")).orderBy("scheme").collect():  # a row a scheme
        run.out.print(f"{row['scheme']}: {row['same']:,} of {row['both']:,} customers are where they were at "
                      f"{row['from_date']} ({row['same'] / max(row['both'], 1):.1%})")  # fmt: skip


def _table(title: str, *columns: str) -> Rich:
    table = Rich(title=title, title_justify="left")
    for name in columns:
        is_text = name in ("scheme", "segment", "persona", "verdict")
        table.add_column(name, justify="left" if is_text else "right")
    return table
