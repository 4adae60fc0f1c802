"""What the oracle can find wrong, by name. docs/trust.md, "Checkers", says what each demands."""

NAMES = (
    TOTAL, NEGATIVE, DUPLICATE_EFFECT, LOST_ACK, ORDER_PER_ACCOUNT, SAGA_BALANCED, DLQ_COMPLETE,
    IDEMPOTENT_ANSWER, HASH_CHAIN, STATE_IS_REPLAY, TORN) = (
    "total", "negative", "duplicate-effect", "lost-ack", "order-per-account", "saga-balanced",
    "dlq-complete", "idempotent-answer", "hash-chain", "state==replay", "torn")


class Difference(Exception):
    """What the topics say is not what the rules say; by whom it was found comes first."""

    def __init__(self, checker, text):
        super().__init__("%s: %s" % (checker, text))
        self.checker = checker


class Unreadable(Difference):
    """A record isn't whole."""

    def __init__(self, text):
        super().__init__(TORN, "unreadable: " + text)


def expect(checker, what, found, wanted):
    if found != wanted:
        raise Difference(checker, "%s: found %s, expected %s" % (what, found, wanted))
