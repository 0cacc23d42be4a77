# Databricks notebook source
# MAGIC %md
# MAGIC # Models: what was learned, how far to trust it, and why
# MAGIC A walk through the registered models of a warehouse: figures beside rivals, calibration at earlier dates, what the
# MAGIC guard found, what a model looks at, and its page. Runs unchanged as a plain script and on Databricks; set
# MAGIC `TESSERA_WAREHOUSE` to a warehouse in which `demo` or `train` has run.

# COMMAND ----------

import json
import os
import tempfile

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

from jobs.main import main
from jobs.model_registry import registry_at
from jobs.session import create_session
from jobs.settings import load_settings

warehouse = os.environ.get("TESSERA_WAREHOUSE") or tempfile.mkdtemp(prefix="tessera-")
settings = load_settings("local", assignments=[f"warehouse={warehouse}"])
spark = create_session(settings, app_name="models", master=None if os.environ.get("DATABRICKS_RUNTIME_VERSION") else "local[2]")
if not os.path.isdir(f"{warehouse}/customer_scores") and main(["demo", "--conf", "local", "--warehouse", warehouse]):
    raise SystemExit("the demo failed; what it said is above")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Each champion on a time that it had not seen
# MAGIC Beside it the single features that were turned into probabilities on the same fitted rows. A model that does not
# MAGIC clearly beat them is not worth its upkeep.

# COMMAND ----------

from models.heads import HEADS

registry = registry_at(settings)
champions = {name: registry.load(HEADS[name]) for name in ("churn", "purchase")}
figures = ["n", "base_rate", "auc", "average_precision", "log_loss", "ece10", "lift_top_tenth"]
rows = []
for name, found in champions.items():
    rows.append({"head": name, "model": f"version {found.version}", **found.bundle.metrics})
    rows += [{"head": name, "model": one["name"], **one} for one in found.bundle.baselines]
print(pd.DataFrame(rows).set_index(["head", "model"])[figures].round(3).to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Which calibration, and why
# MAGIC The recipe was fitted again at earlier dates as if each were the present; the method of least log loss was taken.

# COMMAND ----------

for name in champions:
    tried = pd.DataFrame(json.loads(registry.file(HEADS[name], "calibration_backtests.json")))
    print(f"\n{name}: {champions[name].bundle.calibration_status}")
    if len(tried):
        print(tried.pivot(index="method", columns="as_of", values="log_loss").round(4).to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## What the leakage guard said
# MAGIC It stands before every fit. What it reports is let through and kept here; what blocks never becomes a model.

# COMMAND ----------

for name in champions:
    verdict = json.loads(registry.file(HEADS[name], "guard.json"))
    print(f"{name}: {verdict['status']}")
    for finding in verdict.get("findings", [])[:5]:
        print(f"  {finding['rule']}: {finding['words']}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What a model looks at
# MAGIC How much worse the log loss is where the values of a feature are dealt out anew among customers at the test date.

# COMMAND ----------

import numpy as np

from models.matrix import feature_matrix
from models.report.importance import importances

bundle = champions["churn"].bundle
test = spark.read.format("delta").load(f"{warehouse}/training_set_churn_60d").where("split = 'test' and churn_60d is not null")
sample = test.select("churn_60d", *bundle.features).limit(2000).toArrow()
matrix = feature_matrix(sample, bundle.features, words=bundle.words)
found = importances(bundle, matrix, np.asarray(sample["churn_60d"], dtype=float), families={}, seed=settings.seed)
strength = pd.Series({one.name: one.shuffled for one in found.features if one.shuffled is not None}).nlargest(12)[::-1]

name = strength.index[-1]
at = bundle.features.index(name)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.barh(strength.index, strength.to_numpy())
left.set(title="Log loss that a feature saves")
right.scatter(matrix[:, at], bundle.predict(matrix), s=4)
right.set(title=f"P(no order in 60 days) by {name}", xlabel=name, ylabel="probability")
figure.savefig(f"{warehouse}/models.png")
print(f"plots in {warehouse}/models.png")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The whole page
# MAGIC Everything above and more, with intervals and the limits of the model in words, in one file for anyone.

# COMMAND ----------

page = f"{warehouse}/churn_60d.html"
if main(["report", "--label", "churn_60d", "--out", page, "--conf", "local", "--warehouse", warehouse]):
    raise SystemExit("there is no page; what the job said is above")
