#!/usr/bin/python3
"""Proves: slotd-calsync unrolls calendars as an independent program does, python3-recurring-ical-events.

usage: oracle.py EXPAND [--seed N] [--random N]

Every tests/corpus/calendar/*.ics is unrolled over 2026 in Europe/Berlin and compared, as merged intervals of civil minutes. Where
the oracle is wrong or has no opinion, a file .expect beside it says what is right, and its first line why. Then random series,
whose rules began years before, so that what is skipped does not shift them.
"""
import argparse
import datetime
import glob
import os
import random
import subprocess
import sys
import tempfile
import warnings
import zoneinfo

warnings.simplefilter("ignore")
import icalendar  # noqa: E402
import recurring_ical_events  # noqa: E402

HOME = "Europe/Berlin"
UTC = datetime.timezone.utc
corpus = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus", "calendar")


def ours(program, path, start, end):
    done = subprocess.run([program, path, HOME, str(start), str(end)], capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines() if done.returncode == 0 else [done.stderr.strip()]


def moment(value, home):
    """In UTC; a date or a floating time is on the psychologist's clock."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=home)
    return value.astimezone(UTC)


def theirs(path, start, end):
    home = zoneinfo.ZoneInfo(HOME)
    with open(path, "rb") as file:
        calendar = icalendar.Calendar.from_ical(file.read())
    spells = []
    for event in recurring_ical_events.of(calendar).between(start - datetime.timedelta(2), end + datetime.timedelta(2)):
        begin, finish = moment(event["DTSTART"].dt, home), moment(event["DTEND"].dt, home)
        if finish > begin:
            spells.append((begin, finish))
    first = moment(start, home)
    last = moment(end, home)
    minutes = set()
    for begin, finish in spells:
        at = max(begin, first).replace(second=0)
        shown = None
        while at < min(finish, last):
            before, shown = shown, at.astimezone(home).replace(tzinfo=None)
            while before and before < shown:  # what the clocks skip, too
                before += datetime.timedelta(minutes=1)
                minutes.add(before)
            minutes.add(shown)
            at += datetime.timedelta(minutes=1)
    merged = []
    for minute in sorted(minutes):
        if not merged or merged[-1][1] != minute:
            merged.append([minute, minute])
        merged[-1][1] = minute + datetime.timedelta(minutes=1)
    return [" ".join(m.strftime("%Y-%m-%dT%H:%M") for m in pair) for pair in merged]


def compare(name, expected, got):
    got_shown = got if expected and expected[-1].startswith("unreadable") else got[:-1]
    if expected == got_shown and got:
        return True
    print(f"{name}: expected, and got:")
    for line in expected:
        print("  ", "-" if line not in got_shown else " ", line)
    for line in got_shown:
        if line not in expected:
            print("   +", line)
    return False


def random_rule(dice):
    start = datetime.datetime(dice.choice([2026, 2025, 2024, 2019, 2003]), dice.randint(1, 12), dice.randint(1, 28),
                              dice.randint(5, 20), dice.choice([0, 15, 50]))
    freq = dice.choice(["DAILY", "DAILY", "WEEKLY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "HOURLY"])
    rule = f"FREQ={freq}"
    if dice.random() < 0.6:
        rule += f";INTERVAL={dice.choice([1, 2, 3, 4, 5, 7]) * (11 if freq == 'HOURLY' else 1)}"
    elif freq == "HOURLY":
        rule += ";INTERVAL=13"
    days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
    own = days[start.weekday()]
    if freq == "WEEKLY" and dice.random() < 0.7:
        rule += ";BYDAY=" + ",".join(sorted({own, *dice.sample(days, dice.randint(0, 3))}, key=days.index))
        if dice.random() < 0.4:
            rule += ";WKST=" + dice.choice(["SU", "MO", "TU", "TH", "SA"])
    elif freq == "MONTHLY":
        nth = (start.day - 1) // 7 + 1
        rule += dice.choice(["", f";BYMONTHDAY={start.day}", f";BYMONTHDAY={start.day},-1", f";BYDAY={nth}{own}"
                             if nth < 5 else f";BYDAY={own}"])
    elif freq == "YEARLY" and dice.random() < 0.5:
        rule += f";BYMONTH={start.month},{dice.randint(1, 12)};BYMONTHDAY={start.day}"
    elif freq == "DAILY" and dice.random() < 0.4:
        rule += f";BYMONTH={start.month},{dice.randint(1, 12)}"
    limit = dice.random()
    if limit < 0.3:
        rule += f";COUNT={dice.choice([3, 20, 200, 700])}"
    elif limit < 0.5 and start.year < 2026:
        rule += f";UNTIL=2026{dice.randint(1, 12):02}{dice.randint(1, 28):02}T{dice.randint(0, 23):02}0000Z"
    return start, rule


def random_calendar(dice):
    start, rule = random_rule(dice)
    zone = dice.choice(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"])
    if zone == "Pacific/Apia" and "UNTIL" in rule:
        zone = "Asia/Tokyo"  # the oracle compares UNTIL with what Apia's offset was in the year of DTSTART
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:r", f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}",
             f"DURATION:PT{dice.choice([10, 50, 240])}M", f"RRULE:{rule}"]
    if dice.random() < 0.3:
        lines.append(f"EXDATE;TZID={zone}:{start:%Y%m%dT%H%M%S}")
    return "\r\n".join(lines + ["END:VEVENT", "END:VCALENDAR", ""])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("expand")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--random", type=int, default=300)
    options = options.parse_args()
    passed = failed = 0
    start, end = datetime.date(2026, 1, 1), datetime.date(2027, 1, 1)
    for path in sorted(glob.glob(os.path.join(corpus, "*.ics"))):
        expectation = path[:-4] + ".expect"
        if os.path.exists(expectation):
            with open(expectation) as file:
                expected = [line for line in file.read().splitlines() if not line.startswith("#")]
        else:
            expected = theirs(path, start, end)
        good = compare(os.path.basename(path), expected, ours(options.expand, path, start, end))
        passed, failed = passed + good, failed + (not good)
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(options.random):
            path = os.path.join(folder, "random.ics")
            text = random_calendar(dice)
            with open(path, "w", newline="") as file:
                file.write(text)
            begin = datetime.date(2026, 1, 1) + datetime.timedelta(dice.randint(0, 300))
            stop = begin + datetime.timedelta(62)
            good = compare(f"random {i} of --seed {options.seed}, {begin} to {stop}", theirs(path, begin, stop),
                           ours(options.expand, path, begin, stop))
            if not good:
                print(text)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
