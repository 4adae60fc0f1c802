#!/usr/bin/env python3
"""oracle [--reference-max VERSION:BYTES] DUMP...: says whether what stands on the topics is what the business rules make of the
commands, or names the first difference.

A dump is a folder of raw records (kpay-sim --dump, or dump_topics of a real cluster). The oracle
reads payments.incoming in order, then each further topic as its readers do, and compares every
event, result, balance and total with its own simple model. Switch records (R21) are followed; what
another logic version decides otherwise is said by options. Standard library only.
"""

import sys
from collections import defaultdict

import flow
import rules
import tables
import wire
from checkers import (DLQ_COMPLETE, DUPLICATE_EFFECT, IDEMPOTENT_ANSWER, LOST_ACK, NEGATIVE,
                      SAGA_BALANCED, STATE_IS_REPLAY, TOTAL, Difference, expect)
from topics import ACCOUNT, CONFIRMED, DLQ, INTAKE, SETTLE, STAGES, THROUGHPUT, Topics

INPUTS = {ACCOUNT: "payments.inflight", SETTLE: "payments.complete",
          CONFIRMED: "payments.complete", THROUGHPUT: "payments.complete"}
LETTER_MAX = 256 * 1024  # so many of a dead letter's bytes travel


class Oracle(Topics):
    def __init__(self, folder, reference_max=None):
        super().__init__(folder)
        self.reference_max = reference_max or {}  # by logic version, where it isn't the usual one
        self.totals = defaultdict(lambda: defaultdict(int))
        self.letters = defaultdict(list)
        self.answers = defaultdict(list)
        self.checked = defaultdict(int)

    def say(self, sender, topic, key, kind, message, header, checker=STATE_IS_REPLAY):
        partition = wire.partition_of(key, self.partitions)
        self.lane(sender, topic, partition).take(kind, message, header, checker)
        self.checked["events"] += 1

    # ---- intake

    def run_intake(self, partition):
        known, now = {}, 0
        sender, totals = (INTAKE, partition), self.totals
        reference_max = rules.REFERENCE_MAX
        overrides = self.overrides(INTAKE, partition)
        told = flow.causes(self.lanes, sender)
        for record in self.records("payments.incoming", partition):
            at = overrides.get(record.offset, record.appended)
            if at is None:  # skipped
                if not record.is_tick:
                    self.put_aside(sender, record)
                continue
            now = max(now, at)
            if record.is_tick:
                continue
            if wire.switch_in(record.value):
                reference_max = self.switch(sender, record, reference_max)
                continue
            if wire.is_answered_by_intake(record.value):
                self.answers[sender].append((record.offset, 0))
                continue
            kind, command = self.read_command(record, partition)
            if kind is None:
                self.put_aside(sender, record)
                continue
            currency, value = rules.counted(command)
            total = totals[INTAKE, currency]
            command_id = rules.id_of(kind, command)
            header = {"time": at, "offset": record.offset, "index": 0, "subject": command_id}
            content = (kind, sorted(command.items()))
            if command_id in known:
                first, remembered = known[command_id]
                forgotten = (now - remembered > rules.HORIZON_MS and self.is_rejection(
                    sender, kind, command, rules.refusal_of_id(command_id, now)))
                if not forgotten and first == content:
                    expect(IDEMPOTENT_ANSWER, "intake/%d offset %d: answers to the same content"
                           % (partition, record.offset), told[record.offset, 0], 0)
                    total["duplicates"] += 1
                    continue
                refusal = rules.refusal_of_id(command_id, now) if forgotten else rules.OTHER_CONTENT
            else:
                refusal = rules.refusal_of_id(command_id, now)
            if refusal:
                total["rejected"] += 1
                total["refusal", refusal] += 1
                self.answer(sender, kind, command, rules.REJECTED, refusal, header)
                continue
            known[command_id] = content, now
            refusal = rules.refusal_of_content(kind, command, reference_max)
            if kind == "submit":
                self.tally(total, "accepted", value)
                self.tally(total, "refused" if refusal else "opened", value)
            else:
                total["commands_refused" if refusal else "commands_accepted"] += 1
            if refusal:
                total["refusal", refusal] += 1
                self.answer(sender, kind, command, rules.FAILED, refusal, header)
            else:
                self.forward(sender, kind, command, header)

    def switch(self, sender, record, reference_max):
        """Intake's own leads to another version's rules; those for others are handed on."""
        stage, partition, version, ident = wire.switch_in(record.value)
        if stage == INTAKE:
            self.answers[sender].append((record.offset, 0))
            return self.reference_max.get(version, rules.REFERENCE_MAX)
        self.lane(sender, INPUTS[stage], partition).take(
            "operators", record.value,
            {"time": record.appended, "offset": record.offset, "index": 0, "subject": ident},
            STATE_IS_REPLAY)
        return reference_max

    def meet_switch(self, stages, partition, record, index, value):
        """Of the tasks that read the record, the one that it names answers."""
        switch = wire.switch_in(value)
        if switch and switch[0] in stages and switch[1] == partition:
            self.answers[switch[0], partition].append((record.offset, index))
            self.checked["switches"] += 1

    def read_command(self, record, partition):
        """(kind, command); (None, None) for a dead letter."""
        if not record.value or record.value[:1] == b"K" or (
                len(record.value) > rules.EVENT_BYTES_MAX):
            return None, None
        try:
            kind, command = wire.one_of(record.value, wire.COMMAND)
        except wire.Unreadable:
            return None, None
        if kind is None or not rules.is_well_formed(kind, command):
            return None, None
        key = rules.key_of(kind, command)
        return (kind, command) if wire.partition_of(key, self.partitions) == partition else (None,
                                                                                           None)

    def is_rejection(self, sender, kind, command, refusal):
        """Whether the next thing said is that rejection: ids are forgotten some time after the
        horizon, when their neighbours are."""
        command_id = rules.id_of(kind, command)
        event = self.lane(sender, "payments.complete",
                          wire.partition_of(command_id, self.partitions)).peek()
        return (event is not None and event["subject"] == command_id and refusal != 0
                and event["said"][1]["status"] == rules.REJECTED
                and event["said"][1]["refusal"] == refusal)

    @staticmethod
    def tally(total, name, value):
        total[name + "_count"] += 1
        total[name + "_value"] += value

    def forward(self, sender, kind, command, header):
        key = (command["from"] if kind == "submit" else command["account"]).encode()
        self.say(sender, "payments.inflight", key, "debit" if kind == "submit" else kind, command,
                 header)

    def answer(self, sender, kind, command, status, refusal, header, opened=0):
        checker = (IDEMPOTENT_ANSWER if refusal == rules.OTHER_CONTENT
                   else SAGA_BALANCED if opened else STATE_IS_REPLAY)
        if kind == "submit":
            outcome = {name: command[name] for name in ("payment_id", "from", "to", "amount_minor",
                                                        "currency")}
            outcome.update(status=status, refusal=refusal, opened=opened)
            self.say(sender, "payments.complete", command["payment_id"], "payment", outcome, header,
                     checker)
        else:
            outcome = {"command_id": command["command_id"], "account": command["account"],
                       "kind": rules.KINDS[kind], "status": status, "refusal": refusal}
            self.say(sender, "payments.complete", command["command_id"], "command", outcome, header,
                     checker)

    # ---- account

    def run_account(self, partition, applied):
        ledger, sender = rules.Ledger(), (ACCOUNT, partition)
        overrides = self.overrides(ACCOUNT, partition)
        for record, index, event in applied:
            at = overrides.get(record.offset, event["time"] if index is not None else 0)
            if at is None:  # skipped
                if event is not None:
                    self.put_aside(sender, record, index, event)
                continue
            if index is None:
                if event is not None:
                    self.put_aside(sender, record)
                continue
            kind, message = event["said"]
            if kind == "operators":
                self.meet_switch((ACCOUNT,), partition, record, index, message)
                continue
            header = {"time": at, "offset": record.offset, "index": index,
                      "subject": event["subject"]}
            transfer = message["transfer"] if kind == "refund" else message
            total = self.totals[ACCOUNT, rules.counted(transfer)[0]]
            if kind in ("debit", "credit", "refund"):
                self.leg(ledger, sender, kind, message, total, header)
            else:
                self.account_command(ledger, sender, kind, message, header)
        return ledger

    def leg(self, ledger, sender, kind, message, total, header):
        if kind == "refund":
            transfer, refusal = message["transfer"], message["refusal"]
            if not ledger.refund(transfer):
                self.tally(total, "suspense", transfer["amount_minor"])
            self.tally(total, "refunded", transfer["amount_minor"])
            self.answer(sender, "submit", transfer, rules.FAILED, refusal, header, 1)
        elif kind == "debit":
            refusal = ledger.debit(message)
            if refusal:
                total["refusal", refusal] += 1
                self.answer(sender, "submit", message, rules.FAILED, refusal, header, 1)
            else:
                self.tally(total, "debited", message["amount_minor"])
                self.say(sender, "payments.inflight", message["to"].encode(), "credit", message,
                         header, SAGA_BALANCED)
        else:
            refusal = ledger.credit(message["to"], message["currency"], message["amount_minor"])
            if refusal:
                total["refusal", refusal] += 1
                self.say(sender, "payments.inflight", message["from"].encode(), "refund",
                         {"transfer": message, "refusal": refusal}, header, SAGA_BALANCED)
            else:
                self.tally(total, "credited", message["amount_minor"])
                self.answer(sender, "submit", message, rules.COMPLETED, 0, header, 1)

    def account_command(self, ledger, sender, kind, command, header):
        account = ledger.accounts.get(command["account"])
        currency = rules.counted(command)[0]
        if kind == "close":
            currency = account.currency if account else "XXX"
        total = self.totals[ACCOUNT, currency]
        refusal = getattr(ledger, kind)(command)
        if refusal:
            total["refusal", refusal] += 1
        elif kind == "close":
            total["closed"] += 1
        else:
            self.tally(total, {"open": "opened", "deposit": "deposits"}[kind],
                       command["amount_minor"])
        self.answer(sender, kind, command, rules.REFUSED if refusal else rules.DONE, refusal,
                    header)

    # ---- what reads payments.complete

    def run_complete(self, partition, applied):
        for stage in (SETTLE, CONFIRMED, THROUGHPUT):  # they read alike here: not one of them alone
            expect(STATE_IS_REPLAY, "overrides of %s" % STAGES[stage],
                   self.overrides(stage, partition), {})
        now = 0
        results = {1: [], 2: []}
        finals, days = {}, defaultdict(int)
        for record, index, event in applied:
            if index is None:
                if event is None:
                    now = max(now, record.appended)
                else:
                    for stage in (SETTLE, CONFIRMED, THROUGHPUT):
                        self.put_aside((stage, partition), record)
                continue
            now = max(now, event["time"])
            kind, outcome = event["said"]
            if kind == "operators":
                self.meet_switch((SETTLE, CONFIRMED, THROUGHPUT), partition, record, index, outcome)
                continue
            if kind == "payment" and outcome["status"] != rules.REJECTED:
                if outcome["payment_id"] in finals:
                    raise Difference(DUPLICATE_EFFECT,
                                     "two outcomes of payment " + outcome["payment_id"].hex())
                finals[outcome["payment_id"]] = outcome, event["time"], record.appended
                self.settle_payment(outcome)
                done = outcome["status"] == rules.COMPLETED
                day = now // 86_400_000, rules.counted(outcome)[0], done
                days[day] += 1
                results[1 if done else 2].append((outcome, event["time"], record.appended))
            elif outcome["status"] == rules.REJECTED:
                currency = rules.counted(outcome)[0] if kind == "payment" else "XXX"
                self.totals[SETTLE, currency]["rejected"] += 1
        for kind, topic in ((1, "payments.confirmed"), (2, "payments.failed")):
            self.compare_results(topic, partition, kind, results[kind])
        return finals, days

    def settle_payment(self, outcome):
        currency, value = rules.counted(outcome)
        total = self.totals[SETTLE, currency]
        if outcome["status"] == rules.COMPLETED:
            self.tally(total, "completed", value)
        else:
            self.tally(total, "failed" if outcome["opened"] else "failed_at_intake", value)
        if outcome["opened"]:
            self.tally(total, "closed", value)

    def compare_results(self, topic, partition, kind, wanted):
        """Public results, by the rule that docs/wire.md gives to their readers."""
        highest = 0
        for record in self.records(topic, partition):
            found = wire.message(record.value, wire.RESULT)
            if found["number"] <= highest:
                continue
            highest = found["number"]
            name = "%s/%d offset %d" % (topic, partition, record.offset)
            if highest > len(wanted):
                raise Difference(DUPLICATE_EFFECT,
                                 "%s: found %s, expected nothing" % (name, found))
            outcome, event_time, finished = wanted[highest - 1]
            expect(STATE_IS_REPLAY, name, found, {
                "payment_id": outcome["payment_id"], "number": highest, "kind": kind,
                "refusal": outcome["refusal"], "amount_minor": outcome["amount_minor"],
                "currency": outcome["currency"], "from": outcome["from"], "to": outcome["to"],
                "event_time_ms": event_time, "finished_ms": finished})
            self.checked["results"] += 1
        expect(LOST_ACK, "%s/%d results" % (topic, partition), highest, len(wanted))

    # ---- the whole

    def run(self):
        inflight, complete, letters = {}, {}, {}
        for p in range(self.partitions):
            inflight[p] = self.read_frames("payments.inflight", p, wire.INFLIGHT, (INTAKE, ACCOUNT))
            complete[p] = self.read_frames("payments.complete", p, wire.OUTCOME, (INTAKE, ACCOUNT))
            letters[p] = self.read_frames(DLQ, p, None, STAGES)
        for p in range(self.partitions):
            self.check_complete(p, inflight[p], complete[p])
        ledgers, finals, days = [], [], []
        for p in range(self.partitions):
            self.run_intake(p)
        for p in range(self.partitions):
            ledgers.append(self.run_account(p, inflight[p]))
        for p in range(self.partitions):
            final, day = self.run_complete(p, complete[p])
            finals.append(final)
            days.append(day)
        for lane in self.lanes.values():
            if lane.name.startswith(DLQ):
                continue
            if lane.peek() is not None:
                raise Difference(DUPLICATE_EFFECT, "%s event %d: found %s, expected nothing"
                                 % (lane.name, lane.next + 1, lane.peek()["said"]))
        self.compare_letters()
        self.compare_tables(ledgers, finals, days)
        for p in range(self.partitions):
            self.checked["balances in time"] += flow.order_per_account(
                "account/%d" % p, inflight[p], self.lanes, (ACCOUNT, p),
                self.topics["state.account.changelog", p])
        return dict(self.checked)

    def check_complete(self, partition, inflight, complete):
        """Of each event of each input: what followed from it, or that it was put aside."""
        commands, known = [], set()
        for record in self.records("payments.incoming", partition):
            if record.is_tick:
                continue
            kind, command = self.read_command(record, partition)
            ident = None if kind is None else rules.id_of(kind, command)
            commands.append(((record.offset, 0),
                             None if record.value.startswith(wire.OPERATORS)
                             else (0, 1) if ident in known else (1,)))
            known.update(() if ident is None else (ident,))
        inputs = {INTAKE: commands, ACCOUNT: list(flow.frame_inputs(inflight, (1,)))}
        finished = list(flow.frame_inputs(complete, (0,)))
        for stage, name in STAGES.items():
            each = inputs.get(stage, finished)
            flow.complete("%s/%d" % (name, partition), flow.causes(self.lanes, (stage, partition)),
                          each)
            self.checked["inputs"] += len(each)

    def put_aside(self, sender, record, index=None, event=None):
        data = record.value if index is None else event["payload"]
        self.letters[sender].append((record.offset, index or 0, len(data), data[:LETTER_MAX]))

    def compare_letters(self):
        for stage in STAGES:
            for p in range(self.partitions):
                letters, answers = [], []
                for event in self.lane((stage, p), DLQ, p).events:
                    place = event["offset"], event["index"]
                    if event["payload"][0] == 2:
                        answers.append(place)
                    else:
                        letters.append(place + wire.letter_in(event["payload"]))
                name = "%s/%d" % (STAGES[stage], p)
                expect(DLQ_COMPLETE, "dead letters of " + name, letters, self.letters[stage, p])
                expect(LOST_ACK, "answers to operators' records of " + name, answers,
                       self.answers[stage, p])
                self.checked["dead letters"] += len(letters)

    def compare_tables(self, ledgers, finals, days):
        found = defaultdict(lambda: defaultdict(int))
        for p in range(self.partitions):
            self.compare_accounts(p, ledgers[p])
            self.compare_payments(p, finals[p])
            self.compare_days(p, days[p])
            for stage, table, read in ((INTAKE, 3, tables.read_intake),
                                       (ACCOUNT, 1, tables.read_account),
                                       (SETTLE, 5, tables.read_settle)):
                for (number, key), value in self.rows(stage, p).items():
                    if number == table:
                        for name, count in read(wire.Reader(value[1:])).items():
                            found[stage, key.decode()][name] += count
        for place in sorted(set(found) | set(self.totals)):
            for name in sorted(set(found[place]) | set(self.totals[place]), key=str):
                expect(TOTAL, "total %s of %s %s" % (name, STAGES[place[0]], place[1]),
                       found[place][name], self.totals[place][name])
                self.checked["totals"] += 1

    def compare_accounts(self, partition, ledger):
        found = {}
        for (table, key), value in self.rows(ACCOUNT, partition).items():
            if table == 0:
                reader = wire.Reader(value[1:])
                found[key.decode()] = (reader.raw(3).decode(), reader.take("B") == 2, reader.sum(),
                                       reader.sum(), reader.sum())
        wanted = {name: (a.currency, a.closed, a.balance, a.opening, a.deposits)
                  for name, a in ledger.accounts.items()}
        for currency, kept in ledger.suspense.items():
            wanted["suspense:" + currency] = currency, False, kept.balance, 0, 0
        for name in sorted(set(found) | set(wanted)):
            if name in found and found[name][2] < 0:
                raise Difference(NEGATIVE, "account %s has %d" % (name, found[name][2]))
            expect(TOTAL, "account %s (currency, closed, balance, opening, deposits)" % name,
                   found.get(name), wanted.get(name))
            self.checked["balances"] += 1

    def compare_payments(self, partition, finals):
        """Rows may be forgotten after the horizon; those that are there are right."""
        found = 0
        for (table, key), value in self.rows(SETTLE, partition).items():
            if table == 0:
                reader = wire.Reader(value[1:])
                row = reader.take("BHq"), reader.raw(3).decode(), reader.take("qq")
                outcome, event_time, finished = finals.get(key, ({}, 0, 0))
                expect(STATE_IS_REPLAY, "payment " + key.hex(), row,
                       ((outcome.get("status"), outcome.get("refusal"),
                         outcome.get("amount_minor")), outcome.get("currency"),
                        (event_time, finished)))
                found += 1
        times = [record.appended for record in self.records("payments.complete", partition)]
        if times and max(times) - min(times) < rules.HORIZON_MS:
            expect(STATE_IS_REPLAY, "payments of settle/%d" % partition, found, len(finals))
        self.checked["payments"] += found

    def compare_days(self, partition, wanted):
        found = defaultdict(int)
        for (_, key), value in self.rows(CONFIRMED, partition).items():
            if len(key) != 7:
                continue
            day = int.from_bytes(key[:4], "big") ^ 0x80000000
            reader = wire.Reader(value[1:])
            for done in (True, False):
                count = reader.tally()[0]
                if count:
                    found[day, key[4:].decode(), done] = count
        expect(TOTAL, "days of confirmed/%d" % partition, dict(found), dict(wanted))


def main(folders):
    reference_max = {}
    while folders[:1] == ["--reference-max"]:
        version, size = folders[1].split(":")
        reference_max[int(version)], folders = int(size), folders[2:]
    if not folders:
        sys.exit(__doc__)
    total = defaultdict(int)
    for folder in folders:
        try:
            checked = Oracle(folder, reference_max).run()
        except Difference as problem:
            print("oracle: %s: %s" % (folder, problem))
            return 1
        for name, count in checked.items():
            total[name] += count
    print("oracle: %d runs agree: %s" % (len(folders), ", ".join(
        "%d %s" % (count, name) for name, count in sorted(total.items()))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
