"""Credentials are found by shape and place and never shown; an audit tells findings from answers that nobody gave."""

from __future__ import annotations

import json
import sys

import pytest

from tests import audit, secret_scan
from tests.secret_scan import findings

DRAWN = "q7Rt29" + "xKpL0sW4"
PLANTED = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AWS key": "key = AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1" * 18,
    "signed token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmN",
    "password in an address": f"postgresql://shop:{DRAWN}@db/shop",
    "password in an option of an address": f"jdbc:postgresql://db/shop?user=shop&password={DRAWN}",
    "assigned secret": f'"db_password": "{DRAWN}"',
}
HARMLESS = [
    "password: ${DB_PASSWORD}",
    "password = os.environ['DB_PASSWORD_2']",
    "postgresql://shop:secret@db/shop",
    "token = next(tokens)",
    "the secret = a word that nobody drew",
    f"api_key = '{DRAWN}'  # not a secret: a test's own",
]


@pytest.mark.parametrize("kind", PLANTED)
def test_a_credential_is_found_and_not_shown(kind):
    found = list(findings(f"first line\n{PLANTED[kind]}\n", file="conf/x.yml"))
    assert kind in {one.kind for one in found} and {one.line for one in found} == {2}
    assert DRAWN not in str(found)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_names_one_is_none(line):
    assert not list(findings(line, file="x.py"))


def test_a_scan_ends_with_1_where_anything_is_found(tmp_path, monkeypatch, capsys):
    (tmp_path / "x.py").write_text(f"password = '{DRAWN}'\n")
    (tmp_path / "picture.png").write_bytes(b"\xff\xfe")
    monkeypatch.setattr(secret_scan, "ROOT", tmp_path)
    monkeypatch.setattr(secret_scan, "tracked", lambda: ["x.py", "picture.png", "gone.py"])
    assert secret_scan.main() == 1
    assert "x.py:1: assigned secret" in capsys.readouterr().out
    (tmp_path / "x.py").write_text("")
    assert secret_scan.main() == 0


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A stand-in for pip-audit in the place of the real one, and a service that answers."""
    monkeypatch.setenv("TESSERA_HOME", str(tmp_path))
    monkeypatch.setattr(audit, "ask_service", lambda address: None)
    file = tmp_path / "audit" / "bin" / "pip-audit"
    file.parent.mkdir(parents=True)

    def makes(report, status):
        write = f"open(sys.argv[sys.argv.index('--output') + 1], 'w').write({json.dumps(report)!r})"
        body = write if report is not None else "print('no answer', file=sys.stderr)"
        file.write_text(f"#!{sys.executable}\nimport sys\n{body}\nsys.exit({status})\n")
        file.chmod(0o755)

    return makes


def test_advisories_fail_and_none_pass(program, capsys):
    clean = {"name": "a", "version": "1", "vulns": []}
    program({"dependencies": [clean]}, 0)
    assert audit.main([]) == 0
    assert capsys.readouterr().out == "1 versions audited, 0 advisories\n"
    program({"dependencies": [clean, {"name": "b", "version": "2", "vulns": [{"id": "V-1", "fix_versions": []}]}]}, 1)
    assert audit.main([]) == 1
    assert "b 2: V-1, mended in none yet" in capsys.readouterr().out


def test_an_answer_that_nobody_gave_is_said_and_fails_nothing(program, monkeypatch, capsys):
    program(None, 1)
    assert audit.main([]) == 0
    assert capsys.readouterr().out == "not audited: no answer\n"


def test_a_service_that_cannot_be_reached_is_said_and_fails_nothing(monkeypatch, capsys):
    monkeypatch.setattr(audit, "SERVICE", "http://127.0.0.1:1/")
    assert audit.main([]) == 0
    assert "not audited: the advisory service cannot be reached" in capsys.readouterr().out
