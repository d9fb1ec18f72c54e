/*
 * crew: see crew.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/crew.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64

static uint64_t now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

static void send_request(struct racer *racer)
{
	racer->answer_size = 0;
	racer->sent_ns = now_ns();
	/* The line before was answered, so the socket's buffer is empty: it takes this one whole, or is broken. */
	const ssize_t sent =
	    send(racer->connection.descriptor, racer->request, racer->request_size, MSG_NOSIGNAL | MSG_DONTWAIT);
	racer->state = sent == (ssize_t)racer->request_size ? RACER_WAITING : RACER_BROKEN;
}

static void receive_answer(struct racer *racer)
{
	const ssize_t got = recv(racer->connection.descriptor, racer->answer + racer->answer_size,
				 RACER_ANSWER_SIZE - racer->answer_size, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN) {
		return;
	}
	racer->answered_ns = now_ns();
	racer->answer_size += got > 0 ? (size_t)got : 0;
	if (got <= 0 || racer->answer_size == RACER_ANSWER_SIZE || racer->state != RACER_WAITING) {
		racer->state = RACER_BROKEN;
	} else if (racer->answer[racer->answer_size - 1] == '\n') {
		racer->state = RACER_ANSWERED;
	}
}

static void send_all(struct crew *crew)
{
	for (uint32_t i = 0; i < crew->racer_count; i++) {
		send_request(&crew->racers[(crew->first + i) % crew->racer_count]);
	}
	crew->first = (crew->first + 1) % crew->racer_count;
}

static void receive_all(struct crew *crew)
{
	const uint64_t deadline_ns = now_ns() + crew->crews->timeout_ns;
	uint32_t waiting = 0;
	for (uint32_t i = 0; i < crew->racer_count; i++) {
		waiting += crew->racers[i].state == RACER_WAITING;
	}
	while (waiting > 0) {
		const uint64_t now = now_ns();
		if (now >= deadline_ns) {
			return;
		}
		struct epoll_event events[EVENTS_MAX];
		const int timeout_ms = (int)((deadline_ns - now) / 1000000) + 1;
		const int count = epoll_wait(crew->epoll, events, EVENTS_MAX, timeout_ms);
		for (int i = 0; i < count; i++) {
			struct racer *racer = events[i].data.ptr;
			const bool waited = racer->state == RACER_WAITING;
			receive_answer(racer);
			waiting -= waited && racer->state != RACER_WAITING;
		}
	}
}

static void *run(void *argument)
{
	struct crew *crew = argument;
	struct crews *crews = crew->crews;
	for (;;) {
		pthread_barrier_wait(&crews->barrier); /* start */
		if (crews->over) {
			return NULL;
		}
		send_all(crew);
		pthread_barrier_wait(&crews->barrier); /* sent */
		receive_all(crew);
		pthread_barrier_wait(&crews->barrier); /* end */
	}
}

void crew_race(struct crews *crews)
{
	pthread_barrier_wait(&crews->barrier); /* start */
	pthread_barrier_wait(&crews->barrier); /* sent */
	pthread_barrier_wait(&crews->barrier); /* end */
}

static bool connect_racer(struct racer *racer, const struct address *address, uint32_t timeout_ms, struct error *error)
{
	struct answer answer;
	return connection_open(&racer->connection, address, timeout_ms, error) &&
	       connection_ask(&racer->connection, &answer, error, "PING") &&
	       (answer_is(&answer, '+', "PONG") || connection_unexpected(&racer->connection, &answer, error));
}

/* Gives each crew its share of the racers, the first ones one more where it does not come out even. Nothing here fails:
 * race.c has made sure of the descriptors, and a process that gets no thread is told so at once. */
static void start_crews(struct crews *crews)
{
	struct racer *racers = crews->racers;
	for (uint32_t i = 0; i < crews->crew_count; i++) {
		struct crew *crew = &crews->crew[i];
		*crew = (struct crew){
		    .crews = crews,
		    .racers = racers,
		    .racer_count =
			crews->racer_count / crews->crew_count + (i < crews->racer_count % crews->crew_count ? 1 : 0),
		    .epoll = epoll_create1(EPOLL_CLOEXEC),
		};
		CHECK(crew->epoll >= 0);
		for (uint32_t k = 0; k < crew->racer_count; k++) {
			/* Edge-triggered: a connection that has closed says so once, and nothing spins on it. */
			struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &racers[k]};
			const int failure =
			    epoll_ctl(crew->epoll, EPOLL_CTL_ADD, racers[k].connection.descriptor, &event);
			CHECK(failure == 0);
		}
		racers += crew->racer_count;
		const int failure = pthread_create(&crew->thread, NULL, run, crew);
		CHECK(failure == 0);
	}
}

static void close_racers(struct crews *crews)
{
	for (uint32_t i = 0; i < crews->racer_count; i++) {
		connection_close(&crews->racers[i].connection);
	}
	free(crews->racers);
}

void crew_close(struct crews *crews)
{
	crews->over = true;
	pthread_barrier_wait(&crews->barrier); /* start, of nothing more */
	for (uint32_t i = 0; i < crews->crew_count; i++) {
		pthread_join(crews->crew[i].thread, NULL);
		close(crews->crew[i].epoll);
	}
	pthread_barrier_destroy(&crews->barrier);
	close_racers(crews);
}

/* All ask PING at the same moment, driven as in a race. */
static bool volley(struct crews *crews, struct error *error)
{
	for (uint32_t i = 0; i < crews->racer_count; i++) {
		struct racer *racer = &crews->racers[i];
		racer->request_size = (size_t)snprintf(racer->request, sizeof racer->request, "PING\r\n");
	}
	crew_race(crews);
	for (uint32_t i = 0; i < crews->racer_count; i++) {
		const struct racer *racer = &crews->racers[i];
		const struct span answer = {(const uint8_t *)racer->answer, racer->answer_size};
		if (racer->state != RACER_ANSWERED || !span_equal(answer, span_of("+PONG\r\n"))) {
			return error_set(error, ERROR_INVALID, "not all of %u PINGs at once were answered +PONG",
					 crews->racer_count);
		}
	}
	return true;
}

bool crew_open(struct crews *crews, const struct address *address, uint32_t racer_count, uint32_t crew_count,
	       uint32_t timeout_ms, struct error *error)
{
	CHECK(racer_count > 0);
	*crews = (struct crews){
	    .timeout_ns = timeout_ms * UINT64_C(1000000),
	    .crew_count = crew_count < racer_count ? crew_count : racer_count,
	    .racers = calloc(racer_count, sizeof *crews->racers),
	};
	if (crews->racers == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for %u connections", racer_count);
	}
	while (crews->racer_count < racer_count) {
		struct racer *racer = &crews->racers[crews->racer_count++];
		if (!connect_racer(racer, address, timeout_ms, error)) {
			close_racers(crews);
			return false;
		}
	}
	pthread_barrier_init(&crews->barrier, NULL, crews->crew_count + 1);
	start_crews(crews);
	if (!volley(crews, error)) {
		crew_close(crews);
		return false;
	}
	return true;
}
