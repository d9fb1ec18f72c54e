/*
 * Proves: the availability service opens at each midnight of each zone, for two years of midnights, exactly the slots that the
 * clock shows on the day that comes in reach, once, and none before; what it missed it catches up with; a change of hours
 * closes what they do not have any more and opens what is new, and nothing else, through any crash; it purges what
 * is old, and nothing because of a wrong clock.
 *
 * Method: the desk and the log on the simulated disk, under a clock of the test's. What clocks show is Python's word
 * (clocks.py). Crashes: random hours, closed, opened and booked by hand at times that tell who did it,
 * and snapshots in the midst of it.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <model/random.h>
#include <serve/availability.h>
#include <sim/sim_disk.h>
#include <slot/hours.h>
#include <stress/rig.h>

#define SECOND_MS UINT64_C(1000)
#define DAY_MS    UINT64_C(86400000)
#define HORIZON   60

struct hall {
	struct rig rig;
	struct availability availability;
	uint64_t began_ms;
	uint64_t now_ms;
};

static void set_clock(struct hall *hall, uint64_t now_ms)
{
	hall->now_ms = now_ms;
	/* Relaxed: one thread. */
	atomic_store_explicit(&hall->rig.ahead_ms, now_ms - clock_wall_ms(&hall->rig.system), memory_order_relaxed);
}

static void begin(struct hall *hall, uint64_t now_ms)
{
	*hall = (struct hall){.began_ms = now_ms};
	struct config *config = &hall->rig.config;
	config->holds_max = 10;
	config->holds_per_client = 10;
	config->hold_total_max = 3600;
	config->horizon_days = HORIZON;
	hall->rig.system = clock_real();
	rig_begin(&hall->rig, 1);
	hall->rig.service.desk = &hall->rig.desk;
	set_clock(hall, now_ms);
	availability_init(&hall->availability, &hall->rig.service);
}

static void end(struct hall *hall)
{
	rig_end(&hall->rig);
}

static void settle_log(struct hall *hall)
{
	do {
		wal_pump(hall->rig.wal);
	} while (sim_disk_step(&hall->rig.disk) || !wal_idle(hall->rig.wal));
}

/* As the loop of worker 0, some turns of it: until nothing is to be done. */
static void serve(struct hall *hall)
{
	const uint64_t now_ns = (hall->now_ms - hall->began_ms) * 1000000 + 1;
	while (availability_has_work(&hall->availability, now_ns)) {
		/* As long as it does not wait for the commit. */
		while (availability_step(&hall->availability, now_ns)) {
		}
		settle_log(hall);
	}
}

static uint32_t psychologist_of(struct hall *hall, const char *name)
{
	return intern_add(&hall->rig.table.psychologists, span_of(name), false);
}

/* As HOURS SET, whose first step is another's. */
static enum outcome_code set_hours(struct hall *hall, const char *psychologist, const char *hours)
{
	const enum outcome_code code =
	    desk_hours(&hall->rig.desk, psychologist_of(hall, psychologist), span_of(hours)).code;
	settle_log(hall);
	return code;
}

static void carry_out(struct hall *hall, const char *psychologist)
{
	struct hours_progress progress = {.lsn = 0};
	enum hours_step step;
	do {
		step = desk_hours_step(&hall->rig.desk, psychologist_of(hall, psychologist), &progress);
		settle_log(hall);
	} while (step == HOURS_STEP_MORE);
	cr_assert_eq(step, HOURS_STEP_DONE);
}

/* The slots of a day as "09:00 10:00x 11:00b": x booked. */
static const char *day_of(struct hall *hall, const char *psychologist, uint16_t day)
{
	static char text[TABLE_DAY_SLOTS_MAX * 8];
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	char *at = text;
	*at = '\0';
	const size_t count = table_day(&hall->rig.table, psychologist_of(hall, psychologist), day, slots);
	for (size_t i = 0; i < count; i++) {
		struct slot_view view;
		const struct slot *slot = pool_at(&hall->rig.table.slots, slots[i]);
		const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		cr_assert(table_view(&hall->rig.table, slots[i], key, &view));
		char time[CIVIL_TIME_SIZE];
		civil_format_time(key_minute(key), time);
		at += sprintf(at, "%s%.5s%s", i == 0 ? "" : " ", time, view.free ? "" : "x");
	}
	return text;
}

