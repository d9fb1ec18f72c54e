/*
 * multi: see the header.
 */
#include <base/check.h>
#include <serve/config.h>
#include <serve/multi.h>
#include <wire/request.h>

void multi_begin(struct multi *multi)
{
	CHECK(multi->count == 0);
	multi->broken = false;
}

static size_t queued_size(const struct request *request)
{
	size_t size = 0;
	for (uint32_t i = 0; i < request->count; i++) {
		size += sizeof(uint32_t) + request->words[i].size;
	}
	return size;
}

bool multi_queue(struct multi *multi, const struct config *config, const struct command *command,
		 const struct request *request)
{
	if (multi->count >= config->multi_commands || multi->bytes.size + queued_size(request) > config->multi_size) {
		return false;
	}
	const struct multi_command queued = {
	    .command = command, .word_count = request->count, .offset = multi->bytes.size};
	buffer_add(&multi->commands, &queued, sizeof queued);
	for (uint32_t i = 0; i < request->count; i++) {
		const uint32_t size = (uint32_t)request->words[i].size;
		buffer_add(&multi->bytes, &size, sizeof size);
		buffer_add(&multi->bytes, request->words[i].at, size);
	}
	multi->count++;
	return true;
}

struct multi_command *multi_at(const struct multi *multi, uint32_t i, struct span *words)
{
	CHECK(i < multi->count);
	/* From malloc, so it is aligned for any struct. */
	struct multi_command *queued = (struct multi_command *)(void *)multi->commands.at + i;
	const uint8_t *at = multi->bytes.at + queued->offset;
	for (uint32_t word = 0; word < queued->word_count; word++) {
		const uint32_t size = load32(at);
		at += sizeof size;
		words[word] = (struct span){at, size};
		at += size;
	}
	return queued;
}

void multi_end(struct multi *multi)
{
	buffer_fini(&multi->commands);
	buffer_fini(&multi->bytes);
	multi->count = 0;
}
