"""Rows of totals, as docs/store.md and docs/events.md lay them out."""


def tallies(reader, names):
    out = {}
    for name in names:
        out[name + "_count"], out[name + "_value"] = reader.tally()
    return out


def refusals(reader):
    return {("refusal", number): count for number, count in reader.refusals().items()}


def read_intake(reader):
    out = tallies(reader, ("accepted", "refused", "opened"))
    for name in ("duplicates", "rejected", "commands_accepted", "commands_refused"):
        out[name] = reader.take("Q")
    out.update(refusals(reader))
    return out


def read_account(reader):
    out = tallies(reader, ("opened", "deposits", "debited", "credited", "refunded", "suspense"))
    out["closed"] = reader.take("Q")
    out.update(refusals(reader))
    return out


def read_settle(reader):
    out = tallies(reader, ("completed", "failed", "failed_at_intake", "closed"))
    out["rejected"], out["repeated"] = reader.take("QQ")
    return out