static uint16_t day_number(const char *date)
{
	uint16_t day;
	cr_assert(civil_parse_date(span_of(date), &day));
	return day;
}

static uint64_t noon_ms(const char *date)
{
	return day_number(date) * DAY_MS + DAY_MS / 2;
}

/* ----------------------------------------------------------------------------------------- two years of midnights */

#define ZONES 5
#define DAYS  800

static const char *const zones[ZONES] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
					 "Pacific/Apia"};
static const char *const psychologists[ZONES] = {"dr-berlin", "dr-york", "dr-howe", "dr-kolkata", "dr-apia"};

/* A day as Python's clock shows it. */
struct known_day {
	uint16_t day;
	uint64_t begins_ms;
	char slots[24 * 6 + 1]; /* as day_of */
};
static struct known_day known[ZONES][DAYS];
static uint32_t known_count[ZONES];

static void note_slots(struct known_day *day, const char *hours)
{
	char *at = day->slots;
	for (const char *hour = hours; *hour != '\0'; hour += strcspn(hour, ",") + (hour[strcspn(hour, ",")] == ',')) {
		at += sprintf(at, "%s%02d:00", at == day->slots ? "" : " ", atoi(hour));
	}
}

static void ask_python(const char *first, const char *last)
{
	char command[512];
	snprintf(command, sizeof command, "python3 tests/unit/serve/clocks.py %s %s %s %s %s %s %s", first, last,
		 zones[0], zones[1], zones[2], zones[3], zones[4]);
	FILE *days = popen(command, "r");
	cr_assert_not_null(days);
	char name[64];
	char date[16];
	char hours[128];
	uint64_t begins;
	memset(known_count, 0, sizeof known_count);
	while (fscanf(days, "%63s %15s %" SCNu64 " %127s", name, date, &begins, hours) == 4) {
		for (uint32_t zone = 0; zone < ZONES; zone++) {
			if (strcmp(name, zones[zone]) == 0) {
				cr_assert_lt(known_count[zone], DAYS);
				struct known_day *day = &known[zone][known_count[zone]++];
				*day = (struct known_day){.day = day_number(date), .begins_ms = begins * SECOND_MS};
				note_slots(day, hours);
			}
		}
	}
	cr_assert_eq(pclose(days), 0);
	for (uint32_t zone = 0; zone < ZONES; zone++) {
		cr_assert_gt(known_count[zone], 729);
	}
}

/* The number of the day that it is there, in `known`. */
static uint32_t today(uint32_t zone, uint64_t now_ms, uint32_t from)
{
	uint32_t i = from;
	while (i + 1 < known_count[zone] && known[zone][i + 1].begins_ms <= now_ms) {
		i++;
	}
	return i;
}

static void check_day(struct hall *hall, uint32_t zone, uint32_t i)
{
	if (i < known_count[zone]) {
		const struct known_day *day = &known[zone][i];
		cr_assert_str_eq(day_of(hall, psychologists[zone], day->day), day->slots, "%s, day %u", zones[zone],
				 day->day);
	}
}

/* The days within reach are there, and the first beyond is not. */
static void check_reach(struct hall *hall, uint32_t zone, uint32_t i)
{
	const uint32_t reach = known[zone][i].day + HORIZON;
	uint32_t last = i;
	while (last + 1 < known_count[zone] && known[zone][last + 1].day <= reach) {
		last++;
	}
	check_day(hall, zone, last);
	cr_assert_str_eq(day_of(hall, psychologists[zone], (uint16_t)(reach + 1)), "", "%s, day %u", zones[zone],
			 reach + 1);
}

/* A replay in the middle of it all: the table is the same, and the service goes on. */
static void restart(struct hall *hall)
{
	settle_log(hall);
	rig_compare(&hall->rig);
	availability_init(&hall->availability, &hall->rig.service);
}

