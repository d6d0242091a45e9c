"""A record with markup in every text of the schema, by walking its types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import inspect

from bench.compare.comparison import compare
from bench.compare.explain.difference import explain_difference
from bench.record.schema import SCHEMA, Record
from bench.report.entry import Entry
from bench.report.html.page import render_page
from tests.support.entries import stamps

MARKUP = "\"'><img src=x onerror=pwn()><script>pwn()</script></script></style><a href=javascript:pwn()>{{7*7}}\x1b[31m[red]%{x}"
"""Ends attributes and elements, is a template, an escape sequence, rich's markup."""


NAMES = (
    "@somebody",
    "an/other@1234567",
    "mail@evil.example",
    "#12",
    "an/other#12",
    "GH-12",
    "!12",
    "~12",
    "%12",
    "$12",
    "&12",
    "https://evil.example/x",
    "ssh://evil.example",
    "www.evil.example",
    "mailto:x@evil.example",
    "<https://evil.example>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[x]: https://evil.example",
    "<img src=x onerror=pwn()>",
    "<!-- the rest",
    "-->",
    "a | b",
    "back\\| slash",
    "**x** _x_ ~~x~~ `x` $x$",
    "&lt;b&gt;",
    "# head",
    "- item",
    "1. item",
    "a\n\n# head\n@somebody",
    "\x1b[31mred\u202e",
)
"""What Markdown, or GitHub and GitLab after it, would make something of; short enough for every cell."""


def hostile_record(number: int = 0, text: str = MARKUP, **changes: Any) -> Record:
    """Every ``str`` of the schema holds ``text``; literals and numbers are valid."""
    made = msgspec.convert(_value(inspect.type_info(Record), text + str(number)), Record)
    counted = tuple(msgspec.structs.replace(run, warmup=msgspec.UNSET) for run in made.runs)
    made = msgspec.structs.replace(made, runs=counted)
    return msgspec.structs.replace(made, **({"schema": SCHEMA} | changes))


def hostile_page() -> str:
    """A page made of such records alone: five results of one host, sampled, compared and explained."""
    entries = []
    for number, stamp in enumerate(stamps(5)):
        record = hostile_record(number, stamp=f"{MARKUP}{stamp}")
        # One host, so that there is a history.
        record = msgspec.structs.replace(record, host=hostile_record().host, diagnostic=hostile_record().diagnostic)
        runs = tuple(msgspec.structs.replace(run, index=at, wall_s=34.5 + at) for at, run in enumerate(record.runs))
        unwatched = msgspec.structs.replace(runs[1], host_during={})
        reasons = {**record.unavailable, "runs[1].host_during": MARKUP}
        record = msgspec.structs.replace(record, runs=(runs[0], unwatched), unavailable=reasons)
        csv = "t_s,cpu_user_s,anon_bytes\n" + "".join(f"{at},{at},{at}\n" for at in range(1, 40))
        entries.append(Entry(record, MARKUP, {0: csv, 1: csv}))
    a, b = entries[0].record, entries[1].record
    clean = msgspec.structs.replace(a, profiler=False), msgspec.structs.replace(b, profiler=False)
    comparison = compare(*clean)
    difference = explain_difference(*clean)
    return render_page(
        entries,
        comparisons=[comparison],
        differences=[difference],
        unreadable=[MARKUP],
        title=MARKUP,
        now=datetime(2026, 11, 4, tzinfo=UTC),
    )


def _value(kind: inspect.Type, text: str) -> Any:
    match kind:
        case inspect.StructType(fields=fields):
            return {field.encode_name: _value(field.type, text) for field in fields}
        case inspect.StrType() | inspect.AnyType():
            return text
        case inspect.LiteralType(values=values):
            return values[0] if "passed" not in values else "passed"
        case inspect.UnionType(types=types):
            return _value(next(one for one in types if not isinstance(one, inspect.NoneType)), text)
        case inspect.DictType(value_type=inner):
            return {text: _value(inner, text)}
        case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner):
            return [_value(inner, text), _value(inner, text)]
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 12
        case inspect.FloatType():
            return 34.5
    raise AssertionError(f"the schema has a type that this test does not know: {kind}")
