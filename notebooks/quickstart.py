# Databricks notebook source
# MAGIC %md
# MAGIC # Quickstart: from raw order lines to scored customers
# MAGIC A small simulated shop runs through the whole line by the same packages that the jobs call. Runs unchanged as a
# MAGIC plain script and on Databricks; set `TESSERA_WAREHOUSE` to choose the folder.

# COMMAND ----------

import os
import tempfile

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from jobs.main import main

warehouse = os.environ.get("TESSERA_WAREHOUSE") or tempfile.mkdtemp(prefix="tessera-")
customers = os.environ.get("TESSERA_CUSTOMERS", "2000")
days = os.environ.get("TESSERA_DAYS", "1100")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Run the line
# MAGIC Simulate, ingest, build features and training sets, train, score; then compare with what happened.

# COMMAND ----------

from jobs.session import create_session
from jobs.settings import load_settings

settings = load_settings("local")
spark = create_session(settings, app_name="quickstart", master=None if os.environ.get("DATABRICKS_RUNTIME_VERSION") else "local[2]")
status = main(["demo", "--conf", "local", "--warehouse", warehouse, "--set", f"simulation.customers={customers}", "--set", f"simulation.days={days}"])
if status:
    raise SystemExit(status)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Look at the scores

# COMMAND ----------

scores = spark.read.format("delta").load(f"{warehouse}/customer_scores_latest")
levels = scores.groupBy("churn_risk_level").count().toPandas().dropna().set_index("churn_risk_level")
histogram = scores.selectExpr("floor(churn_probability * 20) / 20 as churn").groupBy("churn").count().toPandas().dropna()

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
left.bar(histogram["churn"], histogram["count"], width=0.045, align="edge")
left.set(title="P(no order in 60 days)", xlabel="probability", ylabel="customers")
order = [level for level in ("LOW", "MEDIUM", "HIGH", "CRITICAL") if level in levels.index]
right.bar(order, levels.loc[order, "count"])
right.set(title="Risk levels", ylabel="customers")
figure.tight_layout()
figure.savefig(f"{warehouse}/quickstart.png")
print(f"plots in {warehouse}/quickstart.png")
