#!/usr/bin/env python3
"""Computes the totals of the demo a second time, knowing the rules and none of our code.

    python3 tests/recompute.py host/sandbox/data/baskets-2017-2w.jsonl.gz
    python3 tests/recompute.py FILE --weekend-double --tier-rates silver:12000,gold:15000 --returns 10

Reads baskets (JSON lines, gzip or plain) in the order of the file and prints one JSON line. All amounts are
integers: fen, points, basis points. The rules, each with the parameter that sets it:

R1  Member. A household is the member with card `H<household>`, from just before its first receipt. Joining gives
    `--register-points` and `--register-vouchers` vouchers; joining is no receipt and no spend.
R2  Spend. A receipt's total is the sum of `amount_fen` of its lines. No voucher is presented and no points are
    redeemed, so all of it is payable.
R3  Points. A receipt with a total above zero grants floor(total * rate / (fen_per_point * 10000)), rounded once.
    `rate` is 10000, or what `--tier-rates` says for the tier the member held before this receipt.
R4  Weekend. With `--weekend-double`, a receipt on a Saturday or Sunday, by its local date, grants
    floor(total / `--weekend-fen-per-point`) again, as a grant of its own and without the tier's rate.
R5  Tiers. `--tiers name:fen:days,...` from low to high. After a receipt, the member reaches every tier whose fen
    are not above the spend of the last `days` local days: the receipt's own day and the days-1 before it, this
    receipt included, returned receipts not (0 days = all time). The highest reached tier is set if it is above
    the present one; setting it counts as one tier-up, however many steps it skips. A tier never falls.
R6  Returns. With `--returns N`, every N-th receipt of the file (counted from 1, zero totals too) comes back in
    full right after its own sale, on the same day: all points of R3 and R4 are taken back and its spend is
    uncounted. Vouchers are untouched, as receipts issue none. `--tier-on-return keep` leaves the tier,
    `undo` sets it back to what it was before that sale if that sale had raised it; the tier-up stays counted.
R7  Nothing expires, nothing is capped, nothing else grants.

Keys of the answer: `receipts`, `returns`, `members`; `points_registration`, `points_receipts` (R3),
`points_weekend` (R4) and their sum `points_earned`; `points_returned` (what R6 took, as a positive number);
`points_balance` = earned - returned; `spend_fen` after returns; `vouchers`, `tier_ups`; `tiers` (members by tier at
the end, "" = none); `members_sha256`: SHA-256 of one line `card,points_balance,spend_fen,tier` and a line feed for
each member, in UTF-8, the lines sorted as bytes. `--list FILE` writes those lines, to find where two sides differ.

The functions carry their own examples: `python3 -m doctest tests/recompute.py`.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import sys

RATE_ONE = 10_000
SATURDAY, SUNDAY = 5, 6
GZIP_MAGIC = b"\x1f\x8b"


class Member:
    """What is known of one household."""

    def __init__(self):
        self.points = 0
        self.spend = 0
        self.spend_by_day = {}
        self.tier = -1  # place in the list of tiers; -1 = none

    def count_spend(self, day, fen):
        """Adds to the spend of a day; a return adds below zero."""
        self.spend += fen
        self.spend_by_day[day] = self.spend_by_day.get(day, 0) + fen

    def spend_within(self, today, days):
        """R5: the spend of the last `days` days, today included; 0 = all time.

        >>> m = Member()
        >>> for day, fen in [(10, 100), (11, 20), (12, 3)]: m.count_spend(day, fen)
        >>> m.spend_within(12, 2), m.spend_within(12, 3), m.spend_within(12, 0), m.spend_within(11, 1)
        (23, 123, 123, 20)
        """
        if days == 0:
            return self.spend
        return sum(fen for day, fen in self.spend_by_day.items() if today - days < day <= today)


def total_of(basket):
    """R2.

    >>> total_of({"lines": [{"amount_fen": 250}, {"amount_fen": 0}]})
    250
    """
    return sum(line["amount_fen"] for line in basket["lines"])


def points_for(total, fen_per_point, rate):
    """R3.

    >>> [points_for(total, 100, 10_000) for total in (-500, 0, 99, 100, 12_345)]
    [0, 0, 0, 1, 123]
    >>> points_for(12_345, 100, 15_000), points_for(99, 100, 10_200), points_for(12_345, 0, 10_000)
    (185, 1, 0)
    """
    if total <= 0 or fen_per_point == 0:
        return 0
    return total * rate // (fen_per_point * RATE_ONE)


def weekend_points(total, day, rules):
    """R4: 2017-01-07 was a Saturday.

    >>> rules = argparse.Namespace(weekend_double=True, weekend_fen_per_point=100)
    >>> [weekend_points(250, datetime.date(2017, 1, day).toordinal(), rules) for day in (6, 7, 8, 9)]
    [0, 2, 2, 0]
    """
    weekday = datetime.date.fromordinal(day).weekday()
    if not rules.weekend_double or weekday not in (SATURDAY, SUNDAY):
        return 0
    return points_for(total, rules.weekend_fen_per_point, RATE_ONE)


def reached_tier(member, day, tiers):
    """R5: the place of the highest tier the spend reaches, -1 for none.

    >>> m = Member()
    >>> m.count_spend(1, 500)
    >>> tiers = [("silver", 500, 365), ("gold", 501, 365)]
    >>> reached_tier(m, 1, tiers), reached_tier(m, 365, tiers), reached_tier(m, 366, tiers)
    (0, 0, -1)
    """
    reached = [place for place, (_, fen, days) in enumerate(tiers) if member.spend_within(day, days) >= fen]
    return max(reached, default=-1)


def new_totals():
    """Everything that is added up, at zero."""
    counted = ("receipts", "returns", "members", "points_registration", "points_receipts", "points_weekend")
    return dict.fromkeys(counted + ("points_returned", "vouchers", "tier_ups"), 0)


def join(members, card, totals, rules):
    """R1: the member with this card, registered if new."""
    if card not in members:
        members[card] = Member()
        members[card].points = rules.register_points
        totals["members"] += 1
        totals["points_registration"] += rules.register_points
        totals["vouchers"] += rules.register_vouchers
    return members[card]


def sell(member, basket, day, totals, rules):
    """R2 to R5: one receipt; answers what it granted."""
    total = total_of(basket)
    tier_name = rules.tiers[member.tier][0] if member.tier >= 0 else ""
    base = points_for(total, rules.fen_per_point, rules.tier_rates.get(tier_name, RATE_ONE))
    weekend = weekend_points(total, day, rules)
    member.points += base + weekend
    member.count_spend(day, total)
    totals["receipts"] += 1
    totals["points_receipts"] += base
    totals["points_weekend"] += weekend
    reached = reached_tier(member, day, rules.tiers)
    if reached > member.tier:
        member.tier = reached
        totals["tier_ups"] += 1
    return base + weekend


def give_back(member, basket, day, granted, tier_before, totals, rules):
    """R6: the whole receipt comes back."""
    member.points -= granted
    member.count_spend(day, -total_of(basket))
    totals["returns"] += 1
    totals["points_returned"] += granted
    if rules.tier_on_return == "undo":
        member.tier = tier_before


def recompute(baskets, rules):
    """All members and all totals after the last basket."""
    members, totals = {}, new_totals()
    for place, basket in enumerate(baskets, start=1):
        day = datetime.date.fromisoformat(basket["at"][:10]).toordinal()
        member = join(members, "H" + basket["household"], totals, rules)
        tier_before = member.tier
        granted = sell(member, basket, day, totals, rules)
        if rules.returns and place % rules.returns == 0:
            give_back(member, basket, day, granted, tier_before, totals, rules)
    return members, totals


def member_lines(members, tiers):
    """One sorted line for each member.

    >>> m = Member()
    >>> m.points, m.spend, m.tier = 31, 140, 0
    >>> member_lines({"H9": Member(), "H10": m}, [("silver", 1, 0)])
    ['H10,31,140,silver', 'H9,0,0,']
    """
    names = [name for name, _, _ in tiers] + [""]  # -1 is the last one
    lines = (f"{card},{m.points},{m.spend},{names[m.tier]}" for card, m in members.items())
    return sorted(lines, key=lambda line: line.encode())


def report(members, totals, lines, tiers):
    """The answer, with its sums."""
    names = [""] + [name for name, _, _ in tiers]
    by_tier = dict.fromkeys(names, 0)
    for member in members.values():
        by_tier[names[member.tier + 1]] += 1
    earned = sum(totals["points_" + part] for part in ("registration", "receipts", "weekend"))
    text = "".join(line + "\n" for line in lines)
    return totals | {
        "points_earned": earned,
        "points_balance": sum(m.points for m in members.values()),
        "spend_fen": sum(m.spend for m in members.values()),
        "tiers": by_tier,
        "members_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def read_baskets(path):
    """The baskets of a file, gzip or plain."""
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    with (gzip.open if packed else open)(path, "rb") as lines:
        yield from map(json.loads, lines)


def parse_tiers(text):
    """
    >>> parse_tiers("silver:50000:365,gold:200000:0"), parse_tiers("")
    ([('silver', 50000, 365), ('gold', 200000, 0)], [])
    """
    parts = (tier.split(":") for tier in text.split(",") if tier)
    return [(name, int(fen), int(days)) for name, fen, days in parts]


def parse_rates(text):
    """
    >>> parse_rates("silver:12000,gold:15000")
    {'silver': 12000, 'gold': 15000}
    """
    return {name: int(rate) for name, rate in (tier.split(":") for tier in text.split(",") if tier)}


def arguments(argv):
    """The rules of a run; every number stands here and nowhere else."""
    parser = argparse.ArgumentParser(description="Computes the totals of the demo a second time.")
    parser.add_argument("baskets", help="JSON lines of baskets, gzip or plain")
    parser.add_argument("--fen-per-point", type=int, default=100, help="R3 (default 100; 0 = no points)")
    parser.add_argument("--weekend-double", action="store_true", help="R4 (default off)")
    parser.add_argument("--weekend-fen-per-point", type=int, default=100, help="R4 (default 100)")
    parser.add_argument("--register-points", type=int, default=30, help="R1 (default 30)")
    parser.add_argument("--register-vouchers", type=int, default=1, help="R1 (default 1, the one of 15 yuan)")
    tiers = "silver:50000:365,gold:200000:365"
    parser.add_argument("--tiers", type=parse_tiers, default=tiers, help=f"R5 (default {tiers}; empty = none)")
    parser.add_argument("--tier-rates", type=parse_rates, default="", help="R3, name:basis points (default none)")
    parser.add_argument("--returns", type=int, default=0, metavar="N", help="R6 (default 0 = nothing comes back)")
    parser.add_argument("--tier-on-return", choices=("keep", "undo"), default="keep", help="R6 (default keep)")
    parser.add_argument("--list", metavar="FILE", help="also write the members' lines")
    return parser.parse_args(argv)


def main(argv):
    rules = arguments(argv)
    members, totals = recompute(read_baskets(rules.baskets), rules)
    lines = member_lines(members, rules.tiers)
    if rules.list:
        with open(rules.list, "w", encoding="utf-8", newline="\n") as out:
            out.writelines(line + "\n" for line in lines)
    print(json.dumps(report(members, totals, lines, rules.tiers)))


if __name__ == "__main__":
    main(sys.argv[1:])
