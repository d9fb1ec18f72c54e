"""Reads a calendar as a calendar program does, and says what it saw.

usage: feed.py PORT PATH ZONE [METHOD [ETAG]]

Prints status, type and whether there was a body; then what the calendar holds, one line each, times in the zone; then its ETag.
Fails on what RFC 5545 does not allow. With an ETAG it asks only for what is new.
"""

import datetime
import http.client
import sys
import zoneinfo


def lines_of(body):
    assert body.endswith(b"\r\n"), "lines end in CRLF"
    assert b"\n" not in body.replace(b"\r\n", b""), "and in nothing else"
    for line in body.split(b"\r\n"):
        assert len(line) <= 75, line
    return body.decode("ascii").replace("\r\n ", "").split("\r\n")[:-1]


def instant(value, zone):
    at = datetime.datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    return at.astimezone(zone)


def show_event(event, zone):
    for name in ("UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "DTSTART", "DTEND", "SUMMARY"):
        assert name in event, name
    start, end = instant(event["DTSTART"], zone), instant(event["DTEND"], zone)
    minutes = int((end - start).total_seconds() / 60)
    print(f"busy {start:%Y-%m-%d %H:%M} {minutes} min SEQUENCE {event['SEQUENCE']} UID {event['UID']}")


def show(body, zone):
    open_parts, event = [], {}
    for line in lines_of(body):
        name, value = line.split(":", 1)
        if name == "BEGIN":
            open_parts.append(value)
            event = {}
        elif name == "END":
            assert open_parts.pop() == value
            if value == "VEVENT":
                show_event(event, zone)
        elif open_parts[-1] == "VEVENT":
            assert name not in event, name
            event[name] = value
        elif name == "NAME":
            print("NAME", value)
    assert not open_parts


def main(port, path, zone, method="GET", etag=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
    connection.request(method, path, headers={"If-None-Match": etag} if etag else {})
    response = connection.getresponse()
    body = response.read()
    print(response.status, response.getheader("Content-Type", "-"), len(body) > 0)
    if response.status == 200 and body:
        show(body, zoneinfo.ZoneInfo(zone))
    if response.getheader("ETag"):
        print(response.getheader("ETag"))


main(*sys.argv[1:])
