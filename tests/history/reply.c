/*
 * reply: see reply.h.
 */
#include <history/reply.h>

static bool add_line(struct connection *connection, struct buffer *out, struct span *line)
{
	if (connection_line(connection, line) != CONNECTION_LINE || line->size == 0) {
		return false;
	}
	uint8_t *at = buffer_room(out, line->size + 1);
	memcpy(at, line->at, line->size);
	at[line->size] = '\n';
	out->size += line->size + 1;
	return true;
}

bool reply_read(struct connection *connection, struct buffer *out)
{
	struct span line;
	uint64_t count;
	for (uint64_t left = 1; left > 0; left--) {
		if (!add_line(connection, out, &line)) {
			return false;
		}
		if (line.at[0] == '*' && span_number((struct span){line.at + 1, line.size - 1}, UINT32_MAX, &count)) {
			left += count;
		}
		if (line.at[0] == '$' && line.at[1] != '-' && !add_line(connection, out, &line)) {
			return false;
		}
	}
	return true;
}

static struct span take_line(struct span *rest)
{
	const uint8_t *end = rest->size > 0 ? memchr(rest->at, '\n', rest->size) : NULL;
	const struct span line = {rest->at, end != NULL ? (size_t)(end - rest->at) : 0};
	const size_t taken = end != NULL ? line.size + 1 : 0;
	*rest = (struct span){rest->at + taken, rest->size - taken};
	return line;
}

struct reply_item reply_next(struct span *rest)
{
	const struct span line = take_line(rest);
	if (line.size == 0) {
		return (struct reply_item){0};
	}
	struct reply_item item = {.kind = (char)line.at[0], .text = {line.at + 1, line.size - 1}};
	if (item.kind == '$') {
		item.text = take_line(rest);
	} else if (item.kind == ':' || item.kind == '*') {
		(void)span_number(item.text, UINT64_MAX, &item.number);
	}
	return item;
}

bool reply_expect(struct span *rest, char kind, struct reply_item *item)
{
	*item = reply_next(rest);
	return item->kind == kind;
}
