/*
 * answer_look: what readers were told, taken apart. See answer.h.
 */
#include <history/answer.h>
#include <history/reply.h>
#include <stdio.h>

/* The fields of a SESSION, in their order. */
struct fields {
	struct reply_item psychologist, date, time, client, status;
	struct reply_item id, minutes, version, created, updated;
};

static bool read_fields(struct span *rest, struct fields *fields)
{
	struct {
		const char *name;
		struct reply_item *item;
	} const order[] = {
	    {"id", &fields->id},
	    {"psychologist", &fields->psychologist},
	    {"date", &fields->date},
	    {"time", &fields->time},
	    {"minutes", &fields->minutes},
	    {"client", &fields->client},
	    {"status", &fields->status},
	    {"version", &fields->version},
	    {"created_at", &fields->created},
	    {"updated_at", &fields->updated},
	};
	const size_t count = sizeof order / sizeof order[0];
	struct reply_item item;
	bool good = reply_expect(rest, '*', &item) && item.number == 2 * count;
	for (size_t i = 0; i < count && good; i++) {
		good = reply_expect(rest, '$', &item) && span_equal(item.text, span_of(order[i].name));
		*order[i].item = reply_next(rest);
	}
	return good;
}

static bool read_status(struct span word, enum session_status *status)
{
	for (*status = SESSION_HELD; *status <= SESSION_NO_SHOW; ++*status) {
		if (span_equal(word, span_of(session_status_name(*status)))) {
			return true;
		}
	}
	return false;
}

bool answer_client(struct span token, uint32_t *client)
{
	static const char before[] = "client-";
	const size_t size = sizeof before - 1;
	uint64_t number;
	const bool good = token.size > size && memcmp(token.at, before, size) == 0 &&
			  span_number((struct span){token.at + size, token.size - size}, UINT32_MAX, &number);
	*client = good ? (uint32_t)number : 0;
	return good;
}

bool answer_session(struct span *rest, const struct agenda *agenda, struct answer_session *session)
{
	struct fields fields = {0};
	if (!read_fields(rest, &fields) || !read_status(fields.status.text, &session->status) ||
	    !answer_client(fields.client.text, &session->client) || fields.minutes.number != AGENDA_MINUTES) {
		return false;
	}
	session->id = fields.id.number;
	session->version = (uint32_t)fields.version.number;
	session->created_ms = fields.created.number;
	session->updated_ms = fields.updated.number;
	session->slot = agenda_find(agenda, fields.psychologist.text, fields.date.text, fields.time.text);
	return session->slot < agenda->count;
}

static bool read_slot_status(struct span word, struct answer_slot *slot)
{
	static const char *const words[] = {"none", "open", "held", "booked", "blocked"};
	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (span_equal(word, span_of(words[i]))) {
			slot->status = i;
			return true;
		}
	}
	return false;
}

bool answer_slot(struct span reply, struct answer_slot *slot)
{
	struct reply_item item;
	*slot = (struct answer_slot){0};
	if (!reply_expect(&reply, '*', &item)) {
		return false;
	}
	bool good = item.number % 2 == 0;
	for (uint64_t left = item.number; left > 0 && good; left -= 2) {
		struct reply_item name;
		good = reply_expect(&reply, '$', &name);
		item = reply_next(&reply);
		if (span_equal(name.text, span_of("status"))) {
			good = good && read_slot_status(item.text, slot);
		} else if (span_equal(name.text, span_of("session"))) {
			slot->session = item.number;
		} else {
			good = good && span_equal(name.text, span_of("minutes")) && item.number == AGENDA_MINUTES;
		}
	}
	return good;
}

bool answer_row(struct span *rest, const struct agenda *agenda, const char *psychologist, uint32_t *index,
		struct answer_slot *slot)
{
	struct reply_item item, date, time, status;
	*slot = (struct answer_slot){0};
	if (!reply_expect(rest, '*', &item) || item.number != 4 || !reply_expect(rest, '$', &date) ||
	    !reply_expect(rest, '$', &time) || !reply_expect(rest, ':', &item) || item.number != AGENDA_MINUTES ||
	    !reply_expect(rest, '$', &status) || !read_slot_status(status.text, slot)) {
		return false;
	}
	*index = agenda_find(agenda, span_of(psychologist), date.text, time.text);
	return *index < agenda->count;
}
