"""What tasks said because of each event of their inputs, from the topics alone: nothing comes in
without a consequence or a dead letter, and what was told of an account makes its balances."""

from collections import Counter, defaultdict

import rules
import wire
from checkers import DLQ_COMPLETE, NEGATIVE, ORDER_PER_ACCOUNT, Difference, expect

ACCOUNTS = 0  # the account stage's first table


def causes(lanes, sender):
    """How many events the task sent because of each event of its input, by its place there."""
    return Counter((event["offset"], event["index"]) for (who, _, _), lane in lanes.items()
                   if who == sender for event in lane.events)


def complete(name, told, inputs):
    """`inputs` are (place, how many consequences it may have; None: operators', any)."""
    told = Counter(told)
    for place, allowed in inputs:
        found = told.pop(place, 0)
        if allowed is not None and found not in allowed:
            raise Difference(DLQ_COMPLETE, "%s at %d.%d has %d consequences or dead letters, "
                             "expected %s" % (name, *place, found, " or ".join(map(str, allowed))))
    if told:
        raise Difference(DLQ_COMPLETE, "%s at %d.%d: what was said of it follows from nothing"
                         % (name, *min(told)))


def frame_inputs(applied, of_events):
    """Records that stand on an internal topic and events in them; the former are put aside."""
    for record, index, event in applied:
        if index is not None:
            aside = event["payload"].startswith(wire.OPERATORS)
            yield (record.offset, index), None if aside else of_events
        elif event is not None:
            yield (record.offset, 0), (1,)


class Balances:
    """The accounts of one partition, moved by what their task told."""

    def __init__(self):
        self.accounts = defaultdict(lambda: [0, 0])  # balance, postings
        self.currencies = {}

    def post(self, name, minor):
        account = self.accounts[name]
        account[0] += minor
        account[1] += 1
        if account[0] < 0:
            raise Difference(NEGATIVE, "account %s would have %d after posting %d"
                             % (name, account[0], account[1]))

    def change(self, cause, said):
        (heard, message), (kind, told) = cause["said"], said["said"]
        if kind == "credit":
            self.post(message["from"], -message["amount_minor"])
        elif kind == "payment" and told["status"] == rules.COMPLETED:
            self.post(message["to"], message["amount_minor"])
        elif kind == "payment" and heard == "refund":
            transfer = message["transfer"]
            name, currency = transfer["from"], transfer["currency"]
            self.post(name if self.currencies.get(name) == currency else "suspense:" + currency,
                      transfer["amount_minor"])
        elif kind == "command" and told["status"] == rules.DONE:
            if heard == "open":
                self.currencies[message["account"]] = message["currency"]
            self.post(message["account"], message.get("amount_minor", 0))


def order_per_account(name, applied, lanes, sender, changelog):
    """Each balance of each checkpoint is where the account's changes led that were told before it.
    Returns how many balances were compared."""
    heard = {(record.offset, index): event for record, index, event in applied
             if index is not None}
    said = sorted(((event["offset"], event["index"]), at, topic, event)
                  for (who, topic, _), lane in lanes.items()
                  if who == sender and topic.startswith("payments.")
                  for at, event in enumerate(lane.events))
    balances, compared, done = Balances(), 0, 0
    for position, bodies in wire.checkpoints_of(changelog):
        while done < len(said) and said[done][0][0] < position:
            place, _, _, event = said[done]
            balances.change(heard[place], event)
            done += 1
        rows = {}
        wire.apply_rows(rows, bodies)
        for (table, key), value in rows.items():
            if table == ACCOUNTS:
                expect(ORDER_PER_ACCOUNT, "%s at input position %d, account %s (balance, postings)"
                       % (name, position, key.decode()), wire.balance_in(value),
                       tuple(balances.accounts[key.decode()]))
                compared += 1
    return compared
