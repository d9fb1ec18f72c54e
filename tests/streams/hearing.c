/*
 * hearing: see hearing.h.
 */
#include <base/check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <streams/asked.h>
#include <streams/hearing.h>
#include <streams/told.h>

/* ------------------------------------------------------------------------------------------------------------ the questions */

/* The operations of all clients, and their answers. */
struct case_file {
	struct answer *answers[RECORDER_CLIENTS];
	uint64_t count;
};

static void case_open(struct case_file *file, const struct hearing *hearing)
{
	*file = (struct case_file){0};
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		const struct recorder_client *client = &hearing->recorder->clients[i];
		file->count += client->count;
		file->answers[i] = calloc(client->count + 1, sizeof *file->answers[i]);
		CHECK(file->answers[i] != NULL);
		for (uint64_t j = 0; j < client->count; j++) {
			file->answers[i][j] = answer_read(&client->ops[j], hearing->recorder->agenda,
							  recorder_reply(client, &client->ops[j]));
		}
	}
}

static void case_close(struct case_file *file)
{
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		free(file->answers[i]);
	}
}

static bool was_asked_for(const struct hearing *hearing, const struct case_file *file)
{
	struct tally tally;
	tally_init(&tally, file->count);
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		const struct recorder_client *client = &hearing->recorder->clients[i];
		for (uint64_t j = 0; j < client->count; j++) {
			tally_count(&tally, &client->ops[j], &file->answers[i][j]);
		}
	}
	const struct asked_record *records = hearing->records.items;
	bool good = true;
	for (size_t i = 0; i < hearing->records.count && good; i++) {
		good = tally_take(&tally, &records[i]);
		if (!good) {
			printf("nobody asked for the record at lsn %" PRIu64 ", or not so often\n", records[i].lsn);
		}
	}
	tally_fini(&tally);
	return good;
}

/* --------------------------------------------------------------------------------------------------------------- calendars */

/* A CANCEL, which alone names the request in the log: what was asked for at that moment came to be at that lsn. */
struct mark {
	uint64_t invoked_ns;
	uint64_t lsn;
};

static int compare_hashes(const void *a, const void *b)
{
	const struct asked_record *first = a;
	const struct asked_record *second = b;
	return (first->hash > second->hash) - (first->hash < second->hash);
}

static int compare_marks(const void *a, const void *b)
{
	const struct mark *first = a;
	const struct mark *second = b;
	return (first->invoked_ns > second->invoked_ns) - (first->invoked_ns < second->invoked_ns);
}

/* In order of their questions; of each, `lsn` becomes the lowest of it and all behind it. */
static void collect_marks(struct hearing *hearing, struct list *marks)
{
	qsort(hearing->records.items, hearing->records.count, sizeof(struct asked_record), compare_hashes);
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		const struct recorder_client *client = &hearing->recorder->clients[i];
		for (uint64_t j = 0; j < client->count; j++) {
			const struct op *op = &client->ops[j];
			const struct asked_record wanted = {.hash = asked_hash(op, &op->parts[0])};
			const struct asked_record *record =
			    op->verb != OP_CANCEL ? NULL
						  : bsearch(&wanted, hearing->records.items, hearing->records.count,
							    sizeof wanted, compare_hashes);
			if (record != NULL) {
				list_add(marks, &(struct mark){op->invoked_ns, record->lsn}, sizeof(struct mark));
			}
		}
	}
	if (marks->count == 0) {
		return;
	}
	qsort(marks->items, marks->count, sizeof(struct mark), compare_marks);
	struct mark *all = marks->items;
	for (size_t i = marks->count - 1; i-- > 0;) {
		all[i].lsn = all[i].lsn < all[i + 1].lsn ? all[i].lsn : all[i + 1].lsn;
	}
}

/* From which lsn on everything came later than this moment, as far as marks tell. */
static uint64_t lsn_after(const struct list *marks, uint64_t at_ns, uint64_t none)
{
	const struct mark *all = marks->items;
	size_t low = 0;
	size_t high = marks->count;
	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (all[middle].invoked_ns <= at_ns) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < marks->count ? all[low].lsn : none;
}

/* A BUSY that was answered has all its slots blocked; one that was not has them after the restart. */
static void settle_calendars(struct hearing *hearing)
{
	struct list marks = {0};
	struct sync *syncs = hearing->witness->syncs.items;
	const uint64_t end_lsn = hearing->witness->lsn + 1;
	collect_marks(hearing, &marks);
	for (size_t i = hearing->witness->syncs.count; i-- > 0 && syncs[i].until_lsn == UINT64_MAX;) {
		syncs[i].until_lsn = end_lsn;
	}
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		const struct recorder_client *client = &hearing->recorder->clients[i];
		for (uint64_t j = 0; j < client->count; j++) {
			const struct op *op = &client->ops[j];
			for (size_t at = hearing->witness->syncs.count;
			     at-- > 0 && op->verb == OP_BUSY && op->answered && syncs[at].lsn >= hearing->first_lsn;) {
				if (syncs[at].generation == op->number) {
					syncs[at].until_lsn = lsn_after(&marks, op->returned_ns, end_lsn);
				}
			}
		}
	}
	free(marks.items);
}

