"""The whole line: raw order lines in, scored customers out, and a table to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from featurestore.errors import ConfigurationError
from featurestore.label_config import label
from featurestore.simulation.world import World
from featurestore.snapshot_records import among
from jobs.actions import rules_of
from jobs.build_features import build_step, chosen_as_of
from jobs.build_training_set import labels_asked, split_plan, training_set_step
from jobs.ingest import ingest_input, print_reasons, report_ingest
from jobs.judging import Judgements, judge_written_scores
from jobs.learning import HEAD_OF
from jobs.model_registry import registry_of
from jobs.promote import promote_step
from jobs.run import Run
from jobs.score import score_step
from jobs.score_tables import SCORES
from jobs.simulate import raw_folder, simulate_step, truth_date
from jobs.tables_for_people import metrics_tables, most_at_risk, realised_tables, seconds_table
from jobs.train import train_step
from models.bundle import Bundle
from models.registry import CHALLENGER, Registered

SIMULATED_SOURCES = ("orders", "interactions", "support")


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    if (asked.source is None) != (asked.input is None):
        raise ConfigurationError("--source and --input go together: how to read the data, and where they are.")
    rules_of(run)  # what is wrong with the rules is said before anything is learned
    first_job = run.seconds_since_command()
    as_of = take_in(run)
    if first_job is not None:
        run.steps[0].results.update(seconds_from_command_to_first_step=round(first_job, 1))
    plans = {name: split_plan(run, label(name), as_of) for name in labels_asked(run)}
    build_step(run, sorted({as_of, *[d for plan in plans.values() for d in plan.as_ofs]}))
    for name, plan in plans.items():
        training_set_step(run, label(name), plan)
    champions = {HEAD_OF[name].name: champion_step(run, name, as_of) for name in plans}
    score_step(run, as_of, champions)
    realised = judge_written_scores(run, as_of, is_simulated=asked.source is None and as_of == truth_date(shop(run)))
    tell(run, as_of, [model.bundle for model in champions.values()], realised)


def champion_step(run: Run, label_name: str, as_of: date) -> Registered[Bundle]:
    """Train, let what challenges the champion be judged at once, and take the champion that there then is."""
    if train_step(run, label_name, as_of).role == CHALLENGER:
        promote_step(run, label_name, as_of)
    return registry_of(run).load(HEAD_OF[label_name])


def take_in(run: Run) -> date:
    """Ingest the user's data or a simulation; the date to score at."""
    asked = run.arguments
    if asked.source is not None:
        _ingest(run, asked.source, asked.input)
        return chosen_as_of(run)
    world = shop(run)
    folder = raw_folder(run, world)
    simulate_step(run, world, folder, instants=[truth_date(world)])
    for source in SIMULATED_SOURCES:
        _ingest(run, f"simulated_{source}", f"{folder}/{source}")
    return asked.as_of or truth_date(world)


def shop(run: Run) -> World:
    """The shop that the settings describe."""
    return World(run.settings.simulation.customers, run.settings.simulation.days, run.settings.seed)


def _ingest(run: Run, source_file: str, input_path: str) -> None:
    with run.step("ingest") as step:
        report_ingest(step, ingest_input(run, source_file, input_path))
    print_reasons(run, step)


def tell(run: Run, as_of: date, bundles: Sequence[Bundle], realised: Judgements) -> None:
    """The short table that a person can read, and how to go on."""
    scores = run.warehouse.read(SCORES.name).where(among([as_of]))
    for table in metrics_tables(bundles):
        run.out.print(table)
    for table in realised_tables(realised, title=f"Scores written for {as_of}, against what then happened"):
        run.out.print(table)
    run.out.print(most_at_risk(scores))
    run.out.print(seconds_table(run.steps))
    run.out.print(f"{scores.count():,} customers scored at {as_of}. Go on with:")
    query = "select churn_risk_level, count(*) customers from customer_scores_latest group by 1 order by 2 desc"
    run.out.print(f'  ./spark-submit.sh sql "{query}" --warehouse {run.settings.warehouse}')
