/*
 * Proves: each kind of request is sent to slotd and to Redis byte by byte as it should be, and every reply is judged for what
 * it is, whatever pieces it comes in.
 */
#include <bench/peer.h>
#include <criterion/criterion.h>

static struct link link_to(const struct peer *peer)
{
	return (struct link){.peer = peer, .descriptor = -1};
}

static void fini(struct link *link)
{
	buffer_fini(&link->output);
	buffer_fini(&link->input);
}

static void asks(const struct peer *peer, enum request_kind kind, uint64_t session, const char *expected)
{
	struct link link = link_to(peer);
	struct draw draw;
	memcpy(draw.psychologist, "t7Qa-0001f3", sizeof draw.psychologist);
	memcpy(draw.date, "2031-01-29", sizeof draw.date);
	memcpy(draw.time, "13:30", sizeof draw.time);
	memcpy(draw.client, "ct7Qa00000a3f51e", sizeof draw.client);
	link.session = session;
	peer->ask(&link, kind, &draw);
	cr_assert_eq(link.asked, 1);
	cr_assert_eq(link.output.size, strlen(expected), "%.*s", (int)link.output.size, (const char *)link.output.at);
	cr_assert_arr_eq(link.output.at, expected, link.output.size, "%.*s", (int)link.output.size,
			 (const char *)link.output.at);
	fini(&link);
}

Test(peer_resp, requests_are_what_client_libraries_send)
{
	asks(&peer_slotd, REQUEST_PING, 0, "*1\r\n$4\r\nPING\r\n");
	asks(&peer_slotd, REQUEST_CLAIM, 0,
	     "*5\r\n$4\r\nBOOK\r\n$11\r\nt7Qa-0001f3\r\n$10\r\n2031-01-29\r\n$5\r\n13:30\r\n$"
	     "16\r\nct7Qa00000a3f51e\r\n");
	asks(&peer_slotd, REQUEST_LIST, 0,
	     "*5\r\n$5\r\nSLOTS\r\n$11\r\nt7Qa-0001f3\r\n$10\r\n2031-01-29\r\n$10\r\n2031-01-29\r\n$3\r\nALL\r\n");
	asks(&peer_slotd, REQUEST_CANCEL, 17, "CANCEL 17\r\n");
	asks(&peer_redis, REQUEST_PING, 0, "*1\r\n$4\r\nPING\r\n");
	asks(&peer_redis, REQUEST_CLAIM, 0,
	     "*4\r\n$3\r\nSET\r\n$28\r\nt7Qa-0001f3:2031-01-29:13:30\r\n$16\r\nct7Qa00000a3f51e\r\n$2\r\nNX\r\n");
}

Test(peer_resp, replies_are_judged_for_what_they_are)
{
	static const struct {
		const char *text;
		enum reply reply;
		uint64_t session;
	} cases[] = {
	    {"+PONG\r\n", REPLY_DONE, 0},
	    {":17\r\n", REPLY_DONE, 17},
	    {"*4\r\n$10\r\n2031-01-29\r\n$5\r\n13:30\r\n:30\r\n+open\r\n", REPLY_DONE, 0},
	    {"$-1\r\n", REPLY_LOST, 0},
	    {"-TAKEN This time slot was just booked by another user\r\n", REPLY_LOST, 0},
	    {"-NOSLOT\r\n", REPLY_WRONG, 0},
	    {":x\r\n", REPLY_WRONG, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct link link = link_to(&peer_slotd);
		const size_t size = strlen(cases[i].text);
		for (size_t k = 0; k + 1 < size; k++) {
			buffer_add(&link.input, cases[i].text + k, 1);
			cr_assert_eq(link.peer->next(&link), REPLY_NONE, "%zu bytes of %s", k + 1, cases[i].text);
		}
		buffer_add(&link.input, cases[i].text + size - 1, 1);
		cr_assert_eq(link.peer->next(&link), cases[i].reply, "%s", cases[i].text);
		cr_assert_eq(link.session, cases[i].session, "%s", cases[i].text);
		cr_assert_eq(link.peer->next(&link), REPLY_NONE, "after %s", cases[i].text);
		fini(&link);
	}
}
