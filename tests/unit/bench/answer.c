/*
 * Proves: the bench reads every shape of RESP2 reply whole, whatever the pieces it comes in, and takes nothing else for
 * one.
 *
 * How: each reply is parsed from each of its prefixes; only the whole may count.
 */
#include <bench/answer.h>
#include <criterion/criterion.h>

static const char *const replies[] = {
    "+PONG\r\n",
    "-TAKEN This time slot was just booked by another user\r\n",
    ":4294967297\r\n",
    "$5\r\nhe\r\nl\r\n",
    "$0\r\n\r\n",
    "$-1\r\n",
    "*0\r\n",
    "*-1\r\n",
    "*2\r\n*2\r\n$1\r\na\r\n:7\r\n*2\r\n$-1\r\n+b\r\n",
    "*6\r\n$6\r\nstatus\r\n$6\r\nbooked\r\n$7\r\nminutes\r\n:50\r\n$7\r\nsession\r\n:12\r\n",
};

static enum answer_result parse(struct answer *answer, const char *text, size_t size, size_t *used)
{
	/* A copy of just these bytes, so that a sanitizer sees a look beyond them. */
	uint8_t *bytes = malloc(size + 1);
	memcpy(bytes, text, size);
	const enum answer_result result = answer_parse(answer, (struct span){bytes, size}, used);
	free(bytes);
	return result;
}

Test(answer, only_the_whole_reply_counts)
{
	struct answer answer;
	size_t nothing = 0;
	cr_assert_eq(answer_parse(&answer, (struct span){0}, &nothing), ANSWER_PARTIAL);
	for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
		const size_t size = strlen(replies[i]);
		size_t used = 0;
		for (size_t prefix = 0; prefix < size; prefix++) {
			cr_assert_eq(parse(&answer, replies[i], prefix, &used), ANSWER_PARTIAL, "%zu bytes of %s",
				     prefix, replies[i]);
		}
		cr_assert_eq(parse(&answer, replies[i], size, &used), ANSWER_WHOLE, "%s", replies[i]);
		cr_assert_eq(used, size, "%s", replies[i]);
		cr_assert_eq(answer.kind, replies[i][0]);
	}
}

Test(answer, the_next_reply_is_left_alone)
{
	struct answer answer;
	size_t used = 0;
	cr_assert_eq(answer_parse(&answer, span_of(":1\r\n:2\r\n"), &used), ANSWER_WHOLE);
	cr_assert_eq(used, 4);
	cr_assert(answer_is(&answer, ':', "1"));
}

Test(answer, a_tree_is_its_leaves_in_order)
{
	struct answer answer;
	size_t used;
	cr_assert_eq(answer_parse(&answer, span_of(replies[8]), &used), ANSWER_WHOLE);
	cr_assert_eq(answer.count, 4);
	cr_assert(span_equal(answer.words[0], span_of("a")));
	cr_assert(span_equal(answer.words[1], span_of("7")));
	cr_assert_eq(answer.words[2].size, 0);
	cr_assert(span_equal(answer.words[3], span_of("b")));
}

Test(answer, fields_of_a_map_are_found_by_name)
{
	struct answer answer;
	size_t used;
	cr_assert_eq(answer_parse(&answer, span_of(replies[9]), &used), ANSWER_WHOLE);
	cr_assert(span_equal(answer_field(&answer, "status"), span_of("booked")));
	cr_assert(span_equal(answer_field(&answer, "session"), span_of("12")));
	cr_assert_eq(answer_field(&answer, "booked").size, 0, "a value is no name");
	cr_assert_eq(answer_field(&answer, "client").size, 0);
}

Test(answer, a_number_is_an_integer_reply)
{
	struct answer answer;
	size_t used;
	uint64_t number = 0;
	cr_assert_eq(answer_parse(&answer, span_of(":4294967297\r\n"), &used), ANSWER_WHOLE);
	cr_assert(answer_number(&answer, &number));
	cr_assert_eq(number, UINT64_C(4294967297));
	static const char *const others[] = {":-1\r\n", "+1\r\n", "$1\r\n1\r\n", "-1\r\n", ":\r\n"};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		cr_assert_eq(answer_parse(&answer, span_of(others[i]), &used), ANSWER_WHOLE);
		cr_assert_not(answer_number(&answer, &number), "%s", others[i]);
	}
}

Test(answer, what_is_no_reply_is_refused)
{
	static const char *const others[] = {"hello\r\n", "\r\n",        "$x\r\n", "$-2\r\n",
					     "*1x\r\n",   "*1\r\nx\r\n", "$\r\n",  "_\r\n"};
	struct answer answer;
	size_t used;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		cr_assert_eq(answer_parse(&answer, span_of(others[i]), &used), ANSWER_BROKEN, "%s", others[i]);
	}
	uint8_t zero[] = {0, '\r', '\n'};
	cr_assert_eq(answer_parse(&answer, (struct span){zero, sizeof zero}, &used), ANSWER_BROKEN);
}

Test(answer, more_words_than_there_is_room_for_are_refused)
{
	struct buffer reply = {0};
	buffer_format(&reply, "*%d\r\n", ANSWER_WORDS_MAX + 1);
	for (int i = 0; i <= ANSWER_WORDS_MAX; i++) {
		buffer_add(&reply, ":1\r\n", 4);
	}
	struct answer answer;
	size_t used;
	cr_assert_eq(answer_parse(&answer, (struct span){reply.at, reply.size}, &used), ANSWER_BROKEN);
	buffer_fini(&reply);
}
