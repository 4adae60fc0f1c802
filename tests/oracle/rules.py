"""The business rules, one command and one leg at a time, in plain words of docs/events.md."""

import re

HOUR_MS = 3600 * 1000
HORIZON_MS = 24 * HOUR_MS
AGE_MS_MAX = 12 * HOUR_MS
AHEAD_MS_MAX = 15 * 60 * 1000
AMOUNT_MAX = 10 ** 15
BALANCE_MAX = 9 * 10 ** 18
REFERENCE_MAX = 140
EVENT_BYTES_MAX = 8 * 1024

# Currencies of ISO 4217 with minor units.
CURRENCIES = set("""
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN
BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF
KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU
UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
""".split())

ACCOUNT_ID = re.compile(r"[A-Za-z0-9._:-]{1,34}")
KINDS = {"open": 1, "deposit": 2, "close": 3}
COMPLETED, FAILED, REJECTED = 1, 2, 3
OTHER_CONTENT = 10
DONE, REFUSED = 1, 2


def is_date(number):
    year, month, day = number // 10000, number // 100 % 100, number % 100
    if number == 0:
        return True
    if not 1900 <= year <= 2999 or not 1 <= month <= 12:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def is_well_formed(kind, command):
    """Whether the fields have their forms; else the command is a dead letter."""
    accounts = ("from", "to") if kind == "submit" else ("account",)
    return (len(id_of(kind, command)) == 16
            and all(ACCOUNT_ID.fullmatch(command[name]) for name in accounts)
            and (kind == "close" or re.fullmatch("[A-Z]{3}", command["currency"]) is not None)
            and (kind != "submit" or is_date(command["value_date"])))


def id_of(kind, command):
    return command["payment_id" if kind in ("submit", "debit", "credit") else "command_id"]


def key_of(kind, command):
    return command["payment_id"] if kind == "submit" else command["account"].encode()


def is_reserved(account):
    return account.startswith("suspense:")


def counted(command):
    """Currency and value under which totals count it."""
    currency, minor = command.get("currency", ""), command.get("amount_minor", 0)
    if currency not in CURRENCIES:
        return "XXX", 0
    return currency, minor if 0 < minor <= AMOUNT_MAX else 0


def refusal_of_id(command_id, now):
    """Of an id that isn't known: 0, or the rule it breaks."""
    if command_id[6] >> 4 != 7 or command_id[8] >> 6 != 2:
        return 20
    created = int.from_bytes(command_id[:6], "big")
    if created < now - AGE_MS_MAX:
        return 30
    return 40 if created > now + AHEAD_MS_MAX else 0


def refusal_of_content(kind, command, reference_max=REFERENCE_MAX):
    """0, or the first rule in the list that it breaks."""
    accounts = [command["from"], command["to"]] if kind == "submit" else [command["account"]]
    if any(is_reserved(account) for account in accounts):
        return 50
    if kind == "close":
        return 0
    minor = command["amount_minor"]
    if kind == "submit" and accounts[0] == accounts[1]:
        return 60
    if kind == "open" and minor < 0:
        return 80
    if kind != "open" and minor <= 0:
        return 70
    if minor > AMOUNT_MAX:
        return 90
    if command["currency"] not in CURRENCIES:
        return 100
    if kind == "submit" and len(command["reference"].encode()) > reference_max:
        return 110
    return 0


class Account:
    def __init__(self, currency, opening):
        self.currency, self.opening, self.balance = currency, opening, opening
        self.deposits, self.closed, self.version = 0, False, 1


class Ledger:
    """The accounts of one partition."""

    def __init__(self):
        self.accounts = {}
        self.suspense = {}

    def refusal(self, name, currency=None):
        account = self.accounts.get(name)
        if account is None:
            return 120
        if account.closed:
            return 130
        return 160 if currency is not None and account.currency != currency else 0

    def debit(self, transfer):
        refusal = self.refusal(transfer["from"], transfer["currency"])
        if not refusal and self.accounts[transfer["from"]].balance < transfer["amount_minor"]:
            refusal = 170
        if not refusal:
            self.post(transfer["from"], -transfer["amount_minor"])
        return refusal

    def credit(self, name, currency, minor):
        refusal = self.refusal(name, currency)
        if not refusal and self.accounts[name].balance + minor > BALANCE_MAX:
            refusal = 180
        if not refusal:
            self.post(name, minor)
        return refusal

    def refund(self, transfer):
        """True when its account took it; else it went to suspense."""
        account, minor = self.accounts.get(transfer["from"]), transfer["amount_minor"]
        if (account is not None and account.currency == transfer["currency"]
                and account.balance + minor <= BALANCE_MAX):
            self.post(transfer["from"], minor)
            return True
        kept = self.suspense.setdefault(transfer["currency"], Account(transfer["currency"], 0))
        kept.balance += minor
        return False

    def open(self, command):
        if command["account"] in self.accounts:
            return 150
        self.accounts[command["account"]] = Account(command["currency"], command["amount_minor"])
        return 0

    def deposit(self, command):
        refusal = self.credit(command["account"], command["currency"], command["amount_minor"])
        if not refusal:
            self.accounts[command["account"]].deposits += command["amount_minor"]
        return refusal

    def close(self, command):
        refusal = self.refusal(command["account"])
        if not refusal and self.accounts[command["account"]].balance != 0:
            refusal = 190
        if not refusal:
            self.accounts[command["account"]].closed = True
            self.accounts[command["account"]].version += 1
        return refusal

    def post(self, name, minor):
        self.accounts[name].balance += minor
        self.accounts[name].version += 1
