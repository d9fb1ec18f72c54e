/*
 * Proves: of each class one connection has a turn in every loop, the others while the loop's share lasts, reads before
 * hours before sync; who waited longest comes first; a connection out of turn has none.
 */
#include <criterion/criterion.h>
#include <serve/worker.h>

#define SLICE_US 100
#define CONNS    3

static uint64_t now_ns;
static uint64_t step_ns; /* how far the clock gets each time it is read */

static uint64_t fake_now_ns(void *context)
{
	(void)context;
	now_ns += step_ns;
	return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now_ns};
static const struct config config = {.background_slice = SLICE_US, .background_rest = 4};
static struct service service;
static struct worker worker;
static struct conn conns[BACKGROUND_CLASSES][CONNS]; /* closing: a turn does nothing, and they do not queue again */

static void set_up(void)
{
	service.config = &config;
	service.clock = &fake_clock;
	worker.service = &service;
	now_ns = 1000000000;
	for (int class = BACKGROUND_CLASSES - 1; class >= 0; class --) {
		for (int i = 0; i < CONNS; i++) {
			conns[class][i].worker = &worker;
			conns[class][i].closing = true;
			background_add(&worker.background, &conns[class][i], (enum background_class) class);
		}
	}
}

TestSuite(background, .init = set_up);

static int waiting(enum background_class class)
{
	int count = 0;
	for (int i = 0; i < CONNS; i++) {
		count += conns[class][i].queued;
	}
	return count;
}

Test(background, a_loop_serves_one_of_each_class_when_there_is_no_time)
{
	step_ns = 10 * SLICE_US * 1000;
	for (int loop = 1; loop <= CONNS; loop++) {
		cr_assert(background_pending(&worker.background));
		background_run(&worker);
		for (int class = 0; class < BACKGROUND_CLASSES; class ++) {
			cr_assert_eq(waiting((enum background_class) class), CONNS - loop);
			cr_assert_not(conns[class][loop - 1].queued, "not the one that waited longest");
		}
	}
	cr_assert_not(background_pending(&worker.background));
}

Test(background, a_loop_serves_all_while_there_is_time)
{
	step_ns = 0;
	background_run(&worker);
	cr_assert_not(background_pending(&worker.background));
}

Test(background, time_goes_to_the_class_that_comes_first)
{
	step_ns = SLICE_US * 1000 / 2; /* the share is over when the clock is read the second time after the first */
	background_run(&worker);
	cr_assert_eq(waiting(BACKGROUND_READ), CONNS - 2);
	cr_assert_eq(waiting(BACKGROUND_HOURS), CONNS - 1);
	cr_assert_eq(waiting(BACKGROUND_SYNC), CONNS - 1);
}

Test(background, it_rests_while_others_ask)
{
	step_ns = SLICE_US * 1000;
	worker.now_ns = now_ns;
	cr_assert_eq(background_due(&worker.background, worker.now_ns), 0);
	background_note(&worker, &conns[BACKGROUND_READ][0], 1);
	background_run(&worker); /* reads the clock at begin and end, and after each of three turns */
	cr_assert_eq(waiting(BACKGROUND_READ), CONNS - 1);
	worker.now_ns = now_ns;
	const uint64_t took_ns = (1 + BACKGROUND_CLASSES) * step_ns;
	cr_assert_eq(background_due(&worker.background, worker.now_ns), took_ns * config.background_rest);
	background_run(&worker);
	cr_assert_eq(waiting(BACKGROUND_READ), CONNS - 1, "served while it rests");
	worker.now_ns += took_ns * config.background_rest;
	background_run(&worker);
	cr_assert_eq(waiting(BACKGROUND_READ), CONNS - 2);
}

Test(background, it_does_not_rest_alone)
{
	step_ns = SLICE_US * 1000;
	worker.now_ns = now_ns;
	background_note(&worker, &conns[BACKGROUND_READ][0], 0); /* nothing was executed */
	worker.background.running = &conns[BACKGROUND_READ][0];
	background_note(&worker, &conns[BACKGROUND_READ][0], 1); /* in its own turn */
	worker.background.running = NULL;
	background_run(&worker);
	cr_assert_eq(background_due(&worker.background, now_ns), 0);
}

Test(background, nothing_is_due_when_nothing_waits)
{
	step_ns = 0;
	background_run(&worker);
	cr_assert_eq(background_due(&worker.background, now_ns), UINT64_MAX);
}

Test(background, a_connection_leaves_its_queue_from_anywhere)
{
	background_remove(&worker.background, &conns[BACKGROUND_SYNC][1]);
	background_remove(&worker.background, &conns[BACKGROUND_SYNC][1]);
	cr_assert_eq(waiting(BACKGROUND_SYNC), 2);
	background_remove(&worker.background, &conns[BACKGROUND_SYNC][2]);
	background_remove(&worker.background, &conns[BACKGROUND_SYNC][0]);
	cr_assert_null(worker.background.first[BACKGROUND_SYNC]);
	cr_assert_null(worker.background.last[BACKGROUND_SYNC]);
	background_add(&worker.background, &conns[BACKGROUND_SYNC][0], BACKGROUND_SYNC);
	background_add(&worker.background, &conns[BACKGROUND_SYNC][0], BACKGROUND_READ);
	cr_assert_eq(conns[BACKGROUND_SYNC][0].background_class, BACKGROUND_SYNC, "queued twice");
}

Test(background, a_turn_is_one_slice_and_more_while_there_is_time)
{
	struct conn *conn = &conns[BACKGROUND_READ][0];
	cr_assert_not(background_has_turn(&worker, conn));
	worker.background.running = conn;
	worker.background.granted = true;
	worker.background.until_ns = now_ns + 1;
	step_ns = 1;
	cr_assert(background_has_turn(&worker, conn), "the slice that was granted");
	cr_assert_not(background_has_turn(&worker, conn), "the time is over");
	worker.background.until_ns = now_ns + 2;
	cr_assert(background_has_turn(&worker, conn), "there is time");
	cr_assert_not(background_has_turn(&worker, &conns[BACKGROUND_READ][1]), "somebody else's turn");
}