static bool no_late_claims(const struct hearing *hearing)
{
	const struct late_claim *claims = hearing->witness->late_claims.items;
	const struct sync *syncs = hearing->witness->syncs.items;
	for (size_t i = 0; i < hearing->witness->late_claims.count; i++) {
		bool excused = false;
		for (size_t at = 0; at < hearing->witness->syncs.count && !excused; at++) {
			excused = syncs[at].psychologist == claims[i].psychologist && syncs[at].lsn < claims[i].lsn &&
				  claims[i].lsn < syncs[at].until_lsn;
		}
		if (!excused) {
			printf("the slot claimed at lsn %" PRIu64 " was blocked\n", claims[i].lsn);
			return false;
		}
	}
	return true;
}

/* ----------------------------------------------------------------------------------------------------------------- answers */

/* An lsn that answers cannot be before, and the answer that is the reason. */
struct bound {
	uint64_t lsn;
	const struct op *op;
	const struct answer *answer;
};

/* Where a client's operations are looked at. */
struct cursor {
	uint64_t asked;           /* the next question, */
	uint64_t answered;        /* and the next answer */
	struct bound from;        /* lowest lsn for that */
	struct bound *asked_from; /* what anybody had been told when each was asked */
};

static void print_op(const struct hearing *hearing, const struct op *op, const struct answer *answer)
{
	struct buffer request = {0};
	op_write(op, hearing->recorder->agenda, &request);
	printf("%.*s%.*s", (int)request.size, (const char *)request.at,
	       (int)(answer->reply.size < 2000 ? answer->reply.size : 2000), (const char *)answer->reply.at);
	buffer_fini(&request);
}

static void complain(const struct hearing *hearing, const struct op *op, const struct answer *answer,
		     const struct bound *from)
{
	printf("no lsn from %" PRIu64 " to %" PRIu64 " explains this answer (%s)\n", from->lsn, hearing->witness->lsn,
	       answer_name(answer->code));
	print_op(hearing, op, answer);
	if (from->op != NULL) {
		printf("since before it there was this, which cannot be before lsn %" PRIu64 "\n", from->lsn);
		print_op(hearing, from->op, from->answer);
	}
}

/* The earliest event that was not looked at: of which client, and is it an answer? False: there is none. */
static bool next_event(const struct hearing *hearing, const struct cursor *cursors, uint32_t *which, bool *is_answer)
{
	uint64_t first_ns = UINT64_MAX;
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		const struct recorder_client *client = &hearing->recorder->clients[i];
		const struct cursor *cursor = &cursors[i];
		/* Of a question and an answer at the same time, the question was first. */
		if (cursor->asked < client->count && client->ops[cursor->asked].invoked_ns <= first_ns) {
			first_ns = client->ops[cursor->asked].invoked_ns;
			*which = i;
			*is_answer = false;
		}
		if (cursor->answered < cursor->asked && client->ops[cursor->answered].answered &&
		    client->ops[cursor->answered].returned_ns < first_ns) {
			first_ns = client->ops[cursor->answered].returned_ns;
			*which = i;
			*is_answer = true;
		}
	}
	return first_ns != UINT64_MAX;
}

static void raise(struct bound *bound, const struct bound *to)
{
	*bound = to->lsn > bound->lsn ? *to : *bound;
}

/* Places one answer. `told` grows with what anybody has been told. */
static bool place(struct hearing *hearing, const struct op *op, const struct answer *answer, struct cursor *cursor,
		  struct bound *told)
{
	const struct told asked = {
	    .op = op,
	    .answer = answer,
	    .invoked_ms = hearing->wall_ms + op->invoked_ns / 1000000,
	    .returned_ms = hearing->wall_ms + op->returned_ns / 1000000,
	    .threads = hearing->threads,
	};
	const struct bound placed = {told_place(hearing->witness, &asked, cursor->from.lsn), op, answer};
	if (placed.lsn == TOLD_NOWHERE) {
		complain(hearing, op, answer, &cursor->from);
		return false;
	}
	raise(&cursor->from, &placed);
	raise(told, &placed);
	hearing->answers[op->verb][answer->code]++;
	return true;
}

static bool place_all(struct hearing *hearing, const struct case_file *file)
{
	struct cursor cursors[RECORDER_CLIENTS] = {0};
	struct bound told = {.lsn = hearing->first_lsn - 1};
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		cursors[i].from = told;
		cursors[i].asked_from = calloc(hearing->recorder->clients[i].count + 1, sizeof(struct bound));
		CHECK(cursors[i].asked_from != NULL);
	}
	uint32_t which;
	bool is_answer;
	bool good = true;
	while (good && next_event(hearing, cursors, &which, &is_answer)) {
		struct cursor *cursor = &cursors[which];
		if (!is_answer) {
			cursor->asked_from[cursor->asked++] = told;
			continue;
		}
		const uint64_t i = cursor->answered++;
		raise(&cursor->from, &cursor->asked_from[i]);
		good =
		    place(hearing, &hearing->recorder->clients[which].ops[i], &file->answers[which][i], cursor, &told);
	}
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		free(cursors[i].asked_from);
	}
	return good;
}

void hearing_note(struct hearing *hearing, const struct record *record, uint64_t lsn)
{
	asked_note(&hearing->records, hearing->witness, record, lsn);
}

bool hearing_hold(struct hearing *hearing)
{
	struct case_file file;
	case_open(&file, hearing);
	bool good = was_asked_for(hearing, &file);
	settle_calendars(hearing);
	good = good && no_late_claims(hearing) && place_all(hearing, &file);
	case_close(&file);
	hearing->records.count = 0;
	hearing->witness->late_claims.count = 0;
	hearing->first_lsn = hearing->witness->lsn + 1;
	return good;
}

void hearing_fini(struct hearing *hearing)
{
	free(hearing->records.items);
}
