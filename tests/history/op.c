/*
 * op: see op.h.
 */
#include <base/check.h>
#include <history/op.h>
#include <inttypes.h>

static const char *const names[] = {"BOOK",   "CLAIM",    "HOLD",   "COMMIT",       "RENEW",   "CONFIRM",
				    "CANCEL", "COMPLETE", "NOSHOW", "RESCHEDULE",   "BOOKALL", "BOOKANY",
				    "EXEC",   "SLOT",     "SLOTS",  "ALTERNATIVES", "SESSION", "SESSIONS",
				    "OPEN",   "CLOSE",    "BUSY"};

const char *op_name(enum op_verb verb)
{
	return names[verb];
}

uint32_t op_replies(const struct op *op)
{
	return op->verb == OP_EXEC ? op->part_count + 2 : 1;
}

/* " psychologist date time" */
static void write_place(const struct agenda_slot *slot, struct buffer *out)
{
	buffer_format(out, " %s %s %s", slot->psychologist, slot->date, slot->time);
}

static void write_claim(const struct op *op, const struct op_part *part, const struct agenda *agenda,
			struct buffer *out)
{
	buffer_format(out, "%s", names[part->verb]);
	write_place(&agenda->slots[part->slot], out);
	buffer_format(out, " client-%" PRIu32, op->client);
	if (part->verb == OP_HOLD) {
		buffer_format(out, " TTL %u", op->seconds);
	}
	if (op->count != 0) {
		buffer_format(out, " ALT %u", op->count);
	}
	buffer_format(out, "\r\n");
}

static void write_change(const struct op *op, const struct op_part *part, const struct agenda *agenda,
			 struct buffer *out)
{
	const struct agenda_slot *slot = &agenda->slots[part->slot];
	buffer_format(out, "%s %" PRIu64, names[part->verb], part->session);
	if (part->verb == OP_CANCEL) {
		buffer_format(out, " op-%" PRIu64, op->number);
	} else if (part->verb == OP_RENEW) {
		buffer_format(out, " TTL %u", op->seconds);
	} else if (part->verb == OP_RESCHEDULE) {
		buffer_format(out, " %s %s %s", slot->date, slot->time, slot->psychologist);
	}
	buffer_format(out, "\r\n");
}

static void write_series(const struct op *op, const struct agenda *agenda, struct buffer *out)
{
	buffer_format(out, "%s client-%" PRIu32, names[op->verb], op->client);
	for (uint32_t i = 0; i < op->part_count; i++) {
		write_place(&agenda->slots[op->parts[i].slot], out);
	}
	buffer_format(out, "\r\n");
}

static void write_look(const struct op *op, const struct agenda *agenda, struct buffer *out)
{
	const struct agenda_slot *slot = &agenda->slots[op->parts[0].slot];
	const struct agenda_slot *last = &agenda->slots[op->parts[1].slot];
	if (op->verb == OP_SLOTS) {
		buffer_format(out, "SLOTS %s %s %s ALL\r\n", slot->psychologist, slot->date, last->date);
	} else if (op->verb == OP_SESSIONS) {
		buffer_format(out, "SESSIONS client-%" PRIu32 " %s %s\r\n", op->client, slot->date, last->date);
	} else if (op->verb == OP_SESSION) {
		buffer_format(out, "SESSION %" PRIu64 "\r\n", op->parts[0].session);
	} else {
		buffer_format(out, "%s", names[op->verb]);
		write_place(slot, out);
		if (op->count != 0) {
			buffer_format(out, " COUNT %u", op->count);
		}
		buffer_format(out, "\r\n");
	}
}

static void write_hours(const struct op *op, const struct agenda *agenda, struct buffer *out)
{
	const struct agenda_slot *slot = &agenda->slots[op->parts[0].slot];
	if (op->verb == OP_BUSY) {
		buffer_format(out, "BUSY %s calendar %" PRIu64 " %sT00:00 %sT23:59", slot->psychologist, op->number,
			      slot->date, slot->date);
		if (!op->free) {
			/* Over the last minutes of the slot, and the pause behind it. */
			buffer_format(out, " %sT%.2s:40 %sT%.2s:59", slot->date, slot->time, slot->date, slot->time);
		}
		buffer_format(out, "\r\n");
		return;
	}
	buffer_format(out, "%s", names[op->verb]);
	write_place(slot, out);
	buffer_format(out, op->verb == OP_OPEN ? " %d\r\n" : "\r\n", AGENDA_MINUTES);
}

static void write_part(const struct op *op, const struct op_part *part, const struct agenda *agenda, struct buffer *out)
{
	if (part->verb <= OP_HOLD) {
		write_claim(op, part, agenda, out);
	} else {
		write_change(op, part, agenda, out);
	}
}

void op_write(const struct op *op, const struct agenda *agenda, struct buffer *out)
{
	if (op->verb == OP_EXEC) {
		buffer_format(out, "MULTI\r\n");
		for (uint32_t i = 0; i < op->part_count; i++) {
			write_part(op, &op->parts[i], agenda, out);
		}
		buffer_format(out, "EXEC\r\n");
	} else if (op->verb <= OP_RESCHEDULE) {
		write_part(op, &op->parts[0], agenda, out);
	} else if (op->verb <= OP_BOOKANY) {
		write_series(op, agenda, out);
	} else if (op->verb <= OP_SESSIONS) {
		write_look(op, agenda, out);
	} else {
		write_hours(op, agenda, out);
	}
}
