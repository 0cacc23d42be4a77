"""What a configuration may say of a database, and that a secret in the wrong place is never repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from featurestore.batch_identity import described, input_key
from featurestore.database import Credentials
from featurestore.database_address import address
from featurestore.database_config import DatabaseTable
from featurestore.database_queries import Scale, rows_query, window
from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem
from featurestore.source_config import source_config
from jobs.command_line import asked
from jobs.credentials import credentials_of
from tests.spark.ingest.shop_database import SOURCES, packaged

SECRET = "hunter2hunter2"
URL = "jdbc:postgresql://db.example:5432/shop"


def refusal(call, *arguments, error=ConfigurationError, **named):
    with pytest.raises(error) as refused:
        call(*arguments, **named)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def configured(**jdbc):
    loaded = yaml.safe_load((SOURCES / "postgres_events.yml").read_text(encoding="utf-8"))
    loaded["jdbc"] = {key: value for key, value in {**loaded["jdbc"], **jdbc}.items() if value is not None}
    return source_config(yaml.safe_dump(loaded), where="shop.yml")


@pytest.mark.parametrize("name", ["events", "purchases", "users", "user_metrics"])
def test_the_packaged_tables_are_whole(name):
    assert packaged(f"postgres_{name}").jdbc.watermark is not None


@pytest.mark.parametrize("jdbc", [
    {"password": SECRET}, {"user": SECRET, "password": {"env": SECRET}}, {"password": {"env": "A", "file": SECRET}},
    {"passwort": SECRET}, {"table": f"events; {SECRET}"}, {"watermark": f"a b {SECRET}"}, {"joined": SECRET},
    {"password": {}}, {"overlap": "a while"}, {"overlap": -1}, {"partitions": 0},
    {"watermark": None, "overlap": "1d"}, {"watermark": None, "overlap": 0},
])  # fmt: skip
def test_what_does_not_fit_is_refused_and_not_repeated(jdbc):
    assert "jdbc" in refusal(configured, **jdbc)


def test_a_secret_in_the_place_of_the_whole_section():
    text = (SOURCES / "postgres_events.yml").read_text(encoding="utf-8")
    refusal(source_config, yaml.safe_dump({**yaml.safe_load(text), "jdbc": SECRET}), where="shop.yml")


@pytest.mark.parametrize("text", [
    f"jdbc:postgresql://me:{SECRET}@host/shop", f"jdbc:postgresql://host/shop?password={SECRET}", f"jdbc:mysql://{SECRET}",
    f"jdbc:postgresql://host/shop?user=me&password={SECRET}", f"jdbc:postgresql://host/shop?sslpassword={SECRET}",
    f"jdbc:postgresql://host/shop?socketFactory=evil.Class&loggerFile={SECRET}", f"jdbc:postgresql:{SECRET}",
])  # fmt: skip
def test_an_address_holds_no_secret_and_nothing_to_load(text):
    assert "address of a database" in refusal(address, text)
    refusal(asked, ["ingest", "--source", "postgres_events", "--input", text])


def test_credentials_come_from_the_environment_or_a_file(tmp_path):
    (tmp_path / "password").write_text(f"{SECRET}\n")
    table = configured(user={"env": "WHO"}, password={"file": str(tmp_path / "password")}).jdbc
    found = credentials_of(table, environ={"WHO": "me"})
    assert (found.user, found.password) == ("me", SECRET)
    assert SECRET not in f"{found!r} {found}"
    assert "environment variable WHO" in refusal(credentials_of, table, environ={}, error=EnvironmentProblem)
    gone = configured(password={"file": str(tmp_path / "gone")}).jdbc
    assert "cannot be read" in refusal(credentials_of, gone, environ={"TESSERA_POSTGRES_USER": "me"},
                                       error=EnvironmentProblem)  # fmt: skip


def test_a_password_is_taken_out_of_what_a_driver_says():
    assert Credentials("me", SECRET).hidden_in(f"no {SECRET} here") == "no *** here"


def test_how_a_table_is_read_is_no_part_of_what_it_is():
    one, other = configured(), configured(partitions=3, overlap="1d", password={"file": "p"})
    assert input_key(described(one)) == input_key(described(other))
    assert input_key(described(one)) != input_key(described(configured(watermark="occurred_at")))


def test_windows_and_what_a_watermark_may_not_be():
    scale = Scale.of("at", {"at": "timestamp(3) with time zone"}, where="t")
    at = "2024-01-02 10:00:00.000000"
    assert window(scale, since=None, until=at, overlap=timedelta(0)).startswith('"at" <= (TIMESTAMP')
    assert "INTERVAL '900 seconds'" in window(scale, since=at, until=at, overlap=timedelta(minutes=15))
    assert "overlap" in refusal(window, scale, since=at, until=at, overlap=3)
    assert "DATE '2024-01-02' - 2" in Scale("day", "day").before("2024-01-02", timedelta(hours=25))
    refusal(scale.literal, "2024' OR true --", error=DataContractError)
    assert "must be" in refusal(Scale.of, "at", {"at": "text"}, where="t")


def test_names_are_quoted_and_types_without_an_equal_are_read_as_text():
    table = DatabaseTable(table="public.t", user={"env": "A"}, password={"env": "B"})
    query = rows_query(table, {'a"b': "numeric(10,2)", "n": "bigint"}, columns=['a"b', "n"], where="true")
    assert query == ('SELECT t."a""b"::text AS "a""b", t."n" AS "n", NULL AS "tessera_part" '
                     'FROM (SELECT * FROM "public"."t" WHERE true) AS t')  # fmt: skip
