# Databricks notebook source
# MAGIC %md
# MAGIC # Scores: who is at risk, what moved, and how good last month's turned out to be
# MAGIC An analyst's walk over the tables that `score` writes. Runs unchanged as a plain script and on Databricks; set
# MAGIC `TESSERA_WAREHOUSE` to a warehouse in which `demo` or `score` has run.

# COMMAND ----------

import argparse
import os
import tempfile
from datetime import timedelta

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

from featurestore.tables import Warehouse
from jobs.main import main
from jobs.session import create_session
from jobs.settings import load_settings
from jobs.sql import make_queryable

warehouse = os.environ.get("TESSERA_WAREHOUSE") or tempfile.mkdtemp(prefix="tessera-")
settings = load_settings("local", assignments=[f"warehouse={warehouse}"])
spark = create_session(settings, app_name="scores", master=None if os.environ.get("DATABRICKS_RUNTIME_VERSION") else "local[2]")
if not os.path.isdir(f"{warehouse}/customer_scores") and main(["demo", "--conf", "local", "--warehouse", warehouse]):
    raise SystemExit("the demo failed; what it said is above")


def table(query: str) -> pd.DataFrame:
    return spark.sql(query).toPandas()


# COMMAND ----------

# MAGIC %md
# MAGIC ## Two dates
# MAGIC What moved can be seen from the second date on. Where only one was scored, the next month is scored with the models
# MAGIC as they are: they know nothing of it. Status 3 is a publication that the gate stopped; its scores can be read, too.

# COMMAND ----------

make_queryable(Warehouse(spark, warehouse))
dates = [row[0] for row in spark.sql("select distinct as_of_date from customer_scores order by 1").collect()]
if len(dates) == 1:
    later = dates[0] + timedelta(days=30)
    if main(["score", "--as-of", str(later), "--build", "--conf", "local", "--warehouse", warehouse]) not in (0, 3):
        raise SystemExit("the next month was not scored; what the job said is above")
    make_queryable(Warehouse(spark, warehouse))
    dates.append(later)
