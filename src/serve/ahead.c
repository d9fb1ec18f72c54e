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

size_t ahead_look(struct ahead *ahead, const struct desk *desk, struct span bytes)
{
	size_t seen = 0;
	size_t count = 0;
	while (seen < bytes.size && count < TABLE_PROSPECTS_MAX) {
		size_t used;
		const char *refusal;
		const struct span rest = {bytes.at + seen, bytes.size - seen};
		if (request_parse(&ahead->request, rest, &used, &refusal) != REQUEST_READY ||
		    !expect(desk, &ahead->request, &ahead->prospects[count])) {
			request_restart(&ahead->request);
			seen = bytes.size;
			break;
		}
		seen += used;
		count++;
	}
	table_approach(desk->table, ahead->prospects, count);
	return seen;
}

void ahead_fini(struct ahead *ahead)
{
	request_fini(&ahead->request);
}