static void live_two_years(struct hall *hall, const char *first, const char *last)
{
	uint32_t at[ZONES] = {0};
	ask_python(first, last);
	begin(hall, noon_ms(first) + 2 * DAY_MS);
	for (uint32_t zone = 0; zone < ZONES; zone++) {
		char hours[256];
		snprintf(hours, sizeof hours,
			 "%s 50 10 mon 00:00-24:00 tue 00:00-24:00 wed 00:00-24:00 thu 00:00-24:00 "
			 "fri 00:00-24:00 sat 00:00-24:00 sun 00:00-24:00",
			 zones[zone]);
		cr_assert_eq(set_hours(hall, psychologists[zone], hours), OUTCOME_DONE);
		at[zone] = today(zone, hall->now_ms, 0) + 1;
	}
	const uint64_t end_ms = noon_ms(last) - 3 * DAY_MS;
	uint64_t midnights = 0;
	serve(hall);
	/* Half an hour at a time: all clocks change their day on one of them. */
	for (uint32_t step = 0; hall->now_ms + DAY_MS / 48 < end_ms; step++) {
		const uint64_t half = DAY_MS / 48;
		set_clock(hall, (hall->now_ms / half + 1) * half + SECOND_MS);
		serve(hall);
		for (uint32_t zone = 0; zone < ZONES; zone++) {
			const uint32_t now = today(zone, hall->now_ms, at[zone]);
			if (now != at[zone]) {
				midnights++;
				at[zone] = now;
				check_reach(hall, zone, now);
			}
		}
		if (step % 10007 == 5000) {
			restart(hall);
		}
	}
	cr_assert_gt(midnights, 5 * 715);
}

/* Every day that was in reach, from the first whole one on. */
static void check_all(struct hall *hall, uint32_t first_kept)
{
	for (uint32_t zone = 0; zone < ZONES; zone++) {
		const uint32_t now = today(zone, hall->now_ms, 0);
		for (uint32_t i = 4; i <= now; i++) {
			if (known[zone][i].day >= first_kept) {
				check_day(hall, zone, i);
			} else {
				cr_assert_str_eq(day_of(hall, psychologists[zone], known[zone][i].day), "");
			}
		}
	}
}

static struct hall hall;

Test(availability, opens_two_years_of_midnights_in_five_zones)
{
	live_two_years(&hall, "2030-01-01", "2032-01-15");
	check_all(&hall, 0);
	restart(&hall);
	check_all(&hall, 0);
	end(&hall);
}

/* The years in which Samoa went to the other side of the date line, leaving out 2011-12-30, and still had summer time. */
Test(availability, opens_two_years_of_midnights_around_a_day_that_was_left_out)
{
	live_two_years(&hall, "2010-12-01", "2012-12-15");
	check_all(&hall, 0);
	cr_assert_str_eq(day_of(&hall, "dr-apia", day_number("2011-12-30")), "");
	cr_assert_str_neq(day_of(&hall, "dr-apia", day_number("2011-12-29")), "");
	cr_assert_str_neq(day_of(&hall, "dr-apia", day_number("2011-12-31")), "");
	end(&hall);
}

/* ------------------------------------------------------------------------------------------------------------- days */

#define MORNINGS                                                                                                       \
	"mon 09:00-12:00 tue 09:00-12:00 wed 09:00-12:00 thu 09:00-12:00 fri 09:00-12:00 sat 09:00-12:00 sun "         \
	"09:00-12:00"

Test(availability, catches_up_with_what_it_missed)
{
	begin(&hall, noon_ms("2031-01-06"));
	set_hours(&hall, "dr-lee", "UTC 50 10 " MORNINGS);
	serve(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-06")), "", "they have all started");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-07")), "09:00 10:00 11:00");
	cr_assert_str_eq(day_of(&hall, "dr-lee", (uint16_t)(day_number("2031-01-06") + HORIZON)), "09:00 10:00 11:00");
	settle_log(&hall);
	wal_close(hall.rig.wal);
	holds_fini(&hall.rig.desk.holds);
	table_fini(&hall.rig.table);
	/* Half a year later, at 10:30. */
	rig_open(&hall.rig);
	set_clock(&hall, noon_ms("2031-07-01") - DAY_MS / 16);
	availability_init(&hall.availability, &hall.rig.service);
	serve(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-05-01")), "", "nobody can book what is over");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-07-01")), "11:00");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-08-30")), "09:00 10:00 11:00");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-08-31")), "");
	end(&hall);
}

