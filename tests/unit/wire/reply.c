/*
 * Proves that each kind of reply is written as RESP2 and RESP3 have it, byte by byte.
 */
#include <criterion/criterion.h>
#include <wire/reply.h>

static struct buffer out;

static struct reply replies(int protocol)
{
	out.size = 0;
	return (struct reply){&out, protocol};
}

static void expect(const char *bytes)
{
	cr_assert(span_equal((struct span){out.at, out.size}, span_of(bytes)), "%.*s instead of %s", (int)out.size,
		  (const char *)out.at, bytes);
	out.size = 0;
}

static void fini(void)
{
	buffer_fini(&out);
}

TestSuite(reply, .fini = fini);

Test(reply, what_is_the_same_in_both_protocols)
{
	for (int protocol = 2; protocol <= 3; protocol++) {
		struct reply reply = replies(protocol);
		reply_status(&reply, "OK");
		expect("+OK\r\n");
		reply_error(&reply, "TAKEN This slot of %d minutes is gone", 50);
		expect("-TAKEN This slot of 50 minutes is gone\r\n");
		reply_bulk(&reply, (struct span){(const uint8_t *)"a\0b", 3});
		cr_assert(
		    span_equal((struct span){out.at, out.size}, (struct span){(const uint8_t *)"$3\r\na\0b\r\n", 9}));
		out.size = 0;
		reply_bulk(&reply, (struct span){NULL, 0});
		expect("$0\r\n\r\n");
		reply_text(&reply, "0123456789");
		expect("$10\r\n0123456789\r\n");
		reply_array(&reply, 0);
		expect("*0\r\n");
		reply_array(&reply, 1440);
		expect("*1440\r\n");
	}
}

Test(reply, integers_to_the_ends_of_their_range)
{
	struct reply reply = replies(2);
	reply_integer(&reply, 0);
	expect(":0\r\n");
	reply_integer(&reply, -1);
	expect(":-1\r\n");
	reply_integer(&reply, 1000);
	expect(":1000\r\n");
	reply_integer(&reply, INT64_MAX);
	expect(":9223372036854775807\r\n");
	reply_integer(&reply, INT64_MIN);
	expect(":-9223372036854775808\r\n");
}

Test(reply, what_resp2_says_in_its_own_way)
{
	struct reply reply = replies(2);
	reply_null(&reply);
	expect("$-1\r\n");
	reply_map(&reply, 3);
	expect("*6\r\n");
	reply_set(&reply, 2);
	expect("*2\r\n");
	reply_verbatim(&reply, span_of("# Server"));
	expect("$8\r\n# Server\r\n");
}

Test(reply, what_resp3_says_in_its_own_way)
{
	struct reply reply = replies(3);
	reply_null(&reply);
	expect("_\r\n");
	reply_map(&reply, 3);
	expect("%3\r\n");
	reply_set(&reply, 2);
	expect("~2\r\n");
	reply_verbatim(&reply, span_of("# Server"));
	expect("=12\r\ntxt:# Server\r\n");
}

Test(reply, an_error_is_one_line_whatever_is_in_it)
{
	struct reply reply = replies(2);
	reply_error(&reply, "ERR a%sb", "\r\n-OK\t");
	expect("-ERR a  -OK b\r\n");
}

Test(reply, a_long_error_is_cut)
{
	struct reply reply = replies(2);
	reply_error(&reply, "ERR %5000d", 7);
	cr_assert_lt(out.size, 1100);
	cr_assert_eq(out.at[out.size - 2], '\r');
	cr_assert_eq(out.at[out.size - 1], '\n');
}
