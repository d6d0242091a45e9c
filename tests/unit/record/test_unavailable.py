"""A null of a record has a reason, whichever version wrote the record."""

from __future__ import annotations

import json

from bench.record.codec import decode, encode
from bench.record.unavailable import with_reasons
from tests.support.records import make_record


def test_an_older_record_does_not_say_when_a_test_began() -> None:
    document = json.loads(encode(make_record()))
    del document["runs"][0]["tests"][0]["started_s"]
    record = decode(json.dumps(document))
    assert record.runs[0].tests[0].started_s is None
    reasons = with_reasons(record).unavailable
    assert reasons["runs[0].tests[0].started_s"] == "it was not recorded when the test began"
