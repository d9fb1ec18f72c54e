/*
 * Proves: an open loop charges a stall to every request that was due meanwhile; a closed loop keeps exactly its pipeline
 * under way; a lost claim, a wrong answer and a missing one are told; the mix is what it says.
 *
 * How: a peer that is no server. It answers nothing until so many requests are there (`release`), then everything. Bounds on
 * times are lower ones only, which no slow machine can break.
 */
#include <bench/traffic.h>
#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static struct {
	uint64_t release; /* requests that must be there before any is answered */
	uint64_t asked;
	uint64_t answered;
	uint64_t waiting_most;
	enum reply reply;
	int descriptors[8]; /* one a link: readable when there is an answer */
	uint32_t links;
} fake;

static bool fake_open(struct link *link, const char *server, struct error *error)
{
	(void)server;
	(void)error;
	link->descriptor = eventfd(0, EFD_NONBLOCK);
	fake.descriptors[fake.links++] = link->descriptor;
	return true;
}

static void fake_close(struct link *link)
{
	close(link->descriptor);
	fake.links = 0;
}

static bool fake_can(enum request_kind kind)
{
	(void)kind;
	return true;
}

static void fake_ask(struct link *link, enum request_kind kind, const struct draw *draw)
{
	(void)kind;
	(void)draw;
	link->asked++;
	fake.asked++;
	const uint64_t waiting = fake.asked - fake.answered;
	fake.waiting_most = waiting > fake.waiting_most ? waiting : fake.waiting_most;
}

static bool fake_flush(struct link *link, struct error *error)
{
	(void)link;
	(void)error;
	for (uint32_t i = 0; fake.asked >= fake.release && fake.asked > fake.answered && i < fake.links; i++) {
		const uint64_t one = 1;
		cr_assert_eq(write(fake.descriptors[i], &one, sizeof one), (ssize_t)sizeof one);
	}
	return true;
}

static bool fake_fill(struct link *link, struct error *error)
{
	(void)error;
	uint64_t count;
	return read(link->descriptor, &count, sizeof count) != 0; /* empty or not: next() tells */
}

static enum reply fake_next(struct link *link)
{
	if (fake.asked < fake.release || link->answered == link->asked) {
		return REPLY_NONE;
	}
	link->answered++;
	fake.answered++;
	return fake.reply;
}

static const struct peer peer_fake = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .can = fake_can,
    .ask = fake_ask,
    .flush = fake_flush,
    .fill = fake_fill,
    .next = fake_next,
};

static struct traffic traffic(uint32_t connections, uint32_t pipeline, uint64_t rate, uint64_t requests)
{
	fake.reply = REPLY_DONE;
	return (struct traffic){
	    .peer = &peer_fake,
	    .mix = TRAFFIC_CLAIM,
	    .connections = connections,
	    .pipeline = pipeline,
	    .rate = rate,
	    .request_most = requests,
	    .timeout_ms = 30000,
	};
}

static struct traffic_result result;
static struct error error;

Test(traffic, a_stall_is_charged_to_everybody_who_was_due_meanwhile)
{
	const struct traffic open = traffic(1, 1, 1000, 100);
	fake.release = 100; /* nobody is answered before the last one has come, 99 ms after the first was due */
	cr_assert(traffic_run(&open, &result, &error), "%s", error.text);
	cr_assert_eq(result.answered, 100);
	cr_assert_geq(result.latency_ns.greatest, 99 * NS_PER_S / 1000);
	/* Request i has waited for at least 99 - i ms. */
	cr_assert_geq(result.latency_ns.sum, 99 * 100 / 2 * NS_PER_S / 1000);
}

Test(traffic, several_connections_take_turns_and_each_answer_finds_its_request)
{
	const struct traffic open = traffic(7, 1, 1000, 100);
	fake.release = 100;
	cr_assert(traffic_run(&open, &result, &error), "%s", error.text);
	cr_assert_eq(result.answered, 100);
	cr_assert_geq(result.latency_ns.sum, 99 * 100 / 2 * NS_PER_S / 1000);
	/* The last answer came `elapsed` after the start, request i was due i ms after it: no sum of latencies is greater. */
	cr_assert_leq(result.latency_ns.sum, 100 * result.elapsed_ns - 99 * 100 / 2 * NS_PER_S / 1000);
}

Test(traffic, whoever_is_answered_after_the_end_still_has_a_latency)
{
	struct traffic open = traffic(3, 1, 1000, 0);
	open.duration_ns = NS_PER_S / 20;
	fake.release = 50; /* the last request that is due before the end lets the first be answered */
	cr_assert(traffic_run(&open, &result, &error), "%s", error.text);
	cr_assert_eq(result.asked, 50);
	cr_assert_eq(result.latency_ns.count, 50);
	cr_assert_geq(result.latency_ns.sum, 49 * 50 / 2 * NS_PER_S / 1000);
}

Test(traffic, a_closed_loop_keeps_its_pipeline_under_way_and_no_more)
{
	const struct traffic closed = traffic(3, 8, 0, 1000);
	fake.release = 24; /* all three pipelines: with one request less under way, nobody would be answered */
	cr_assert(traffic_run(&closed, &result, &error), "%s", error.text);
	cr_assert_eq(fake.waiting_most, 24);
	cr_assert_eq(result.asked, 1000);
	cr_assert_eq(result.answered, 1000);
	cr_assert_eq(result.latency_ns.count, 1000);
}

Test(traffic, a_loop_ends_by_time_and_its_rate_is_over_that_time)
{
	struct traffic closed = traffic(2, 2, 0, 0);
	closed.duration_ns = NS_PER_S / 50;
	cr_assert(traffic_run(&closed, &result, &error), "%s", error.text);
	cr_assert_eq(fake.asked, fake.answered);
	cr_assert_float_eq(traffic_rate(&result), (double)result.answered * 50, 1e-6);
}

Test(traffic, lost_claims_are_counted_and_wrong_answers_end_it)
{
	const struct traffic closed = traffic(1, 1, 0, 10);
	fake.reply = REPLY_LOST;
	cr_assert(traffic_run(&closed, &result, &error), "%s", error.text);
	cr_assert_eq(result.lost, 10);
	fake.reply = REPLY_WRONG;
	cr_assert_not(traffic_run(&closed, &result, &error));
}

Test(traffic, an_answer_that_does_not_come_is_told)
{
	struct traffic closed = traffic(1, 2, 0, 2);
	fake.release = 3;
	closed.timeout_ms = 10;
	cr_assert_not(traffic_run(&closed, &result, &error));
	cr_assert_not_null(strstr(error.text, "2 requests were not answered"), "%s", error.text);
}

Test(traffic, a_mix_has_six_claims_three_lists_and_a_cancel_in_ten)
{
	uint32_t counts[REQUEST_CANCEL + 1] = {0};
	for (uint64_t k = 0; k < 1000; k++) {
		counts[traffic_kind(TRAFFIC_MIXED, k, true)]++;
	}
	cr_assert_eq(counts[REQUEST_CLAIM], 600);
	cr_assert_eq(counts[REQUEST_LIST], 300);
	cr_assert_eq(counts[REQUEST_CANCEL], 100);
	/* Where nothing can be cancelled yet, it is a claim. */
	cr_assert_eq(traffic_kind(TRAFFIC_MIXED, 9, false), REQUEST_CLAIM);
	cr_assert_eq(traffic_kind(TRAFFIC_PING, 9, true), REQUEST_PING);
	cr_assert_eq(traffic_kind(TRAFFIC_CLAIM, 9, true), REQUEST_CLAIM);
}
