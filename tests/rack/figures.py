"""What the rack's tests measured: one JSON line for each operation under load in build/rack/figures.jsonl, beside a line of
the same rack at rest. `python3 tests/rack/figures.py [FILE]` makes the table of them for docs/evidence."""

import json
import os
import pathlib
import sys
import time

FILE = pathlib.Path(__file__).resolve().parents[2] / "build/rack/figures.jsonl"
REST = "rest"
COLUMNS = ("operation", "took", "payments/s", "sent = answered", "p50 / p99 / longest, ms", "longest stall, ms", "at rest: p99, stall",
           "load average")


def line_of(operation, seconds, rate, report, stalls, **more):
    latency = report["latency_ms"]
    return {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "operation": operation, "seconds": round(seconds, 1), "rate": rate,
            **{name: report[name] for name in ("sent", "confirmed", "failed_count", "rejected", "unanswered")},
            "p50_ms": latency.get("p50"), "p99_ms": latency.get("p99"), "max_ms": latency.get("max"),
            "stall_ms": max(stalls.values(), default=None), "stalls_ms": stalls, "load_average": os.getloadavg()[0], **more}


def note(line, file=FILE):
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
    return line


def read(file=FILE):
    return [json.loads(line) for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines() if line]


def whole(number):
    return "–" if number is None else "%d" % round(number)


def row_of(line, rest):
    answered = line["sent"] - line["unanswered"]
    return (line["operation"], "%.0f s" % line["seconds"], whole(line["rate"]),
            "%d" % line["sent"] if answered == line["sent"] else "**%d of %d**" % (answered, line["sent"]),
            " / ".join(whole(line[name]) for name in ("p50_ms", "p99_ms", "max_ms")), whole(line["stall_ms"]),
            "%s, %s" % (whole(rest["p99_ms"]), whole(rest["stall_ms"])) if rest else "–", "%.1f" % line["load_average"])


def table(lines):
    """Markdown; each operation beside the rest that was measured last before it, at the same rate."""
    rests, rows = {}, []
    for line in lines:
        if line["operation"] == REST:
            rests[line["rate"]] = line
        else:
            rows.append(row_of(line, rests.get(line["rate"])))
    return "".join("| %s |\n" % " | ".join(row) for row in (COLUMNS, ["---"] * len(COLUMNS), *rows))


if __name__ == "__main__":
    print(table(read(*sys.argv[1:2])), end="")