static struct place place_at(const char *date, uint16_t minute)
{
	return (struct place){span_of("dr-lee"), day_number(date), minute};
}

Test(availability, leaves_alone_what_was_done_by_hand)
{
	uint64_t occupied;
	begin(&hall, noon_ms("2031-01-06"));
	set_hours(&hall, "dr-lee", "UTC 50 10 " MORNINGS);
	serve(&hall);
	const struct place closed = place_at("2031-01-07", 600);
	const struct place opened = place_at("2031-01-07", 1200);
	const struct place booked = place_at("2031-01-07", 660);
	cr_assert_eq(desk_close(&hall.rig.desk, &closed, &occupied).value, 1);
	cr_assert_eq(desk_open(&hall.rig.desk, &opened, 50, 1, 50).value, 1);
	cr_assert_eq(desk_book(&hall.rig.desk, &booked, span_of("client-1")).code, OUTCOME_DONE);
	restart(&hall);
	set_clock(&hall, hall.now_ms + DAY_MS / 2 + SECOND_MS);
	serve(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", closed.day), "09:00 11:00x 20:00");
	/* Hours that lose 11:00 and gain 14:00 do not touch 10:00 and 20:00, nor what is booked. */
	cr_assert_eq(
	    set_hours(&hall, "dr-lee", "UTC 50 10 tue 09:00-11:00,14:00-15:00 EXCEPT 2031-01-14 2031-01-14 closed"),
	    OUTCOME_DONE);
	carry_out(&hall, "dr-lee");
	cr_assert_str_eq(day_of(&hall, "dr-lee", closed.day), "09:00 11:00x 14:00 20:00");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-08")), "");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-14")), "");
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-21")), "09:00 10:00 14:00");
	/* Other minutes are another slot, where there is room for it. */
	set_hours(&hall, "dr-lee", "UTC 30 0 tue 09:00-10:00,11:00-12:00");
	carry_out(&hall, "dr-lee");
	cr_assert_str_eq(day_of(&hall, "dr-lee", closed.day), "09:00 09:30 11:00x 20:00");
	/* And without hours there is what was done by hand. */
	set_hours(&hall, "dr-lee", "");
	carry_out(&hall, "dr-lee");
	cr_assert_str_eq(day_of(&hall, "dr-lee", closed.day), "11:00x 20:00");
	cr_assert_eq(hall.rig.table.settings.counts[SETTING_HOURS], 0);
	restart(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", closed.day), "11:00x 20:00");
	end(&hall);
}

Test(availability, has_started_is_judged_in_the_zone_of_the_hours)
{
	begin(&hall, noon_ms("2031-01-06")); /* 13:00 in Berlin, 07:00 in New York */
	set_hours(&hall, "dr-berlin", "Europe/Berlin 50 10 mon 00:00-24:00");
	set_hours(&hall, "dr-york", "America/New_York 50 10 mon 00:00-24:00");
	carry_out(&hall, "dr-berlin");
	carry_out(&hall, "dr-york");
	cr_assert_eq(strncmp(day_of(&hall, "dr-berlin", day_number("2031-01-06")), "14:00 ", 6), 0);
	cr_assert_eq(strncmp(day_of(&hall, "dr-york", day_number("2031-01-06")), "08:00 ", 6), 0);
	const struct place berlin = {span_of("dr-berlin"), day_number("2031-01-06"), 14 * 60};
	const struct place york = {span_of("dr-york"), day_number("2031-01-06"), 9 * 60};
	set_clock(&hall, hall.now_ms + DAY_MS / 24); /* 14:00 in Berlin */
	const struct outcome past = desk_book(&hall.rig.desk, &berlin, span_of("client-1"));
	cr_assert_eq(past.code, OUTCOME_PAST);
	cr_assert_neq(past.lsn, 0, "it depends on the hours, which say where the clock is");
	const struct outcome booked = desk_book(&hall.rig.desk, &york, span_of("client-1"));
	cr_assert_eq(booked.code, OUTCOME_DONE);
	cr_assert_eq(desk_change(&hall.rig.desk, booked.value, LIFE_COMPLETE).code, OUTCOME_EARLY);
	set_clock(&hall, hall.now_ms + DAY_MS / 24);
	cr_assert_eq(desk_change(&hall.rig.desk, booked.value, LIFE_COMPLETE).code, OUTCOME_DONE);
	/* Without hours the clock is the server's again. */
	set_hours(&hall, "dr-york", "");
	carry_out(&hall, "dr-york");
	const struct place before = {span_of("dr-york"), day_number("2031-01-06"), 13 * 60};
	cr_assert_eq(desk_book(&hall.rig.desk, &before, span_of("client-1")).code, OUTCOME_PAST);
	end(&hall);
}

