/*
 * receive_buffers: the memory a ring receives into (receive_buffers.h).
 *
 * liburing 2.3 has no call that sets such a ring up, so the page-aligned memory is mapped and registered here.
 */
#include "receive_buffers.h"

#include <base/check.h>
#include <sys/mman.h>

#define SHARED_SIZE (NET_RING_BUFFER_COUNT * sizeof(struct io_uring_buf))
#define BYTES_SIZE  ((size_t)NET_RING_BUFFER_COUNT * NET_RING_BUFFER_SIZE)

/* Filled in now: the first thousand requests would else each wait for a page. */
static void *map_pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void unmap(struct receive_buffers *buffers)
{
	if (buffers->bytes != NULL) {
		munmap(buffers->bytes, BYTES_SIZE);
	}
	if (buffers->shared != NULL) {
		munmap(buffers->shared, SHARED_SIZE);
	}
	*buffers = (struct receive_buffers){0};
}

bool receive_buffers_open(struct receive_buffers *buffers, struct ring *ring, struct error *error)
{
	*buffers = (struct receive_buffers){
	    .ring = ring,
	    .shared = map_pages(SHARED_SIZE),
	    .bytes = map_pages(BYTES_SIZE),
	};
	if (buffers->shared == NULL || buffers->bytes == NULL) {
		unmap(buffers);
		return error_set(error, ERROR_NO_MEMORY, "no memory for %zu bytes of receive buffers", BYTES_SIZE);
	}
	const struct io_uring_buf_reg registration = {
	    .ring_addr = (uint64_t)(uintptr_t)buffers->shared,
	    .ring_entries = NET_RING_BUFFER_COUNT,
	    .bgid = RECEIVE_BUFFERS_GROUP,
	};
	if (!ring_provide(ring, registration, error)) {
		unmap(buffers);
		return false;
	}
	io_uring_buf_ring_init(buffers->shared);
	for (uint16_t number = 0; number < NET_RING_BUFFER_COUNT; number++) {
		receive_buffers_give(buffers, number);
	}
	return true;
}

void receive_buffers_close(struct receive_buffers *buffers)
{
	int result = io_uring_unregister_buf_ring(&buffers->ring->uring, RECEIVE_BUFFERS_GROUP);
	CHECK(result == 0);
	unmap(buffers);
}

uint16_t receive_buffers_number(uint32_t flags)
{
	CHECK((flags & IORING_CQE_F_BUFFER) != 0);
	const uint16_t number = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
	CHECK(number < NET_RING_BUFFER_COUNT);
	return number;
}

const uint8_t *receive_buffers_at(const struct receive_buffers *buffers, uint16_t number)
{
	return buffers->bytes + (size_t)number * NET_RING_BUFFER_SIZE;
}

void receive_buffers_give(struct receive_buffers *buffers, uint16_t number)
{
	io_uring_buf_ring_add(buffers->shared, buffers->bytes + (size_t)number * NET_RING_BUFFER_SIZE,
			      NET_RING_BUFFER_SIZE, number, io_uring_buf_ring_mask(NET_RING_BUFFER_COUNT), 0);
	/* A release store inside: the kernel sees the entry before the tail that covers it. */
	io_uring_buf_ring_advance(buffers->shared, 1);
}
