#!/usr/bin/python3
"""Proves: what is put into a calendar blocks the slots it overlaps, and only as long as it is there; through real servers (nginx,
xandikos, radicale) and through one that does everything wrong. And that nothing secret is said.

usage: sync.py --bin DIR [NAME]...        DIR has slotd and slotd-calsync; NAME as Files.test_series
"""
import argparse
import base64
import contextlib
import datetime
import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import zoneinfo

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

DAY = datetime.timedelta(1)
FIRST = datetime.date.today() + 2 * DAY  # the next day may begin while we run
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//slotd//test//EN\r\n"
options = None


def event(uid, start, minutes, *more):
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"DTSTART;TZID=Europe/Berlin:{start}",
                        f"DURATION:PT{minutes}M", "SUMMARY:A visit of Ms Example", *more, "END:VEVENT", ""])


def calendar(*events):
    return HEAD + "".join(events) + "END:VCALENDAR\r\n"


def at(day, time):
    return f"{day:%Y%m%d}T{time}00"


class Case(unittest.TestCase):
    """A slotd of its own, with slots at 09:00, 10:00, 11:00 of five days a week apart."""

    slotd_options = ()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="slotd-calendar-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.slotd = self.start(peers.slotd, options.bin, "--timezone", "Europe/Berlin", *self.slotd_options)
        self.redis = redis.Redis(port=self.slotd.port, decode_responses=True)
        self.addCleanup(self.redis.close)
        self.wait_until_loaded()
        self.days = [FIRST + i * 7 * DAY for i in range(5)]
        for day in self.days:
            self.ask("OPEN", "dr-lee", day, "09:00", 50, "COUNT", 3, "EVERY", 60)

    def wait_until_loaded(self):
        while True:
            try:
                return self.redis.ping()
            except redis.BusyLoadingError:
                try:  # its end, or a moment
                    self.slotd.child.wait(0.01)
                    self.fail("slotd ended")
                except subprocess.TimeoutExpired:
                    pass

    def start(self, kind, *more):
        peer = kind(self.folder, *more)
        self.addCleanup(peer.stop)
        return peer

    def ask(self, *words):
        return self.redis.execute_command(*(str(word) for word in words))

    def blocked(self, psychologist="dr-lee"):
        slots = self.ask("SLOTS", psychologist, self.days[0], self.days[-1], "ALL")
        return [f"{date} {time}" for date, time, _, status in slots if status == "blocked"]

    def run_once(self, *words, status=0, seconds=120):
        done = subprocess.run([os.path.join(options.bin, "slotd-calsync"), "--server", f"127.0.0.1:{self.slotd.port}",
                               "--once", *words], capture_output=True, text=True, timeout=seconds,
                              env={**os.environ, "no_proxy": "*"})
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        self.said = done.stderr
        return done

    def assertBlocked(self, *expected):
        self.assertEqual(self.blocked(), [f"{self.days[i]} {time}" for i, time in expected], self.said)

    def follow_series(self, sync, put, delete):
        """The steps of an appointment and of a series, whatever server the calendar is on."""
        put("visit", calendar(event("visit", at(self.days[0], "0930"), 60)))
        sync()
        self.assertBlocked((0, "09:00"), (0, "10:00"))
        delete("visit")
        sync()
        self.assertBlocked()
        series = event("series", at(self.days[0], "1100"), 50, "RRULE:FREQ=WEEKLY;COUNT=5")
        put("series", calendar(series))
        sync()
        self.assertBlocked(*((i, "11:00") for i in range(5)))
        moved = event("series", at(self.days[2], "0900"), 50, f"RECURRENCE-ID;TZID=Europe/Berlin:{at(self.days[2], '1100')}")
        put("series", calendar(series, moved))
        sync()
        self.assertBlocked((0, "11:00"), (1, "11:00"), (2, "09:00"), (3, "11:00"), (4, "11:00"))
        delete("series")
        sync()
        self.assertBlocked()