/* ------------------------------------------------------------------------------------------------------------- purging */

static uint32_t purged_before(const struct hall *at)
{
	return atomic_load_explicit(&at->rig.table.purged_before_day, memory_order_relaxed);
}

Test(availability, purges_what_is_old_where_there_are_hours)
{
	begin(&hall, noon_ms("2031-01-06"));
	hall.rig.config.retain_days = 90;
	const struct place old = place_at("2030-09-01", 600);
	cr_assert_eq(desk_open(&hall.rig.desk, &old, 50, 1, 50).value, 1);
	serve(&hall);
	cr_assert_eq(purged_before(&hall), 0, "nobody has hours");
	set_hours(&hall, "dr-lee", "UTC 50 10 " MORNINGS);
	set_clock(&hall, hall.now_ms + DAY_MS);
	serve(&hall);
	cr_assert_eq(purged_before(&hall), day_number("2031-01-07") - 90);
	cr_assert_str_eq(day_of(&hall, "dr-lee", old.day), "");
	/* Midnight is midnight where it is latest. */
	set_clock(&hall, day_number("2031-01-08") * DAY_MS + SECOND_MS);
	serve(&hall);
	cr_assert_eq(purged_before(&hall), day_number("2031-01-07") - 90);
	/* Two years on, all of it day by day. */
	for (uint32_t i = 0; i < 730; i++) {
		set_clock(&hall, hall.now_ms + DAY_MS);
		serve(&hall);
	}
	const uint16_t now = (uint16_t)(hall.now_ms / DAY_MS);
	cr_assert_eq(purged_before(&hall), now - 1u - 90);
	cr_assert_str_eq(day_of(&hall, "dr-lee", (uint16_t)(now - 92)), "");
	cr_assert_str_eq(day_of(&hall, "dr-lee", (uint16_t)(now - 90)), "09:00 10:00 11:00");
	table_check(&hall.rig.table);
	hall.rig.config.retain_days = 0;
	const uint32_t before = purged_before(&hall);
	set_clock(&hall, hall.now_ms + 30 * DAY_MS);
	serve(&hall);
	cr_assert_eq(purged_before(&hall), before, "0 keeps everything");
	end(&hall);
}

