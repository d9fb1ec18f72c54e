/*
 * command_hot: HOT: the slots that lost most claims, with what the table knows about their winners.
 */
#include "command_reply.h"
#include <serve/arguments.h>
#include <serve/hot.h>

/* When the slot's latest session was made, in milliseconds; 0 if there is none. Notes what that depends on [I2]. */
static uint64_t winner_ms(struct desk *desk, uint64_t key, uint64_t *lsn)
{
	struct slot_view slot;
	struct session_view session;
	const uint32_t number = table_find(desk->table, key);
	uint64_t session_lsn;
	if (number == 0 || !table_view(desk->table, number, key, &slot)) {
		*lsn = lsn_later(*lsn, table_removed_lsn(desk->table));
		return 0;
	}
	*lsn = lsn_later(*lsn, slot.lsn);
	if (slot.kind != CLAIM_SESSION) {
		return 0;
	}
	const bool there = desk_session(desk, slot.session, &session, &session_lsn);
	*lsn = lsn_later(*lsn, session_lsn);
	return there ? session.created_ms : 0;
}

static void reply_row(struct reply *reply, struct desk *desk, const struct hot_row *row, uint64_t *lsn)
{
	char at[17];
	format_place(row->key, at);
	const uint64_t won_ms = winner_ms(desk, row->key, lsn);
	reply_map(reply, 6);
	reply_text(reply, "psychologist");
	reply_bulk(reply, intern_token(&desk->table->psychologists, key_psychologist(row->key)));
	reply_text(reply, "date");
	reply_bulk(reply, (struct span){(const uint8_t *)at, 10});
	reply_text(reply, "time");
	reply_bulk(reply, (struct span){(const uint8_t *)at + 11, 5});
	reply_text(reply, "losers");
	reply_integer(reply, (int64_t)row->losers);
	reply_text(reply, "certain");
	reply_integer(reply, (int64_t)row->certain);
	reply_text(reply, "won_at");
	if (won_ms != 0) {
		reply_integer(reply, (int64_t)won_ms);
	} else {
		reply_null(reply);
	}
}

/* [n] [PSYCHOLOGIST psychologist] */
static bool read_arguments(struct reply *reply, const struct request *request, uint64_t *count, struct span *name)
{
	uint32_t next = 1;
	*count = HOT_COUNT_DEFAULT;
	*name = (struct span){NULL, 0};
	if (next < request->count && !span_is(request->words[next], "PSYCHOLOGIST") &&
	    !argument_number(reply, "n", request->words[next++], 1, HOT_COUNT_MAX, count)) {
		return false;
	}
	if (next == request->count) {
		return true;
	}
	if (next + 2 != request->count || !span_is(request->words[next], "PSYCHOLOGIST")) {
		argument_syntax(reply, request);
		return false;
	}
	return argument_token(reply, "psychologist", request->words[next + 1], name);
}

uint64_t command_hot(struct service *service, struct client *client, const struct request *request, struct reply *reply)
{
	(void)client;
	uint64_t count;
	struct span name;
	if (!read_arguments(reply, request, &count, &name)) {
		return 0;
	}
	struct desk *desk = service->desk;
	const uint32_t psychologist = name.size > 0 ? intern_find(&desk->table->psychologists, name) : 0;
	struct hot_row rows[HOT_COUNT_MAX];
	size_t found = 0;
	if (service->hots != NULL && (name.size == 0 || psychologist != 0)) {
		found = hot_merge(service->hots, service->worker_count, psychologist, rows, count);
	}
	if (found == SIZE_MAX) {
		reply_error(reply, "OOM no memory to add up the counts of all workers");
		return 0;
	}
	uint64_t lsn = 0;
	reply_array(reply, found);
	for (size_t i = 0; i < found; i++) {
		reply_row(reply, desk, &rows[i], &lsn);
	}
	return lsn;
}
