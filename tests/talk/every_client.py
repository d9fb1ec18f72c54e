"""Sends every booking and reading command through each client, and compares the answers in meaning.

usage: every_client.py SLOTD

Each client has a server of its own, in the same state, so all ids are the same. What the answers mean is put into one form:
maps are dicts, moments are "then". The first client is the measure. Prints a line a client, and the differences. Which commands
there are is asked of the server: one that nobody sent is an error.
"""

import datetime
import io
import json
import re
import socket
import subprocess
import sys
import tempfile

import redis

# A list of requests is sent over one connection. "name=" in front keeps the id that the answer begins with.
STEPS = [
    ["a= BOOK lee 2031-01-06 09:00 client-1"],
    ["BOOK lee 2031-01-06 09:00 client-1"],
    ["BOOK lee 2031-01-06 09:00 client-2"],
    ["BOOK lee 2031-01-06 09:00 client-2 ALT 2"],
    ["BOOK lee 2031-01-06 12:00 client-2"],
    ["BOOK lee 2021-01-06 09:00 client-2"],
    ["BOOK lee 2031-01-06 9:00 client-2"],
    ["BOOK lee"],
    ["CLAIM lee 2031-01-06 10:00 client-1"],
    ["CLAIM lee 2031-01-06 10:00 client-2"],
    ["h= HOLD lee 2031-01-06 11:00 client-1 TTL 600"],
    ["HOLD lee 2031-01-06 11:00 client-2 ALT 1"],
    ["BOOK lee 2031-01-06 11:00 client-2"],
    ["SLOT lee 2031-01-06 11:00"],
    ["RENEW {h} TTL 700"],
    ["COMMIT {h}"],
    ["RENEW {h}"],
    ["CONFIRM {a}"],
    ["CONFIRM 12345678"],
    ["RESCHEDULE {a} 2031-01-07 09:00"],
    ["RESCHEDULE {a} 2031-01-07 09:00"],
    ["RESCHEDULE {a} 2031-01-06 10:00"],
    ["RESCHEDULE {h} 2031-01-06 11:00"],
    ["RESCHEDULE {a} 2031-01-07 10:00 kim"],
    ['CANCEL {h} "in two words"'],
    ["CANCEL {h}"],
    ["COMMIT {h}"],
    ["COMPLETE {a}"],
    ["COMPLETE 1"],
    ["NOSHOW 1"],
    ["BOOKALL client-3 lee 2031-01-07 09:00 kim 2031-01-06 09:00"],
    ["BOOKALL client-4 lee 2031-01-07 10:00 kim 2031-01-06 09:00 kim 2031-01-06 12:00"],
    ["BOOKANY client-4 kim 2031-01-06 09:00 kim 2031-01-06 10:00"],
    ["BOOKANY client-5 kim 2031-01-06 09:00 kim 2031-01-06 10:00"],
    ["BOOK kim 2031-01-06 11:00 client-5"],
    ["CLAIM kim 2031-01-06 11:00 client-5"],
    ["MULTI", "HOLD lee 2031-01-06 09:00 client-6", "RESCHEDULE {a} 2031-01-07 11:00", "CLAIM kim 2031-01-07 10:00 client-6",
     "SLOT lee 2031-01-06 09:00", "SESSION {a}", "SLOTS lee 2031-01-06", "EXEC"],
    ["MULTI", "BOOK lee 2031-01-06 11:00 client-6", "BOOK lee 2031-01-06 10:00 client-6", "EXEC"],
    ["MULTI", "OPEN lee 2031-01-08 09:00 50", "DISCARD"],
    ["EXEC"],
    ["DISCARD"],
    ["WATCH key"],
    ["UNWATCH"],
    ["SLOT lee 2031-01-06 10:00"],
    ["SLOT lee 2031-01-06 11:00"],
    ["SLOT lee 2031-01-06 12:00"],
    ["SLOT kim 2031-01-06 11:00"],
    ["SLOTS lee 2031-01-06"],
    ["SLOTS lee 2031-01-06 2031-01-07 ALL"],
    ["SLOTS nobody 2031-01-06"],
    ["SLOTS lee 2031-01-07 2031-01-06"],
    ["ALTERNATIVES lee 2031-01-06 10:30"],
    ["ALTERNATIVES lee 2031-01-06 10:30 COUNT 1"],
    ["ALTERNATIVES nobody 2031-01-06 10:30"],
    ["SESSION {a}"],
    ["SESSION 12345678"],
    ["SESSION first"],
    ["SESSIONS client-1"],
    ["SESSIONS client-1 2031-01-07"],
    ["SESSIONS client-1 2031-01-06 2031-01-06"],
    ["SESSIONS nobody"],
]