Test(availability, loses_nothing_to_a_wrong_clock)
{
	begin(&hall, noon_ms("2031-01-06"));
	hall.rig.config.retain_days = 90;
	set_hours(&hall, "dr-lee", "UTC 50 10 " MORNINGS);
	serve(&hall);
	const struct place booked = place_at("2031-01-07", 600);
	cr_assert_eq(desk_book(&hall.rig.desk, &booked, span_of("client-1")).code, OUTCOME_DONE);
	const uint32_t before = purged_before(&hall);
	/* The machine starts in 2060. */
	restart(&hall);
	hall.began_ms = noon_ms("2060-01-01");
	set_clock(&hall, hall.began_ms + SECOND_MS);
	serve(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-01-07")), "09:00 10:00x 11:00");
	cr_assert_leq(purged_before(&hall), before + 1);
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2060-01-02")), "09:00 10:00 11:00");
	/* And is put right: the days that are really next are opened as if nothing had been. */
	set_clock(&hall, noon_ms("2031-02-06"));
	desk_hours_look_by(&hall.rig.desk, 0);
	hall.availability.looked_ns = 0;
	serve(&hall);
	cr_assert_str_eq(day_of(&hall, "dr-lee", day_number("2031-04-06")), "09:00 10:00 11:00");
	end(&hall);
}

/* ------------------------------------------------------------------------------------------------------------- crashes */

/* All have 10:00, none has 20:00, and 11:00 some. */
static const char *const templates[] = {
    "UTC 50 10 " MORNINGS,
    "UTC 50 10 mon 10:00-11:00 tue 10:00-15:00 wed 10:00-11:00 thu 10:00-13:00 fri 10:00-11:00 sat 10:00-11:00 sun "
    "10:00-11:00",
    "UTC 50 0 mon 10:00-12:30 tue 10:00-10:50 wed 10:00-10:50 thu 10:00-10:50 fri 10:00-10:50 sat 08:20-10:50 sun "
    "10:00-10:50 EXCEPT 2031-01-20 2031-02-03 10:00-10:50",
};

struct by_hand {
	uint16_t closed; /* days, on which it was done, or 0 */
	uint16_t opened;
	uint16_t booked;
};

/* A slot that is not as the hours and the hands leave it. */
static void check_slot(const struct hours *hours, const struct by_hand *hand, uint16_t day, uint16_t minute,
		       const struct slot_view *view)
{
	uint16_t starts[HOURS_DAY_SLOTS_MAX];
	const size_t count = hours_of_day(hours, day, starts);
	bool wanted = false;
	for (size_t i = 0; i < count; i++) {
		wanted = wanted || starts[i] == minute;
	}
	if (minute == 600 && day == hand->closed) {
		wanted = false;
	}
	if (minute == 1200 && day == hand->opened) {
		wanted = true;
	}
	if (minute == 660 && day == hand->booked) {
		cr_assert(view != NULL && !view->free, "what is booked stays booked");
		return;
	}
	/* What would overlap the booking is left out. */
	const bool hit = day == hand->booked && minute != 660 && minute + hours->minutes > 660 && minute < 710;
	cr_assert_eq(view != NULL, wanted && !hit, "day %u, minute %u", day, minute);
}

static void check_slots(uint16_t now, const struct by_hand *hand)
{
	struct buffer text = {0};
	struct hours_plan plan;
	struct hours hours;
	uint64_t lsn;
	const uint32_t lee = psychologist_of(&hall, "dr-lee");
	cr_assert(settings_get(&hall.rig.table.settings, SETTING_HOURS, lee, &text, &lsn));
	cr_assert(hours_plan_read((struct span){text.at, text.size}, &plan) && !plan.has_was);
	cr_assert_eq(plan.opened, now + HORIZON + 1);
	cr_assert(hours_read_text(plan.now, &hours));
	for (uint16_t day = (uint16_t)(now + 1); day < plan.opened + 10; day++) {
		static const struct hours none = {.minutes = 1};
		for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute += 10) {
			struct slot_view view;
			const uint32_t slot = table_find(&hall.rig.table, key_make(lee, day, minute));
			const bool there =
			    slot != 0 && table_view(&hall.rig.table, slot, key_make(lee, day, minute), &view);
			check_slot(day < plan.opened ? &hours : &none, hand, day, minute, there ? &view : NULL);
		}
	}
	buffer_fini(&text);
}

/* A snapshot, as far as it got. */
static struct snapshot_writer *writer;
static uint32_t snapshots;

static void snapshot_some(void)
{
	struct error error = {0};
	if (writer == NULL) {
		const struct snapshot_options options = {.disk = &hall.rig.disk.port,
							 .clock = &hall.rig.clock,
							 .wal = hall.rig.wal,
							 .table = &hall.rig.table,
							 .piece_size = DISK_ALIGN,
							 .previous_lsn = hall.rig.rebuild.found.info.lsn};
		writer = snapshot_begin(&options, &error);
	} else if (snapshot_step(writer, &error) == SNAPSHOT_DONE) {
		hall.rig.rebuild.found.info.lsn = snapshot_writer_info(writer)->lsn;
		snapshot_close(writer);
		writer = NULL;
		snapshots++;
	}
	cr_assert_eq(error.code, ERROR_NONE, "%s", error.text);
}

