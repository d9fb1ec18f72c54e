/*
 * output: see the header.
 */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define OUTPUT_SIZE 65536

void output_flush(struct output *output)
{
	const uint8_t *at = output->buffer.at;
	size_t left = output->buffer.size;
	while (left > 0 && !output->closed && !output->failed) {
		const ssize_t written = write(STDOUT_FILENO, at, left);
		if (written >= 0) {
			at += written;
			left -= (size_t)written;
		} else if (errno == EPIPE) {
			output->closed = true;
		} else if (errno != EINTR) {
			output->failed = true;
		}
	}
	output->buffer.size = 0;
}

void output_pace(struct output *output)
{
	if (output->buffer.size > OUTPUT_SIZE) {
		output_flush(output);
	}
}

bool output_has_reader(struct output *output)
{
	struct pollfd end = {.fd = STDOUT_FILENO};
	output->closed = output->closed || (poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0);
	return !output->closed;
}

void output_fini(struct output *output)
{
	buffer_fini(&output->buffer);
}
