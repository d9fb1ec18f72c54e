/*
 * receive_buffers: the memory a ring receives into, provided to the kernel piece by piece.
 *
 * The kernel takes a buffer when bytes arrive, not when a receive is armed, so ten thousand idle links cost none. What
 * a completion names is ours until it is given back.
 *
 * Threads: the ring's own.
 * See: io_uring_register_buf_ring(3).
 */
#pragma once

#include <io/net_ring.h>

struct receive_buffers {
	struct ring *ring;
	struct io_uring_buf_ring *shared; /* with the kernel: which are free */
	uint8_t *bytes;
};

/* The name under which receives ask for them; counted per ring, and there is only this one. */
#define RECEIVE_BUFFERS_GROUP 0

bool receive_buffers_open(struct receive_buffers *buffers, struct ring *ring, struct error *error);
/* No receive may be armed. */
void receive_buffers_close(struct receive_buffers *buffers);

/* The buffer that a completion with these flags filled. */
uint16_t receive_buffers_number(uint32_t flags);
const uint8_t *receive_buffers_at(const struct receive_buffers *buffers, uint16_t number);
void receive_buffers_give(struct receive_buffers *buffers, uint16_t number);
