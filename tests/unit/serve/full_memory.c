/*
 * Proves I5 for memory, at the server: `maxmemory` holds as many open slots as the arithmetic of docs/OPERATIONS.md says, an
 * OPEN beyond it is refused, and every slot that was opened can be booked all the same, by a client nobody has been, with the
 * longest token there is. What the process takes stays within the limit, too.
 *
 * Method: hours are opened until they are refused; then all are booked. Resident memory is the kernel's figure; a sanitizer's
 * own is many times the server's, so it is looked at without one.
 *
 * FULL_MEMORY_MB in the environment: another limit than 32 MiB. In a control group of as much, as root (2 GiB take minutes):
 *
 *   cd /sys/fs/cgroup/memory && mkdir full && echo 2G >full/memory.limit_in_bytes && echo $$ >full/cgroup.procs
 *   FULL_MEMORY_MB=2048 build/release/unit/serve/full_memory
 */
#include <base/bytes.h>
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <inttypes.h>
#include <signal.h>
#include <slot/civil.h>
#include <slot/table.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_MB    32
#define FIRST_DAY   22280
#define SLOTS_A_DAY 1440
#define SLOT_PRICE  (TABLE_SLOT_BYTES + TABLE_BOOKING_BYTES)
#define PIPELINE    SLOTS_A_DAY
/* Huge pages that are not full yet, of each of the regions, and what connections and the log take. */
#define RESIDENT_SLACK (UINT64_C(24) << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static struct server server;
static struct connection connection;
static struct error error;
static struct buffer requests;

static void tear_down(void)
{
	int status;
	buffer_fini(&requests);
	if (server.pid != 0) {
		server_stop(&server, SIGKILL, &status, &error);
	}
	server_fini(&server, false);
}

TestSuite(full_memory, .fini = tear_down, .timeout = 1800);

static struct span answer(void)
{
	struct span line;
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	return line;
}

static bool begins(struct span line, const char *with)
{
	return line.size >= strlen(with) && memcmp(line.at, with, strlen(with)) == 0;
}

static void send_requests(void)
{
	cr_assert(connection_send(&connection, (struct span){requests.at, requests.size}, &error), "%s", error.text);
	requests.size = 0;
}

static void add_open(uint32_t day, uint32_t minute, uint32_t count)
{
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date((uint16_t)(FIRST_DAY + day), date);
	civil_format_time((uint16_t)minute, time);
	buffer_format(&requests, "OPEN lee %.*s %.*s 1 COUNT %" PRIu32 " EVERY 1\r\n", CIVIL_DATE_SIZE, date,
		      CIVIL_TIME_SIZE, time, count);
}

/* Opens days, and then minutes, until one is refused. Returns how many slots are open. */
static uint32_t open_all(void)
{
	uint32_t opened = 0;
	for (uint32_t count = SLOTS_A_DAY;;) {
		add_open(opened / SLOTS_A_DAY, opened % SLOTS_A_DAY, count);
		send_requests();
		const struct span line = answer();
		if (begins(line, ":")) {
			opened += count;
		} else {
			cr_assert(begins(line, "-OOM "), "%.*s", (int)line.size, (const char *)line.at);
			if (count == 1) {
				return opened;
			}
			count = 1;
		}
	}
}

static void book_all(uint32_t count)
{
	for (uint32_t next = 0; next < count; next += PIPELINE) {
		const uint32_t end = next + PIPELINE < count ? next + PIPELINE : count;
		char date[CIVIL_DATE_SIZE];
		civil_format_date((uint16_t)(FIRST_DAY + next / SLOTS_A_DAY), date);
		for (uint32_t n = next; n < end; n++) {
			char time[CIVIL_TIME_SIZE];
			civil_format_time((uint16_t)(n % SLOTS_A_DAY), time);
			buffer_format(&requests, "BOOK lee %.*s %.*s client-%057" PRIu32 "\r\n", CIVIL_DATE_SIZE, date,
				      CIVIL_TIME_SIZE, time, n);
		}
		send_requests();
		for (uint32_t n = next; n < end; n++) {
			const struct span line = answer();
			cr_assert(begins(line, ":"), "slot %" PRIu32 ": %.*s", n, (int)line.size,
				  (const char *)line.at);
		}
	}
}

/* A number of the server's INFO. */
static uint64_t info(const char *field)
{
	char name[64];
	uint64_t value = UINT64_MAX;
	const int size = snprintf(name, sizeof name, "%s:", field);
	buffer_format(&requests, "INFO\r\n");
	send_requests();
	cr_assert(begins(answer(), "$"));
	/* It ends with an empty line; sections are parted by one, too, so the end is asked for. */
	buffer_format(&requests, "PING\r\n");
	send_requests();
	for (struct span line = answer(); !begins(line, "+PONG"); line = answer()) {
		if (begins(line, name)) {
			value = strtoull((const char *)line.at + size, NULL, 10);
		}
	}
	cr_assert_neq(value, UINT64_MAX, "INFO has no %s", field);
	return value;
}

static uint64_t limit_bytes(void)
{
	const char *text = getenv("FULL_MEMORY_MB");
	return (text != NULL ? strtoull(text, NULL, 10) : LIMIT_MB) << 20;
}

Test(full_memory, every_slot_that_maxmemory_let_open_can_be_booked)
{
	const uint64_t limit = limit_bytes();
	cr_assert(server_init_for_unit(&server, &error), "%s", error.text);
	snprintf(server.options, sizeof server.options, "--maxmemory %" PRIu64, limit);
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
	const uint64_t resident = info("used_memory_rss");

	const uint32_t count = open_all();
	const uint64_t days = count / SLOTS_A_DAY + 1;
	const uint64_t taken = count * (uint64_t)SLOT_PRICE;
	cr_assert_leq(taken, limit);
	/* A card a day, the psychologist's token, and what one more would have taken. */
	cr_assert_gt(taken + (days + 1) * TABLE_SLOT_BYTES + INTERN_BYTES_MAX + SLOT_PRICE, limit);
	cr_assert_eq(info("slots_open"), count);

	book_all(count);
	cr_assert_eq(info("slots_booked"), count);
	cr_assert_eq(info("slots_open"), 0);
	cr_assert_leq(info("used_memory"), limit);
	if (!SANITIZED) {
		cr_assert_leq(info("used_memory_rss"), resident + limit + RESIDENT_SLACK);
	}
	cr_log_info("%" PRIu64 " MiB: %" PRIu32 " slots open, then booked; used_memory %" PRIu64
		    ", used_memory_rss %" PRIu64,
		    limit >> 20, count, info("used_memory"), info("used_memory_rss"));
	connection_close(&connection);
}
