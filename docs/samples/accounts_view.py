#!/usr/bin/env python3
"""Keeps a table of all accounts in SQLite, from the records of accounts.changes alone.

Usage: … | accounts_view.py FILE      one JSON record on each line of standard input

Records may come again, and old ones after new ones; the version decides. Run it again at any time, from the
topic's beginning or from where it was. At its end it prints how many accounts there are and how many records
changed the table.
"""

import json
import sqlite3
import sys

TABLE = """CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, currency TEXT NOT NULL,
  balance_minor TEXT NOT NULL, version INTEGER NOT NULL, posted_at_ms INTEGER NOT NULL) WITHOUT ROWID"""
TAKE = """INSERT INTO accounts VALUES (:account, :currency, :balance_minor, :version, :posted_at_ms)
  ON CONFLICT (account) DO UPDATE SET currency = excluded.currency, balance_minor = excluded.balance_minor,
    version = excluded.version, posted_at_ms = excluded.posted_at_ms WHERE excluded.version > accounts.version"""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    taken = 0
    with sqlite3.connect(sys.argv[1]) as view:
        view.execute(TABLE)
        for line in sys.stdin:
            if line.strip():
                taken += view.execute(TAKE, json.loads(line)).rowcount
        accounts = view.execute("SELECT count(*) FROM accounts").fetchone()[0]
    print(f"{accounts} accounts, {taken} changes taken")


if __name__ == "__main__":
    main()