# Those of the refusals here that have a code of their own.
CODES = ("TAKEN ", "HELD ", "BLOCKED ", "NOSLOT ", "PAST ", "STATE ", "NOSESSION ")

# What there is before: sessions of today are over where the day begins when it ends elsewhere.
HOURS = ["OPEN %s 2031-01-0%d 09:00 50 COUNT 3 EVERY 60" % (name, day) for name in ("lee", "kim") for day in (6, 7)]
HOURS.append("BUSY kim calendar 1 2031-01-06T00:00 2031-01-07T00:00 2031-01-06T11:10 2031-01-06T11:20")


# -------------------------------------------------------------------------------------------------------------- frames

class Refusal(str):
    """An error: its line without the dash."""


def read_value(stream):
    """One reply of RESP2 or RESP3."""
    line = stream.readline()[:-2].decode()
    kind, rest = line[:1], line[1:]
    if kind == "-":
        return Refusal(rest)
    if kind == ":":
        return int(rest)
    if kind == "$":
        return stream.read(int(rest) + 2)[:-2].decode()
    if kind in ("*", "~"):
        return [read_value(stream) for _ in range(int(rest))]
    if kind == "%":
        return dict((read_value(stream), read_value(stream)) for _ in range(int(rest)))
    assert kind == "+", line
    return rest


def words_of(line):
    return [word.strip('"') for word in re.findall('"[^"]*"|[^ ]+', line)]


# ------------------------------------------------------------------------------------------------------------- clients
# Each takes the path of a socket, and request lines, and returns their answers.

def nc(path, lines, *before):
    text = "\r\n".join([*before, *lines, "QUIT", ""])
    done = subprocess.run(["nc", "-U", path], input=text.encode(), stdout=subprocess.PIPE, check=True)
    stream = io.BytesIO(done.stdout)
    return [read_value(stream) for _ in [*before, *lines]][len(before):]


def nc_resp3(path, lines):
    return nc(path, lines, "HELLO 3")


def arrays(path, lines, *before):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        for words in map(words_of, [*before, *lines]):
            parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
            connection.sendall(b"*%d\r\n%s" % (len(words), parts))
        stream = connection.makefile("rb")
        return [read_value(stream) for _ in [*before, *lines]][len(before):]


def arrays_resp3(path, lines):
    return arrays(path, lines, "HELLO 3")


def redis_cli(path, lines, *options):
    """Words without types, as a script sees them."""
    done = subprocess.run(["redis-cli", "-s", path, *options], input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                          text=True, check=True)
    return done.stdout.split()


def redis_cli_resp3(path, lines):
    return redis_cli(path, lines, "-3")


def redis_cli_json(path, lines):
    """RESP3, with types."""
    done = subprocess.run(["redis-cli", "-s", path, "--json"], input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                          text=True, check=True)
    return [Refusal(json.loads(line[len("error:"):])) if line.startswith("error:") else json.loads(line)
            for line in done.stdout.split("\n") if line != ""]


def redis_py(path, lines):
    client = redis.Redis(unix_socket_path=path, decode_responses=True, single_connection_client=True)
    return [ask(client, words_of(line)) for line in lines]


def ask(client, words):
    try:
        answer = client.execute_command(*words)
        return "OK" if answer is True else answer
    except redis.exceptions.ExecAbortError as error:
        return Refusal("EXECABORT " + str(error))  # the library takes this word off the line,
    except redis.exceptions.ResponseError as error:
        return Refusal(str(error) if str(error).startswith(CODES) else "ERR " + str(error))  # and that one


CLIENTS = [("nc", nc), ("nc, RESP3", nc_resp3), ("arrays", arrays), ("arrays, RESP3", arrays_resp3), ("redis-cli", redis_cli),
           ("redis-cli -3", redis_cli_resp3), ("redis-cli --json", redis_cli_json), ("redis-py", redis_py)]
UNTYPED = (redis_cli, redis_cli_resp3)
WITH_MAPS = (nc_resp3, arrays_resp3, redis_cli_json)


