# Which slots hours around the clock have on each day, by walking a clock of Python's zoneinfo through all of it in steps of ten
# minutes, and nothing else: "zone date seconds hours", the second at which the day begins there and the hours whose first 50
# minutes the clock shows on it.
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=10)
first, last = (datetime.fromisoformat(date).replace(tzinfo=timezone.utc) for date in sys.argv[1:3])

for name in sys.argv[3:]:
    zone = ZoneInfo(name)
    days = {}
    moment = first
    while moment < last:
        shown = moment.astimezone(zone)
        begins, times = days.setdefault(shown.date(), (int(moment.timestamp()), set()))
        times.add((shown.hour, shown.minute))
        moment += STEP
    for date, (begins, times) in sorted(days.items())[1:-1]:
        hours = [h for h in range(24) if all((h, m) in times for m in range(0, 50, 10))]
        print(name, date.isoformat(), begins, ",".join(map(str, hours)))
