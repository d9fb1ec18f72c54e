/*
 * answer: see answer.h.
 */
#include <history/answer.h>
#include <history/reply.h>

static const char *const names[] = {"UNKNOWN", "DONE",      "LOST",    "TAKEN", "HELD",      "BLOCKED",
				    "NOSLOT",  "PAST",      "EXPIRED", "STATE", "NOSESSION", "LIMIT",
				    "OVERLAP", "EXECABORT", "ERR",     "BROKEN"};

const char *answer_name(enum answer_code code)
{
	return names[code];
}

/* Takes a word off the front, and one blank, comma or colon, with the blank behind it. */
static struct span take_word(struct span *rest)
{
	size_t size = 0;
	while (size < rest->size && rest->at[size] != ' ' && rest->at[size] != ',') {
		size++;
	}
	const struct span word = {rest->at, size};
	while (size < rest->size && (rest->at[size] == ' ' || rest->at[size] == ',')) {
		size++;
	}
	*rest = (struct span){rest->at + size, rest->size - size};
	return word;
}

static enum answer_code code_of(struct span word)
{
	enum answer_code code = ANSWER_TAKEN;
	while (code < ANSWER_BROKEN && !span_equal(word, span_of(names[code]))) {
		code++;
	}
	return code;
}

/* "TAKEN dr-a 2031-01-06 09:00, NOSLOT dr-a ...": which parts were refused, and why. */
static void read_lost(struct answer *answer, const struct op *op, const struct agenda *agenda, struct span rest)
{
	enum answer_code code = answer->code;
	while (rest.size > 0) {
		struct span word = take_word(&rest);
		if (code_of(word) != ANSWER_BROKEN) {
			code = code_of(word);
			word = take_word(&rest);
		}
		const struct span date = take_word(&rest);
		const uint32_t slot = agenda_find(agenda, word, date, take_word(&rest));
		uint32_t part = 0;
		while (part < op->part_count && op->parts[part].slot != slot) {
			part++;
		}
		if (part == op->part_count) {
			answer->code = ANSWER_BROKEN;
			return;
		}
		answer->refused[part] = code;
	}
}

/* "Transaction discarded, command 2 (BOOK): TAKEN This ...". */
static void read_abort(struct answer *answer, const struct op *op, struct span rest)
{
	uint64_t number = 0;
	struct span word;
	while (rest.size > 0 && !span_equal(word = take_word(&rest), span_of("command"))) {
	}
	word = take_word(&rest);
	(void)take_word(&rest);
	const enum answer_code code = code_of(take_word(&rest));
	if (!span_number(word, op->part_count, &number) || number == 0 || code == ANSWER_BROKEN) {
		answer->code = ANSWER_BROKEN;
		return;
	}
	answer->part = (uint32_t)number - 1;
	answer->refused[answer->part] = code;
}

static void read_error(struct answer *answer, const struct op *op, const struct agenda *agenda, struct span text)
{
	struct span rest = text;
	answer->code = code_of(take_word(&rest));
	if (answer->code == ANSWER_ABORT) {
		read_abort(answer, op, rest);
	} else if (op->verb == OP_BOOKALL && answer->code != ANSWER_BROKEN && answer->code != ANSWER_LIMIT) {
		read_lost(answer, op, agenda, text);
	} else if (span_equal(text, span_of("MISCONF The log failed, the outcome is not known"))) {
		answer->code = ANSWER_UNKNOWN;
	}
}

static bool read_part(const struct op *op, uint32_t part, struct span *rest, struct answer *answer)
{
	struct reply_item item = reply_next(rest);
	uint64_t *session = &answer->sessions[part];
	switch (op->verb == OP_EXEC ? op->parts[part].verb : op->verb) {
	case OP_BOOK:
		*session = item.number;
		return item.kind == ':' && item.number != 0;
	case OP_CLAIM:
		answer->code = item.number == 1 || op->verb == OP_EXEC ? answer->code : ANSWER_LOST;
		return item.kind == ':' && item.number <= (op->verb != OP_EXEC ? 1 : item.number);
	case OP_HOLD:
		if (item.kind != '*' || item.number != 2 || !reply_expect(rest, ':', &item)) {
			return false;
		}
		*session = item.number;
		(void)reply_expect(rest, ':', &item);
		answer->numbers[part] = item.number;
		return item.kind == ':';
	case OP_RENEW:
	case OP_OPEN:
	case OP_CLOSE:
		answer->numbers[part] = item.number;
		return item.kind == ':';
	default:
		return item.kind == '+' && span_equal(item.text, span_of("OK"));
	}
}

static bool read_series(const struct op *op, const struct agenda *agenda, struct span rest, struct answer *answer)
{
	struct reply_item item = reply_next(&rest);
	if (item.kind != '*' || item.number != (op->verb == OP_BOOKALL ? op->part_count : 4)) {
		return false;
	}
	if (op->verb == OP_BOOKALL) {
		for (uint32_t i = 0; i < op->part_count; i++) {
			if (!reply_expect(&rest, ':', &item)) {
				return false;
			}
			answer->sessions[i] = item.number;
		}
		return true;
	}
	struct reply_item words[3] = {0};
	if (!reply_expect(&rest, ':', &item)) {
		return false;
	}
	answer->sessions[0] = item.number;
	for (uint32_t i = 0; i < 3; i++) {
		if (!reply_expect(&rest, '$', &words[i])) {
			return false;
		}
	}
	const uint32_t slot = agenda_find(agenda, words[0].text, words[1].text, words[2].text);
	while (answer->part < op->part_count && op->parts[answer->part].slot != slot) {
		answer->part++;
	}
	return answer->part < op->part_count;
}

/* +OK, +QUEUED for each part, and then what EXEC says. */
static bool read_exec(const struct op *op, const struct agenda *agenda, struct span rest, struct answer *answer)
{
	for (uint32_t i = 0; i <= op->part_count; i++) {
		if (reply_next(&rest).kind != '+') {
			return false;
		}
	}
	const struct reply_item item = reply_next(&rest);
	if (item.kind == '-') {
		read_error(answer, op, agenda, item.text);
		return answer->code == ANSWER_ABORT;
	}
	bool good = item.kind == '*' && item.number == op->part_count;
	for (uint32_t i = 0; i < op->part_count && good; i++) {
		good = read_part(op, i, &rest, answer);
	}
	return good;
}

struct answer answer_read(const struct op *op, const struct agenda *agenda, struct span reply)
{
	struct answer answer = {.code = ANSWER_DONE, .reply = reply};
	struct span rest = reply;
	if (reply.size == 0) {
		answer.code = ANSWER_UNKNOWN;
		return answer;
	}
	bool good;
	const struct reply_item first = reply_next(&rest);
	if (first.kind == '-') {
		read_error(&answer, op, agenda, first.text);
		return answer;
	}
	if (op->verb == OP_EXEC) {
		good = read_exec(op, agenda, reply, &answer);
	} else if (op->verb == OP_BOOKALL || op->verb == OP_BOOKANY) {
		good = read_series(op, agenda, reply, &answer);
	} else if (op->verb < OP_SLOT || op->verb == OP_OPEN || op->verb == OP_CLOSE) {
		rest = reply;
		good = read_part(op, 0, &rest, &answer);
	} else {
		good = first.kind == '*';
	}
	answer.code = good ? answer.code : ANSWER_BROKEN;
	return answer;
}