# ------------------------------------------------------------------------------------------------------------- meaning

def as_map(value):
    return dict(zip(value[::2], value[1::2])) if isinstance(value, list) and len(value) % 2 == 0 else value


def meaning(line, value, has_maps):
    """RESP2 has no maps; moments are not the same."""
    command = words_of(line)[0]
    if isinstance(value, Refusal) or has_maps:
        return without_moments(value)
    if command in ("SLOT", "SESSION"):
        value = as_map(value)
    if command == "SESSIONS":
        value = [as_map(each) for each in value]
    return without_moments(value)


def without_moments(value):
    if isinstance(value, dict):
        return {key: without_moments(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_moments(each) for each in value]
    if isinstance(value, Refusal):
        return value
    return "then" if re.fullmatch("[0-9]{13}", str(value)) else value


def meanings(lines, answers, has_maps):
    """Those of a list of requests; what was queued is answered by EXEC."""
    result = [meaning(line, value, has_maps or value == "QUEUED") for line, value in zip(lines, answers)]
    if lines[-1] == "EXEC" and isinstance(answers[-1], list):
        result[-1] = [meaning(line, value, has_maps) for line, value in zip(lines[1:-1], answers[-1])]
    return result


def in_words(value):
    """What a client shows that knows no types."""
    if isinstance(value, dict):
        return [word for pair in value.items() for part in pair for word in in_words(part)]
    if isinstance(value, list):
        return [word for part in value for word in in_words(part)]
    return str(value).split()


# -------------------------------------------------------------------------------------------------------------- server

class Server:
    def __init__(self, program, folder, zone):
        self.path = folder + "/socket"
        self.process = subprocess.Popen([program, "--port", "0", "--unix", self.path, "--dir", folder + "/data",
                                         "--timezone", zone], stderr=subprocess.DEVNULL)
        while not self.is_ready():
            assert self.process.poll() is None, "the server ended"

    def is_ready(self):
        try:
            return arrays(self.path, ["PING"]) == ["PONG"]
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def end(self):
        self.process.terminate()
        assert self.process.wait() == 0


def begin(program, folder):
    """A server with hours, and session 1, whose time has come."""
    server = Server(program, folder, "Etc/GMT+12")
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    arrays(server.path, HOURS + ["OPEN late %s 1" % now, "BOOK late %s late" % now])
    server.end()
    return Server(program, folder, "Etc/GMT-14")


# ------------------------------------------------------------------------------------------------------------- program

def run(client, path, measure):
    """Sends all steps. Without a measure, returns one: requests and what their answers mean."""
    ids = {}
    results = []
    for number, step in enumerate(STEPS):
        kept = step[0].split("= ")[0] if "= " in step[0] else None
        lines = [line.split("= ")[-1] for line in step]
        lines = measure[number][0] if measure else [line.format(**ids) for line in lines]
        answers = client(path, lines)
        results.append((lines, without_moments(answers) if client in UNTYPED
                        else meanings(lines, answers, client in WITH_MAPS)))
        if kept and not measure:
            ids[kept] = answers[0][0] if isinstance(answers[0], list) else answers[0]
    return results


def main(program):
    measure = None
    failed = False
    for name, client in CLIENTS:
        with tempfile.TemporaryDirectory() as folder:
            server = begin(program, folder)
            if measure is None:
                check_commands(server.path)
            results = run(client, server.path, measure)
            server.end()
        measure = measure or results
        pairs = [(lines, answers, in_words(wanted) if client in UNTYPED else wanted)
                 for (lines, answers), (_, wanted) in zip(results, measure)]
        different = [pair for pair in pairs if pair[1] != pair[2]]
        print("%s: %d of %d answers the same" % (name, len(results) - len(different), len(results)))
        for lines, answers, wanted in different:
            print("  ", lines, "\n     got:   ", answers, "\n     wanted:", wanted)
            failed = True
    sys.exit(failed)


def check_commands(path):
    docs = arrays(path, ["COMMAND DOCS"], "HELLO 3")[0]
    commands = {name.upper() for name, about in docs.items() if about["group"] in ("book", "read")}
    sent = {words_of(line.split("= ")[-1])[0] for step in STEPS for line in step}
    assert commands <= sent, "nobody sends %s" % (commands - sent)
    assert len(commands) > 15, commands


main(sys.argv[1])
