/*
 * Proves: a connection that has to stop in the midst of a burst, because the log has no room, goes on with its own
 * requests, and so does who comes next: none is lost, executed twice, or taken for another connection's.
 *
 * Method: two connections on a network port that does nothing, the log on the simulated disk, which completes nothing before it
 * is told to.
 */
#include <criterion/criterion.h>
#include <serve/conn.h>
#include <serve/desk.h>
#include <serve/worker.h>
#include <stress/rig.h>

/* More than a batch of the log has room for, in bursts that end anywhere. */
#define CLAIMS 1500

static struct rig rig;
static struct worker worker;

static void attach(void *context, struct net_link *link, int descriptor)
{
	(void)context;
	(void)link;
	(void)descriptor;
}

static void ignore(void *context, struct net_link *link)
{
	(void)context;
	(void)link;
}

static size_t lines; /* of replies that were sent */

static void count_lines(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	(void)context;
	(void)link;
	for (size_t i = 0; i < size; i++) {
		lines += bytes[i] == '\n';
	}
}

static void init(void)
{
	config_defaults(&rig.config);
	rig_begin(&rig, 1);
	rig.desk.unlisted_slots = true;
	rig.service.desk = &rig.desk;
	rig.service.worker_count = 1;
	worker.service = &rig.service;
	worker.net = (struct net){.attach = attach,
				  .pause = ignore,
				  .resume = ignore,
				  .send = count_lines,
				  .finish = ignore,
				  .close = ignore};
}

static void fini(void)
{
	ahead_fini(&worker.ahead);
	rig_end(&rig);
}

TestSuite(conn, .init = init, .fini = fini);

static void add_claims(struct buffer *bytes, char name, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		buffer_format(bytes, "CLAIM dr-%c 2131-%02u-%02u %02u:00 client-%c%u\r\n", name, 1 + i / 24 / 28 % 12,
			      1 + i / 24 % 28, i % 24, name, i);
	}
}

static void receive(struct conn *conn, char name, uint32_t count)
{
	struct buffer bytes = {0};
	add_claims(&bytes, name, count);
	conn_received(conn, (struct span){bytes.at, bytes.size});
	buffer_fini(&bytes); /* as a buffer of the port is somebody else's afterwards */
}

static void commit(void)
{
	do {
		wal_pump(rig.wal);
	} while (sim_disk_step(&rig.disk) || !wal_idle(rig.wal));
}

static int64_t won(void)
{
	return atomic_load_explicit(&service_counters(&rig.service)->claims_won, memory_order_relaxed);
}

static void step(struct conn *conn)
{
	conn_step(conn);
	if (conn->sending) {
		conn_sent(conn);
	}
}

Test(conn, a_burst_that_is_stopped_goes_on_where_it_was)
{
	struct conn *first = conn_open(&worker, -1);
	struct conn *second = conn_open(&worker, -1);
	receive(first, 'a', CLAIMS);
	const int64_t before = won();
	cr_assert(before > 0 && before < CLAIMS, "the log had room for %ld", (long)before);
	receive(second, 'b', 40);
	cr_assert_eq(won(), before, "the log has no room");
	for (int i = 0; i < 10; i++) {
		commit();
		step(second);
		step(first);
	}
	cr_assert_eq(won(), CLAIMS + 40);
	cr_assert_eq(lines, CLAIMS + 40);
	conn_close(first);
	conn_close(second);
	conn_free(first);
	conn_free(second);
}
