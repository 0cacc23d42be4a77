from __future__ import annotations

import gzip
import hashlib

from featurestore.batch_identity import file_hash, relative_names


def test_names_do_not_tell_the_folder():
    here = relative_names(["file:///a/lake/x.csv", "file:///a/lake/2024/y%20z.csv"])

    assert here == relative_names(["s3a://bucket/other/x.csv", "s3a://bucket/other/2024/y%20z.csv"])
    assert here == ["x.csv", "2024/y z.csv"]
    assert relative_names(["file:///a/x.csv"]) == ["x.csv"]


def test_a_file_is_hashed_as_it_lies_there_not_unpacked(tmp_path):
    packed = tmp_path / "with space.csv.gz"
    packed.write_bytes(gzip.compress(b"a,b\n1,2\n"))

    assert file_hash(packed.as_uri()) == hashlib.sha256(packed.read_bytes()).hexdigest()
