# What Python's zoneinfo, which reads the same files with other code, says about the changes of zones:
# "zone at before after": from the second `at` on, the offset is `after` and not `before`. Every change from FROM to TO.
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

FROM = datetime(1970, 1, 2, tzinfo=timezone.utc)
TO = datetime(2149, 6, 5, tzinfo=timezone.utc)
STEP = timedelta(hours=9)


def offset(zone, moment):
    return int(moment.astimezone(zone).utcoffset().total_seconds())


def change_between(zone, before, after):
    """The first second of the new offset: it is the old one at `before`, and not any more at `after`."""
    low, high = int(before.timestamp()), int(after.timestamp())
    had = offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, datetime.fromtimestamp(middle, timezone.utc)) == had:
            low = middle
        else:
            high = middle
    return high


for name in sys.argv[1:]:
    zone = ZoneInfo(name)
    moment, before = FROM, offset(zone, FROM)
    while moment < TO:
        after_moment = moment + STEP
        after = offset(zone, after_moment)
        if after != before:
            print(name, change_between(zone, moment, after_moment), before, after)
        moment, before = after_moment, after