class Files(Case):
    """A calendar that is a file."""

    def setUp(self):
        super().setUp()
        self.nginx = self.start(peers.nginx)
        self.file = os.path.join(self.folder, "www", "private-5d1f.ics")
        self.url = f"http://127.0.0.1:{self.nginx.port}/private-5d1f.ics"
        self.seen = 0

    def write(self, text, file=None):
        with open(file or self.file, "w", newline="") as stream:
            stream.write(text)

    def sync(self, *more, status=0):
        return self.run_once("--allow-http", "--calendar", f"dr-lee={self.url}", "--state",
                             os.path.join(self.folder, "state"), *more, status=status)

    def statuses(self):
        """What nginx has answered since the last time."""
        with open(os.path.join(self.folder, "access.log")) as log:
            lines = log.read().splitlines()
        new = lines[self.seen:]
        self.seen = len(lines)
        return [line.split('"')[2].split()[0] for line in new]

    def test_appointments_and_series(self):
        events = {}

        def write():
            self.write(HEAD + "".join(text[len(HEAD):-len("END:VCALENDAR\r\n")] for text in events.values()) +
                       "END:VCALENDAR\r\n")

        def sync():
            self.sync()
            self.assertEqual(self.statuses(), ["200"])
            self.sync()
            self.assertEqual(self.statuses(), ["304"])
            self.assertIn("unchanged=1", self.said)

        self.follow_series(sync, lambda name, text: (events.update({name: text}), write()),
                           lambda name: (events.pop(name), write()))

    def test_a_calendar_that_is_gone_keeps_its_blocks_and_is_not_fresh(self):
        self.write(calendar(event("visit", at(self.days[0], "0930"), 60)))
        self.sync()
        os.remove(self.file)
        self.sync(status=1)
        self.assertIn('reason="HTTP status 404"', self.said)
        self.assertBlocked((0, "09:00"), (0, "10:00"))

    def test_conflicts_are_told(self):
        session = self.ask("BOOK", "dr-lee", self.days[1], "10:00", "client-secret")
        self.write(calendar(event("visit", at(self.days[1], "0930"), 60)))
        self.sync()
        self.assertIn(f'conflicts=1 slots="{self.days[1]}T10:00"', self.said)
        self.assertNotIn("client", self.said)
        self.assertEqual(self.ask("SESSION", session)[13], "booked")

    def test_several_calendars_are_one_set(self):
        other = os.path.join(self.folder, "www", "other.ics")
        self.write(calendar(event("a", at(self.days[0], "0900"), 50)))
        self.write(calendar(event("b", at(self.days[0], "1100"), 50)), other)
        both = ("--calendar", f"dr-lee=http://127.0.0.1:{self.nginx.port}/other.ics")
        self.sync(*both)
        self.assertBlocked((0, "09:00"), (0, "11:00"))
        # One fails: its last good copy counts; without one nothing is sent, so nothing opens by mistake.
        os.remove(other)
        self.write(calendar(event("another", at(self.days[0], "1000"), 50)))  # nginx tells by size and second
        self.sync(*both, status=1)
        self.assertBlocked((0, "10:00"), (0, "11:00"))
        shutil.rmtree(os.path.join(self.folder, "state"))
        self.write(calendar())
        self.sync(*both, status=1)
        self.assertBlocked((0, "10:00"), (0, "11:00"))

    def test_zones(self):
        self.write(HEAD + "BEGIN:VEVENT\r\nUID:f\r\nDTSTART:" + at(self.days[0], "0930") +
                   "\r\nDURATION:PT10M\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
        self.sync("--show")
        self.sync()
        self.assertBlocked((0, "09:00"))
        shown = self.sync("--show").stdout
        self.assertEqual(shown, f"dr-lee {self.days[0]}T09:30 {self.days[0]}T09:40\n")
        self.write(calendar(event("b", at(self.days[0], "1000"), 30)))
        shown = self.sync("--show", "--zone", "dr-lee=America/New_York").stdout
        self.assertRegex(shown, rf"^dr-lee {self.days[0]}T0[3456]:00 ")
        self.sync("--zone", "dr-lee=Nowhere/Land", status=1)
        self.assertIn("no time zone Nowhere/Land", self.said)

    def test_the_horizon_is_in_days(self):
        """Today, so many, and the one that becomes the last of them at midnight."""
        self.write(calendar(event("daily", at(datetime.date.today() - 9 * DAY, "1200"), 30, "RRULE:FREQ=DAILY")))
        before = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).date()
        shown = self.sync("--show", "--zone", "dr-lee=Europe/Berlin", "--horizon", "7d").stdout.splitlines()
        today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).date()
        self.assertIn(shown, [[f"dr-lee {day + i * DAY}T12:00 {day + i * DAY}T12:30" for i in range(9)]
                              for day in (before, today)])

    def test_the_zone_of_hours(self):
        try:
            self.ask("HOURS", "SET", "dr-kim", "America/New_York", 50, 10, "mon", "09:00-10:00")
        except redis.ResponseError as error:
            self.assertIn("unknown command", str(error))
            print("\nSKIPPED: this slotd has no HOURS")
            return
        self.write(calendar(event("visit", at(self.days[0], "1500"), 60)))
        self.run_once("--allow-http", "--calendar", f"dr-kim={self.url}")
        day = self.days[0]
        self.ask("OPEN", "dr-kim", day, "03:00", 50, "COUNT", 10, "EVERY", 60)
        blocked = [time for _, time, _, status in self.ask("SLOTS", "dr-kim", day, day, "ALL") if status == "blocked"]
        berlin, new_york = (datetime.datetime(day.year, day.month, day.day, 15, tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset()
                            for zone in ("Europe/Berlin", "America/New_York"))
        hours = (berlin - new_york).seconds // 3600
        self.assertEqual(blocked, [f"{15 - hours:02}:00"])

    def test_what_is_more_than_one_command_holds_comes_in_several(self):
        minutes = [event(f"m{i}", at(self.days[0] + DAY * (1 + i // 450), f"{i % 450 // 30 + 4:02}{i % 30 * 2:02}"), 1)
                   for i in range(1300)]
        self.write(calendar(*minutes, event("visit", at(self.days[4], "0930"), 60)))
        self.sync()
        self.assertBlocked((4, "09:00"), (4, "10:00"))
        sources = self.ask("BUSY", "dr-lee")[1]
        self.assertEqual(sources[0][7], 1301)
        self.write(calendar())
        self.sync()
        self.assertBlocked()
        self.assertEqual(self.ask("BUSY", "dr-lee")[1][0][7], 0)

    def test_a_clock_that_was_set_back_silences_nobody(self):
        self.ask("BUSY", "dr-lee", "calsync", 10**15, f"{self.days[0]}T00:00", f"{self.days[1]}T00:00",
                 f"{self.days[0]}T09:00", f"{self.days[0]}T10:00")
        self.write(calendar(event("visit", at(self.days[0], "1000"), 50)))
        self.sync()
        self.assertBlocked((0, "10:00"))

    def test_it_runs_on_and_stops_when_told(self):
        self.write(calendar(event("visit", at(self.days[0], "0930"), 60)))
        child = subprocess.Popen([os.path.join(options.bin, "slotd-calsync"), "--server", f"127.0.0.1:{self.slotd.port}",
                                  "--every", "1s", "--allow-http", "--calendar", f"dr-lee={self.url}"],
                                 stderr=subprocess.PIPE, text=True, env={**os.environ, "no_proxy": "*"})
        self.addCleanup(child.kill)  # nothing, once it has been waited for
        self.said = child.stderr.readline()
        self.assertBlocked((0, "09:00"), (0, "10:00"))
        with open(f"/proc/{child.pid}/cmdline") as words:
            self.assertNotIn("private-5d1f", words.read())
        while "unchanged=1" not in self.said:
            self.said = child.stderr.readline()
        self.assertIn("304", self.statuses())
        self.write(calendar())
        while "unchanged=0" not in self.said:
            self.said = child.stderr.readline()
        self.assertBlocked()
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(60), 0)
        child.stderr.close()

    def test_calendars_of_the_server(self):
        done = self.run_once()
        if "keeps none (CALENDAR)" not in done.stderr:
            self.write(calendar(event("visit", at(self.days[0], "0930"), 60)))
            self.ask("CALENDAR", "SET", "dr-lee", self.url)
            self.run_once("--allow-http")
            self.assertBlocked((0, "09:00"), (0, "10:00"))
            self.run_once(status=1)
            self.assertIn("needs allow-http", self.said)

    @contextlib.contextmanager
    def races(self):
        """Thirty clients race for one slot, again and again, meanwhile; each race has one winner, or slotd-bench fails."""
        over, failed, rounds = threading.Event(), [], []

        def run():
            while not over.is_set():
                done = subprocess.run([os.path.join(options.bin, "slotd-bench"), "race", "--levels", "30", "--rounds", "10",
                                       "--no-background", "--timeout", "60", "--server", f"127.0.0.1:{self.slotd.port}"],
                                      capture_output=True, text=True, timeout=280)
                rounds.append(10)
                failed.extend([done.stderr] if done.returncode != 0 else [])

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield rounds
        finally:
            over.set()
            thread.join()
        self.assertEqual(failed, [])

    def test_many_calendars_in_one_run(self):
        """And among them some that end none of the others' run, while bookings race."""
        words, dates = [], []
        for i in range(options.calendars):
            day = self.days[i % 5]
            self.ask("OPEN", f"dr-{i}", day, "09:00", 50)
            dates.append(day)
            name = f"many-{i}.ics"
            series = [event(f"s{j}", at(day - 364 * DAY, f"{j // 10 % 9 + 10:02}{j % 10 * 5:02}"), 5, "RRULE:FREQ=WEEKLY")
                      for j in range(199)]
            if i % 50 == 49:
                series.append("BEGIN:VEVENT\r\nDTSTART:19960101T000000Z\r\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\r\n"
                              "END:VEVENT\r\n")
            self.write(calendar(event("visit", at(day, "0930"), 10), *series), os.path.join(self.folder, "www", name))
            words += [f"calendar dr-{i} http://127.0.0.1:{self.nginx.port}/{name}\n"]
        config = os.path.join(self.folder, "calendars")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.writelines(["# all of them\n", "allow-http yes\n", "max-seconds 240\n", *words])
        with self.races() as rounds:
            done = self.run_once("--config", config, status=1 if options.calendars >= 50 else 0, seconds=280)
        summary = done.stderr.splitlines()[-1]
        self.assertIn(f"calendars={options.calendars} fresh={options.calendars} unchanged=0 failed=0 "
                      f"psychologists_told={options.calendars}", summary)
        self.assertIn(f" blocked={options.calendars} ", summary)
        self.assertEqual(done.stderr.count("events_cut=1"), options.calendars // 50)
        print(f"{options.calendars} calendars of 200 events: {re.search(r'seconds=[0-9.]+', summary)[0]}, {sum(rounds)} races beside")


class Xandikos(Case):
    def setUp(self):
        super().setUp()
        self.peer = self.start(peers.xandikos)
        self.path = f"127.0.0.1:{self.peer.port}/user/calendars/calendar/"

    def curl(self, *words, text=None):
        subprocess.run(["curl", "-sSf", "--noproxy", "*", *words], check=True, text=True, input=text, capture_output=True)

    def put(self, name, text):
        self.curl("-X", "PUT", "-H", "Content-Type: text/calendar", "--data-binary", "@-", f"http://{self.path}{name}.ics",
                  text=text)

    def delete(self, name):
        self.curl("-X", "DELETE", f"http://{self.path}{name}.ics")

    def sync(self, *more, status=0):
        self.run_once("--allow-http", "--calendar", f"dr-lee=caldav+http://{self.path}", "--state",
                      os.path.join(self.folder, "state"), *more, status=status)

    def test_appointments_and_series(self):
        self.follow_series(self.sync, self.put, self.delete)
        self.sync()
        self.assertIn("unchanged=1", self.said)

    def test_without_state_it_reads_all(self):
        for i in range(60):
            self.put(f"e{i}", calendar(event(f"e{i}", at(self.days[i % 5], "0930"), 60)))
        self.run_once("--allow-http", "--calendar", f"dr-lee=http://{self.path}#caldav")
        self.assertBlocked(*((i, time) for i in range(5) for time in ("09:00", "10:00")))

    def test_a_token_that_is_unknown_there_starts_anew(self):
        self.put("visit", calendar(event("visit", at(self.days[0], "0930"), 60)))
        self.sync()
        self.peer.stop()
        shutil.rmtree(os.path.join(self.folder, "dav"))
        self.peer.port = 0
        again = self.start(peers.xandikos)
        self.path = f"127.0.0.1:{again.port}/user/calendars/calendar/"
        # The same calendar for us: the state is kept by url, so it is carried over by hand.
        state = os.path.join(self.folder, "state")
        old = os.path.join(state, os.listdir(state)[0])
        self.put("other", calendar(event("other", at(self.days[1], "1100"), 50)))
        self.sync()
        new = next(os.path.join(state, name) for name in os.listdir(state) if os.path.join(state, name) != old)
        os.replace(old, new)
        self.sync()
        self.assertBlocked((1, "11:00"))


class Radicale(Case):
    def setUp(self):
        super().setUp()
        self.peer = self.start(peers.radicale)
        self.path = f"127.0.0.1:{self.peer.port}/ada/work/"
        self.password = os.path.join(self.folder, "password")
        with open(os.open(self.password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("ada:secret-word\n")
        self.curl("-X", "MKCALENDAR", f"http://{self.path}")

    def curl(self, *words, text=None):
        subprocess.run(["curl", "-sSf", "--noproxy", "*", "-u", "ada:secret-word", *words], check=True, text=True, input=text,
                       capture_output=True)

    def put(self, name, text):
        self.curl("-X", "PUT", "-H", "Content-Type: text/calendar", "--data-binary", "@-", f"http://{self.path}{name}.ics",
                  text=text)

    def delete(self, name):
        self.curl("-X", "DELETE", f"http://{self.path}{name}.ics")

    def test_appointments_and_series(self):
        def sync():
            self.run_once("--allow-http", "--calendar", f"dr-lee=caldav+http://{self.path}", "--state",
                          os.path.join(self.folder, "state"), "--password-file", f"dr-lee={self.password}")
            self.assertNotIn("secret-word", self.said)

        self.follow_series(sync, self.put, self.delete)
        sync()
        self.assertIn("unchanged=1", self.said)

    def test_as_one_file_that_has_no_304(self):
        """Radicale answers 200 with the same body: that is no change either."""
        netrc = os.path.join(self.folder, "netrc")
        with open(os.open(netrc, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("machine 127.0.0.1 login ada password secret-word\n")

        def sync():
            self.run_once("--allow-http", "--calendar", f"dr-lee=http://{self.path}", "--netrc-file", netrc, "--state",
                          os.path.join(self.folder, "state"))

        self.put("visit", calendar(event("visit", at(self.days[0], "0930"), 60)))
        sync()
        self.assertBlocked((0, "09:00"), (0, "10:00"))
        sync()
        self.assertIn("unchanged=1", self.said)

    def test_without_a_password_it_is_not_fresh(self):
        self.run_once("--allow-http", "--calendar", f"dr-lee=caldav+http://{self.path}", status=1)
        self.assertIn("HTTP status 401", self.said)


class Wrong(Case):
    """A server that does everything wrong, and what is said about it."""

    good = None

    def setUp(self):
        super().setUp()
        self.good = calendar(event("visit", at(self.days[0], "0930"), 60)).encode()
        self.hostile = self.start(lambda _: peers.Hostile())
        self.url = f"http://127.0.0.1:{self.hostile.port}/secret-path"
        self.state = os.path.join(self.folder, "state")

    def answer_with(self, answer):
        self.hostile.paths["/secret-path"] = answer

    def sync(self, *more, status=0, url=None):
        self.run_once("--allow-http", "--state", self.state, "--calendar", f"dr-lee={url or self.url}", *more, status=status)
        self.assertNotIn("secret-path", self.said)

    def check(self, answer, reason, *more, url=None):
        """It is not fresh, for this reason; what was known before stays."""
        self.answer_with(lambda http: http.answer(200, self.good))
        self.sync()
        self.answer_with(answer)
        self.sync(*more, status=1, url=url)
        self.assertIn(reason, self.said)
        self.assertBlocked((0, "09:00"), (0, "10:00"))

    def test_html(self):
        self.check(lambda http: http.answer(200, b"<html><body>Please log in</body></html>"), "is no calendar")

    def test_nothing(self):
        self.check(lambda http: http.answer(200, b""), "is no calendar")

    def test_half_a_body(self):
        def half(http):
            http.send_response(200)
            http.send_header("Content-Length", str(len(self.good)))
            http.end_headers()
            http.wfile.write(self.good[:200])
            http.close_connection = True

        self.check(half, "half an answer", "--max-seconds", "20")

    def test_half_a_calendar(self):
        self.check(lambda http: http.answer(200, self.good[:-len("END:VCALENDAR\r\n")]), "is half a calendar")

    def test_a_server_that_is_slow(self):
        def drip(http):
            http.send_response(200)
            http.send_header("Content-Length", "1000000")
            http.end_headers()
            for byte in self.good:
                http.wfile.write(bytes([byte]))
                http.wfile.flush()
                self.stop.wait(0.2)

        self.stop = threading.Event()
        self.addCleanup(self.stop.set)
        self.check(drip, "took longer than 2 s (max-seconds)", "--max-seconds", "2")

    def test_it_stops_in_the_middle_when_told(self):
        """Nothing is told then, and nobody is waited for."""
        asked, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def hang(http):
            asked.set()
            over.wait(120)

        self.answer_with(lambda http: http.answer(200, self.good))
        self.sync()
        self.answer_with(hang)
        child = subprocess.Popen([os.path.join(options.bin, "slotd-calsync"), "--server", f"127.0.0.1:{self.slotd.port}",
                                  "--once", "--allow-http", "--max-seconds", "3600", "--calendar", f"dr-lee={self.url}"],
                                 stderr=subprocess.PIPE, text=True, env={**os.environ, "no_proxy": "*"})
        self.addCleanup(child.kill)
        self.assertTrue(asked.wait(60))
        child.send_signal(signal.SIGTERM)
        self.said = child.communicate(timeout=60)[1]
        self.assertEqual(child.returncode, 1, self.said)
        self.assertIn("stopped before the server was told", self.said)
        self.assertBlocked((0, "09:00"), (0, "10:00"))

    def test_redirects(self):
        def loop(http):
            http.answer(302, Location="/secret-path")

        self.check(loop, "more than 5 redirects (max-redirects)")
        self.check(lambda http: http.answer(302, Location="file:///etc/passwd"), "redirected to what is not https")
        self.hostile.paths["/moved"] = lambda http: http.answer(200, calendar().encode())
        self.answer_with(lambda http: http.answer(301, Location="/moved"))
        self.sync()
        self.assertBlocked()

    def test_what_is_too_large(self):
        large = HEAD.encode() + b"X-COMMENT:" + b"a" * (20 << 20) + b"\r\nEND:VCALENDAR\r\n"
        self.check(lambda http: http.answer(200, large), "bytes (max-bytes)")
        # 20 MB that came as 20 KB.
        self.check(lambda http: http.answer(200, gzip.compress(large), Content_Encoding="gzip"), "bytes (max-bytes)")
        self.answer_with(lambda http: http.answer(200, gzip.compress(large), Content_Encoding="gzip"))
        self.sync("--max-bytes", "32mb")
        self.assertBlocked()

    def test_a_moment_of_trouble(self):
        """503, with a Retry-After that fits into the run: it asks again."""
        self.count = 0

        def sometimes(http):
            self.count += 1
            http.answer(200, self.good) if self.count > 1 else http.answer(503, Retry_After="1")

        self.answer_with(sometimes)
        self.sync()
        self.assertBlocked((0, "09:00"), (0, "10:00"))
        self.assertEqual(self.count, 2)

    def test_too_many_requests(self):
        """429, with a Retry-After that does not: the next run does not even ask."""
        self.check(lambda http: http.answer(429, Retry_After="3600"), "HTTP status 429")
        asked = len(self.hostile.asked)
        self.sync(status=1)
        self.assertRegex(self.said, r"waits 3\d\d\d s before it asks again")
        self.assertEqual(len(self.hostile.asked), asked)

    def test_certificates(self):
        good = peers.certificate(self.folder, "good", "20200101000000Z", "20991231000000Z")
        over = peers.certificate(self.folder, "over", "20200101000000Z", "20200201000000Z")
        for name, trusted, status in ((good, good, 0), (over, over, 1), (good, over, 1)):
            secure = self.start(lambda _: peers.Hostile(name))
            secure.paths["/secret-path"] = lambda http: http.answer(200, self.good)
            self.run_once("--calendar", f"dr-lee=https://127.0.0.1:{secure.port}/secret-path", "--ca-file", trusted + ".pem",
                          status=status)
            self.assertEqual("certificate" in self.said, status == 1, self.said)
            self.assertBlocked((0, "09:00"), (0, "10:00"))

    def test_https_is_not_left(self):
        good = peers.certificate(self.folder, "good", "20200101000000Z", "20991231000000Z")
        secure = self.start(lambda _: peers.Hostile(good))
        secure.paths["/secret-path"] = lambda http: http.answer(302, Location=self.url)
        self.answer_with(lambda http: http.answer(200, self.good))
        self.run_once("--calendar", f"dr-lee=https://127.0.0.1:{secure.port}/secret-path", "--ca-file", good + ".pem", status=1)
        self.assertIn("redirected to what is not https", self.said)
        self.assertEqual(self.hostile.asked, [])

    def test_a_password_goes_to_its_host_only(self):
        other = self.start(lambda _: peers.Hostile())
        other.paths["/"] = lambda http: http.answer(200, self.good)
        self.answer_with(lambda http: http.answer(302, Location=f"http://localhost:{other.port}/")
                         if "Authorization" in http.headers else http.answer(401, WWW_Authenticate='Basic realm="x"'))
        config = os.path.join(self.folder, "config")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"calendar dr-lee http://ada:secret-word@127.0.0.1:{self.hostile.port}/secret-path\nallow-http yes\n")
        self.run_once("--config", config)
        self.assertNotIn("secret", self.said)
        self.assertIn(base64.b64encode(b"ada:secret-word").decode(), str(self.hostile.asked))
        self.assertNotIn("Authorization", str(other.asked))

    def test_a_caldav_server_without_sync(self):
        """Refused, it asks for the window (calendar-query), and so each time."""
        def report(http):
            if b"calendar-query" not in http.sent:
                http.answer(403, b"<error/>")
                return
            http.answer(207, b'<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
                        b"<response><href>/secret-path/a.ics</href><propstat><prop><getetag>1</getetag><C:calendar-data>" +
                        self.good + b"</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
                        b"</multistatus>")

        self.answer_with(report)
        for _ in range(2):
            self.sync(url=f"http://127.0.0.1:{self.hostile.port}/secret-path#caldav")
            self.assertBlocked((0, "09:00"), (0, "10:00"))
        self.assertIn("unchanged=1", self.said)

    def test_xml_that_is_hostile(self):
        url = f"http://127.0.0.1:{self.hostile.port}/secret-path#caldav"
        laughs = (b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 +
                  b'">]><m>&b;</m>')
        for body, reason in ((laughs, "XML of a kind that is refused"), (b"<a>" * 1000, "XML of a kind that is refused"),
                             (b"BEGIN:VCALENDAR", "no XML")):
            self.answer_with(lambda http: http.answer(207, body))
            self.sync(status=1, url=url)
            self.assertIn(reason, self.said)


class Words(Case):
    """The command line and the file."""

    def refused(self, *words, status=2):
        done = subprocess.run([os.path.join(options.bin, "slotd-calsync"), *words], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertNotIn("/secret", done.stderr)
        self.assertNotIn(":secret", done.stderr)
        return done.stderr

    def test_bad_words(self):
        for words, said in (
                (["--ofen"], "no option --ofen"),
                (["--every"], "--every needs a value"),
                (["--every", "15"], "--every must be 1 to 86400, with s, m or h"),
                (["--horizon", "0d"], "--horizon must be 1 to 366 days"),
                (["--max-bytes", "1tb"], "--max-bytes must be"),
                (["--calendar", "dr/lee=https://x/secret"], "--calendar begins with a psychologist"),
                (["--calendar", "dr-lee"], "--calendar must be PSYCHOLOGIST=URL"),
                (["--calendar", "dr-lee=http://x/secret"], "calendar of dr-lee: a url without TLS needs allow-http"),
                (["--calendar", "dr-lee=file:///secret"], "calendar of dr-lee: a url begins with https://"),
                (["--calendar", "dr-lee=https://u:secret@x/"], "a password has no place on a command line"),
                (["--show"], "--show goes with --once"),
                (["--config", "/nonexistent"], "cannot read /nonexistent")):
            self.assertIn(said, self.refused(*words))

    def test_bad_lines(self):
        path = os.path.join(self.folder, "config")
        for line, said in (("ofen 1", "line 2: no word ofen"), ("every soon", "line 2: every must be 1 to 86400"),
                           ("allow-http maybe", "line 2: allow-http must be yes or no"), ("config other", "line 2: no word config")):
            with open(path, "w") as file:
                file.write(f"# a comment\n{line}\n")
            os.chmod(path, 0o600)
            self.assertIn(said, self.refused("--config", path))
        os.chmod(path, 0o644)
        self.assertIn("others may read it", self.refused("--config", path))

    def test_a_server_that_is_not_there(self):
        self.assertIn("cannot connect to 127.0.0.1:1", self.refused(
            "--once", "--server", "127.0.0.1:1", "--calendar", "dr-lee=https://127.0.0.1/", status=1))


def main():
    global options
    words = argparse.ArgumentParser()
    words.add_argument("--bin", required=True)
    words.add_argument("--calendars", type=int, default=50)
    words.add_argument("names", nargs="*")
    options = words.parse_args()
    options.bin = os.path.abspath(options.bin)
    module = sys.modules[__name__]
    loader = unittest.TestLoader()
    tests = loader.loadTestsFromNames(options.names, module) if options.names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