/* The same files without any snapshot: the whole log gives the same table, word for word. */
static void compare_with_log(void)
{
	static struct rig other;
	struct disk_entry *entries = NULL;
	size_t count = 0;
	struct error error = {0};
	other = (struct rig){.threads = 1, .config = hall.rig.config};
	sim_disk_init(&other.disk, 1);
	sim_disk_copy(&other.disk, &hall.rig.disk);
	other.system = hall.rig.system;
	other.clock = (struct clock){&other, rig_wall_ms, rig_monotonic_ns};
	struct disk *disk = &other.disk.port;
	cr_assert(disk->list(disk->context, &entries, &count, &error), "%s", error.text);
	for (size_t i = 0; i < count; i++) {
		if (strncmp(entries[i].name, "snap", 4) == 0) {
			cr_assert(disk->remove(disk->context, entries[i].name, &error), "%s", error.text);
		}
	}
	free(entries);
	rig_open(&other);
	char *all = rig_dump(&other.table);
	char *recovered = rig_dump(&hall.rig.table);
	cr_assert_str_eq(recovered, all);
	free(all);
	free(recovered);
	rig_end(&other);
}

/* Sets hours, carries some of it out, beside a snapshot, and then the process ends, or the power goes. */
static void set_and_crash(uint64_t *random)
{
	struct hours_progress progress = {.lsn = 0};
	const uint32_t lee = psychologist_of(&hall, "dr-lee");
	desk_hours(&hall.rig.desk, lee, span_of(templates[random_below(random, 3)]));
	/* Few steps, often: what was appended while a snapshot was copied is then all that says what it misses. */
	uint32_t steps = random_below(random, 17);
	for (uint32_t turns = random_below(random, 80); turns > 0; turns--) {
		if (random_below(random, 2) == 0) {
			snapshot_some();
		}
		if (steps > 0 && random_below(random, 3) == 0) {
			desk_hours_step(&hall.rig.desk, lee, &progress);
			steps--;
		}
		wal_pump(hall.rig.wal);
		if (random_below(random, 2) == 0) {
			sim_disk_step(&hall.rig.disk);
		}
	}
	(random_below(random, 2) == 0 ? sim_disk_kill : sim_disk_crash)(&hall.rig.disk);
	if (writer != NULL) {
		snapshot_close(writer);
		writer = NULL;
	}
	wal_close(hall.rig.wal);
	holds_fini(&hall.rig.desk.holds);
	table_fini(&hall.rig.table);
	rig_open(&hall.rig);
	compare_with_log();
	availability_init(&hall.availability, &hall.rig.service);
}

static void do_by_hand(struct by_hand *hand, uint16_t now, uint64_t *random)
{
	uint64_t occupied;
	struct desk *desk = &hall.rig.desk;
	const struct place closed = {span_of("dr-lee"), (uint16_t)(now + 2 + random_below(random, 50)), 600};
	const struct place opened = {span_of("dr-lee"), (uint16_t)(now + 2 + random_below(random, 50)), 1200};
	const struct place booked = {span_of("dr-lee"), (uint16_t)(now + 2 + random_below(random, 50)), 660};
	if (hand->closed == 0 && desk_close(desk, &closed, &occupied).value == 1) {
		hand->closed = closed.day;
	}
	if (hand->opened == 0 && desk_open(desk, &opened, 50, 1, 50).value == 1) {
		hand->opened = opened.day;
	}
	if (hand->booked == 0 && desk_book(desk, &booked, span_of("client-1")).code == OUTCOME_DONE) {
		hand->booked = booked.day;
	}
	settle_log(&hall);
}

Test(availability, carries_out_a_change_through_any_crash)
{
	uint64_t random = random_seed();
	printf("availability: SEED=0x%" PRIx64 "\n", random);
	for (uint32_t life = 0; life < 20; life++) {
		uint16_t now = day_number("2031-01-06");
		struct by_hand hand = {0};
		begin(&hall, noon_ms("2031-01-06"));
		hall.rig.config.horizon_days = HORIZON;
		set_hours(&hall, "dr-lee", templates[0]);
		serve(&hall);
		for (uint32_t crash = 0; crash < 12; crash++) {
			check_slots(now, &hand);
			do_by_hand(&hand, now, &random);
			check_slots(now, &hand);
			set_and_crash(&random);
			hall.availability.looked_ns = 0;
			serve(&hall);
			if (random_below(&random, 4) == 0) {
				restart(&hall);
			}
		}
		check_slots(now, &hand);
		table_check(&hall.rig.table);
		end(&hall);
	}
	printf("availability: %" PRIu32 " snapshots\n", snapshots);
	cr_assert_gt(snapshots, 20);
}
