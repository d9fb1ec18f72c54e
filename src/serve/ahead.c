/*
 * ahead: see the header.
 */
#include <serve/ahead.h>
#include <serve/command.h>
#include <slot/civil.h>

/* Fills in where the claim will look; false if the request is none, or not a sound one. */
static bool expect(const struct desk *desk, const struct request *request, struct table_prospect *prospect)
{
	const struct command *command = command_find(request->words[0]);
	if (command == NULL || !(command->flags & COMMAND_CLAIMS) || request->count < command->words_min ||
	    !civil_parse_date(request->words[2], &prospect->day) ||
	    !civil_parse_time(request->words[3], &prospect->minute)) {
		return false;
	}
	table_expect(desk->table, prospect, request->words[1], request->words[4]);
	return true;
}

/* Cuts the burst at the start of `bytes`. */
static void look(struct ahead *ahead, const struct desk *desk, struct span bytes)
{
	size_t seen = 0;
	size_t claims = 0;
	ahead_forget(ahead);
	while (ahead->count == claims && claims < TABLE_PROSPECTS_MAX) {
		struct request *request = &ahead->requests[claims];
		size_t used;
		const char *refusal;
		const struct span rest = {bytes.at + seen, bytes.size - seen};
		if (request_parse(request, rest, &used, &refusal) != REQUEST_READY) {
			request_restart(request);
			break;
		}
		ahead->sizes[ahead->count++] = used;
		seen += used;
		claims += expect(desk, request, &ahead->prospects[claims]);
	}
	ahead->is_over = claims < TABLE_PROSPECTS_MAX;
	table_approach(desk->table, ahead->prospects, claims);
}

enum request_result ahead_cut(struct ahead *ahead, const struct service *service, struct request *own,
			      struct span bytes, const struct request **request, size_t *used, const char **refusal)
{
	/* Acquire; pairs with take_log, as in command_execute. */
	if (ahead->next == ahead->count && !ahead->is_over && request_is_at_start(own) &&
	    !atomic_load_explicit(&service->loading, memory_order_acquire)) {
		look(ahead, service->desk, bytes);
	}
	if (ahead->next == ahead->count) {
		*request = own;
		return request_parse(own, bytes, used, refusal);
	}
	*request = &ahead->requests[ahead->next];
	*used = ahead->sizes[ahead->next++];
	return REQUEST_READY;
}

void ahead_forget(struct ahead *ahead)
{
	ahead->count = ahead->next = 0;
	ahead->is_over = false;
}

void ahead_fini(struct ahead *ahead)
{
	for (size_t i = 0; i < TABLE_PROSPECTS_MAX; i++) {
		request_fini(&ahead->requests[i]);
	}
}