before, now = dates[-2:]
print(f"{now} beside {before}")
print(table("select as_of_date, previous_date, decision, customers, size(findings) findings from publications order by 1").to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What the gate found
# MAGIC Shifts of the whole base beyond a limit of the settings (section `publication`), before anybody reads the newest view.

# COMMAND ----------

found = table("""
    select as_of_date, f.level, f.column, f.measure, round(f.earlier, 3) was, round(f.now, 3) is_now, round(f.shift, 3) moved_by, f.bound
    from publications lateral view explode(findings) found as f order by as_of_date, f.level
""")
print(found.to_string(index=False) if len(found) else "nothing beyond a limit")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who is at risk
# MAGIC By level, with the value at risk: the churn probability times what the customer is expected to spend. The most likely
# MAGIC to leave are seldom the most valuable: rank by the product, not by the probability.

# COMMAND ----------

columns = set(spark.table("customer_scores").columns)
worth = next(name for name in ("clv_12m", "expected_spend_90d", None) if name is None or (
    name in columns and spark.table("customer_scores").where(f"as_of_date = DATE'{now}' and {name} is not null").limit(1).count()))
at_risk = f"churn_probability * {worth}" if worth else "cast(null as double)"
print("worth:", worth or "nothing: no model of spend has scored (train --label spend_90d)")
levels = table(f"""
    select churn_risk_level level, count(*) customers, round(sum({at_risk})) value_at_risk, round(avg(churn_probability), 3) mean
    from customer_scores where as_of_date = DATE'{now}' group by 1 order by mean desc nulls last
""")
print(levels.to_string(index=False))
print(table(f"""
    select customer_id, round(churn_probability, 3) churn, churn_risk_level, rfm_segment, round({at_risk}, 2) value_at_risk
    from customer_scores where as_of_date = DATE'{now}' and churn_probability is not null
    order by coalesce({at_risk}, churn_probability) desc, customer_id limit 10
""").to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What moved
# MAGIC The same customers at both dates; `(none)` has no level, since there was no order for 180 days.

# COMMAND ----------

moves = table(f"""
    select coalesce(b.churn_risk_level, '(none)') was, coalesce(n.churn_risk_level, '(none)') is_now, count(*) customers
    from (select * from customer_scores where as_of_date = DATE'{before}') b
    join (select * from customer_scores where as_of_date = DATE'{now}') n using (customer_id) group by 1, 2
""")
order = [name for name in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "(none)") if name in set(moves["was"]) | set(moves["is_now"])]
grid = moves.pivot(index="was", columns="is_now", values="customers").reindex(index=order, columns=order).fillna(0).astype(int)
print(grid.to_string())
print(table(f"""
    select customer_id, round(b.churn_probability, 3) was, round(n.churn_probability, 3) is_now, n.rfm_segment
    from (select * from customer_scores where as_of_date = DATE'{before}') b
    join (select * from customer_scores where as_of_date = DATE'{now}') n using (customer_id)
    where b.churn_probability is not null order by n.churn_probability - b.churn_probability desc nulls last, 1 limit 5
""").to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Segments
# MAGIC How many, how likely to leave, and where customers went.

# COMMAND ----------

segments = table(f"""
    select rfm_segment segment, count(*) customers, round(avg(churn_probability), 3) churn, round(sum({at_risk})) value_at_risk
    from customer_scores where as_of_date = DATE'{now}' group by 1 order by customers desc
""")
print(segments.to_string(index=False))
print(table(f"""
    select b.rfm_segment was, n.rfm_segment is_now, count(*) customers
    from (select * from customer_scores where as_of_date = DATE'{before}') b
    join (select * from customer_scores where as_of_date = DATE'{now}') n using (customer_id)
    where not b.rfm_segment <=> n.rfm_segment group by 1, 2 order by customers desc, 1, 2 limit 8
""").to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Reasons and actions
# MAGIC What moved the forecast of those at high risk (no causes), and what the rules recommend for them.

# COMMAND ----------

urgent = f"as_of_date = DATE'{now}' and churn_risk_level in ('CRITICAL', 'HIGH')"
if "reasons" in columns:
    print(table(f"""
        select r.feature, count(*) customers, round(avg(r.contribution), 3) mean_contribution, min_by(r.text, customer_id) for_example
        from (select customer_id, explode(reasons) r from customer_scores where {urgent})
        group by 1 order by customers desc, 1 limit 8
    """).to_string(index=False))
if "recommended_actions" in columns:
    print(table(f"""
        select action, count(*) customers, round(sum(expected_net_value), 2) expected_net_value
        from (select *, explode(recommended_actions) action from customer_scores where {urgent}) group by 1 order by customers desc, 1
    """).to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## How good the scores before turned out to be
# MAGIC The scores as they were written, against what then happened: only heads whose horizon is over by now. Beside them the
# MAGIC figures that the model showed on its test; season alone moves both.

# COMMAND ----------

from jobs.judging import judge_written_scores
from jobs.run import Run

run = Run(argparse.Namespace(job="notebook", verbose=False), settings)
realised = judge_written_scores(run, before, is_simulated=False)
figures = {name: one.written.figures() for name, one in {**realised.probabilities, **realised.amounts}.items()}
if figures:
    print(pd.DataFrame(figures).T.dropna(axis=1, how="all").round(3).to_string())
else:
    print(f"no horizon that began at {before} is over yet")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Drawn
# MAGIC Probabilities at both dates, and value at risk by segment.

# COMMAND ----------

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
for day, style in ((now, {"alpha": 0.5}), (before, {"histtype": "step", "linewidth": 2})):
    counts = table(f"select floor(least(churn_probability, 0.999) * 20) / 20 p, count(*) n from customer_scores where as_of_date = DATE'{day}' and churn_probability is not null group by 1")
    left.hist(counts["p"] + 0.025, bins=[place / 20 for place in range(21)], weights=counts["n"] / counts["n"].sum(), label=str(day), **style)
left.set(title="P(no order in 60 days)", xlabel="probability", ylabel="share of customers")
left.legend()
shown = segments.fillna({"segment": "(none)", "value_at_risk": 0})
right.barh(shown["segment"], shown["value_at_risk"] if worth else shown["customers"])
right.set(title=f"Value at risk by segment, {settings.currency}" if worth else "Customers by segment")
figure.savefig(f"{warehouse}/scores.png")
print(f"plots in {warehouse}/scores.png")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The whole page
# MAGIC `score` has written it; it can be made again of any date.

# COMMAND ----------

if main(["report", "--scores", "--as-of", str(now), "--conf", "local", "--warehouse", warehouse]):
    raise SystemExit("there is no page; what the job said is above")
