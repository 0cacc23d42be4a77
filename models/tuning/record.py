"""A search in MLflow: one parent run, a child a trial; logged again after a kill, it is what one clean search logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.tracking import RunRecord, experiment_of, log_record
from models.tuning.study import Trial, best_of
from models.tuning.verdict import OutOfTime

if TYPE_CHECKING:
    from mlflow import MlflowClient

SEARCH, TRIAL, STATE, TRIALS = "search", "trial", "trial_state", "trials_finished"
_PARENT = "mlflow.parentRunId"
_MOST_RUNS = 50_000  # what MLflow gives at once


@dataclass
class SearchRuns:
    """The runs of one search; the study says what is true, and these follow it."""

    client: MlflowClient
    experiment: str
    head: str
    parent: str
    logged: set[int] = field(default_factory=set)
    is_open: bool = False

    @classmethod
    def open(
        cls, client: MlflowClient, artifact_root: str, *, name: str, head: str, parameters: Mapping[str, Any]
    ) -> SearchRuns:  # fmt: skip
        """The runs of the search called `name`, as an earlier command left them, or a new parent run."""
        experiment = experiment_of(client, artifact_root)
        found = client.search_runs([experiment], f"tags.{SEARCH} = '{name}'", order_by=["attributes.start_time ASC"])
        if found:
            parent = found[0].info.run_id
        else:
            tags = {"head": head, SEARCH: name}
            parent = client.create_run(experiment, run_name=f"{head} search", tags=tags).info.run_id
        runs = cls(client, experiment, head, parent)
        log_record(client, parent, RunRecord(parameters))
        runs._drop_unfinished()
        return runs

    def follow(self, trials: Sequence[Trial]) -> None:
        """A finished child run for each trial that has none; of trials that are logged nothing is done."""
        for trial in trials:
            if trial.number in self.logged:
                continue
            if not self.is_open:
                self.client.update_run(self.parent, status="RUNNING")
                self.is_open = True
            tags = {"head": self.head, _PARENT: self.parent, TRIAL: str(trial.number),
                    STATE: "pruned" if trial.is_pruned else "complete"}  # fmt: skip
            name = f"{self.head} trial {trial.number}"
            run = self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id
            figures = {"seconds": trial.seconds} | ({} if trial.loss is None else {"log_loss": trial.loss})
            log_record(self.client, run, RunRecord(trial.parameters, figures, {"fold_log_loss": trial.losses}))
            self.client.set_terminated(run, status="FINISHED")
            self.logged.add(trial.number)

    def conclude(self, trials: Sequence[Trial], verdict: OutOfTime) -> None:
        """The result on the parent run, which is then finished; once for the same number of trials."""
        run = self.client.get_run(self.parent)
        if run.info.status == "FINISHED" and run.data.tags.get(TRIALS) == str(len(trials)):
            return
        best = best_of(trials)
        # What a longer search may change is a tag: a parameter of a run can be set only once.
        for name, value in best.parameters.items():
            self.client.set_tag(self.parent, f"best_{name}", str(value))
        numbers = {TRIALS: float(len(trials)), "trials_pruned": float(sum(one.is_pruned for one in trials)),
                   "seconds": sum(one.seconds for one in trials), "default_log_loss": trials[0].loss or 0.0,
                   "best_log_loss": best.loss or 0.0}  # fmt: skip
        log_record(self.client, self.parent, RunRecord(metrics={**numbers, **verdict.figures()}))
        self.client.log_dict(self.parent, verdict.to_dict(), "out_of_time.json")
        self.client.set_tag(self.parent, TRIALS, str(len(trials)))
        self.client.set_terminated(self.parent, status="FINISHED")

    def _drop_unfinished(self) -> None:
        """Children that a kill left half-logged go; those that are whole are known from now on."""
        children = self.client.search_runs([self.experiment], f"tags.`{_PARENT}` = '{self.parent}'",
                                           max_results=_MOST_RUNS)  # fmt: skip
        for run in children:
            if run.info.status == "FINISHED":
                self.logged.add(int(run.data.tags[TRIAL]))
            else:
                self.client.delete_run(run.info.run_id)
