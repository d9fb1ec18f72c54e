/*
 * peer_postgres: see peer_postgres.h.
 */
#include "peer_postgres.h"
#include <base/check.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <stdio.h>

#define STATEMENT  "claim"
#define PARAMETERS 4

static const char claim[] = "INSERT INTO sessions (psychologist_id, scheduled_date, scheduled_time, client_id, status) "
			    "VALUES ($1, $2, $3, $4, 'booked') "
			    "ON CONFLICT (psychologist_id, scheduled_date, scheduled_time) "
			    "WHERE status IN ('booked', 'rescheduled', 'confirmed') DO NOTHING RETURNING id";

static bool fail(const PGconn *connection, const char *what, struct error *error)
{
	return error_set(error, ERROR_IO, "%s: %s", what, PQerrorMessage(connection));
}

static bool prepare(PGconn *connection, struct error *error)
{
	PGresult *result = PQprepare(connection, STATEMENT, claim, PARAMETERS, NULL);
	const bool prepared = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return prepared || fail(connection, "preparing the INSERT", error);
}

static void close_link(struct link *link)
{
	PQfinish(link->own);
	link->own = NULL;
}

static bool open_link(struct link *link, const char *server, struct error *error)
{
	char host[256];
	const char *colon = strrchr(server, ':');
	CHECK(colon != NULL);
	snprintf(host, sizeof host, "%.*s", (int)(colon - server), server);
	const char *const names[] = {"host", "port", "user", "dbname", NULL};
	const char *const values[] = {host, colon + 1, "postgres", "postgres", NULL};
	PGconn *connection = PQconnectdbParams(names, values, 0);
	link->own = connection;
	const bool good =
	    PQstatus(connection) == CONNECTION_OK ? prepare(connection, error) : fail(connection, "connecting", error);
	if (!good || PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
		close_link(link);
		return good ? error_set(error, ERROR_IO, "libpq has no pipeline mode here") : false;
	}
	link->descriptor = PQsocket(connection);
	return true;
}

static bool can(enum request_kind kind)
{
	return kind == REQUEST_CLAIM;
}

/* A failure shows when the connection is flushed. */
static void ask(struct link *link, enum request_kind kind, const struct draw *draw)
{
	CHECK(kind == REQUEST_CLAIM);
	const char *const values[PARAMETERS] = {draw->psychologist, draw->date, draw->time, draw->client};
	/* As text, which libpq measures itself: so each needs a NUL of its own. */
	char texts[PARAMETERS][DRAW_CLIENT_SIZE + 1];
	static const size_t sizes[PARAMETERS] = {DRAW_PSYCHOLOGIST_SIZE, CIVIL_DATE_SIZE, CIVIL_TIME_SIZE,
						 DRAW_CLIENT_SIZE};
	const char *parameters[PARAMETERS];
	for (size_t i = 0; i < PARAMETERS; i++) {
		snprintf(texts[i], sizeof texts[i], "%.*s", (int)sizes[i], values[i]);
		parameters[i] = texts[i];
	}
	PQsendQueryPrepared(link->own, STATEMENT, PARAMETERS, parameters, NULL, NULL, 0);
	PQpipelineSync(link->own); /* ends the transaction, as the COMMIT of one request would */
	link->asked++;
}

static bool flush(struct link *link, struct error *error)
{
	return PQflush(link->own) >= 0 || fail(link->own, "sending to PostgreSQL", error);
}

static bool fill(struct link *link, struct error *error)
{
	/* Until there is nothing more: epoll tells of an edge once, and libpq may leave something in the socket. */
	struct pollfd more = {.fd = link->descriptor, .events = POLLIN};
	do {
		if (PQconsumeInput(link->own) != 1) {
			return fail(link->own, "receiving from PostgreSQL", error);
		}
	} while (poll(&more, 1, 0) > 0);
	return true;
}

/* Results come as: the row that was inserted, if any; a NULL, the end of the statement; the end of the transaction. */
static enum reply next(struct link *link)
{
	while (!PQisBusy(link->own) && link->answered < link->asked) {
		PGresult *result = PQgetResult(link->own);
		const ExecStatusType status = result == NULL ? PGRES_EMPTY_QUERY : PQresultStatus(result);
		const bool inserted = status == PGRES_TUPLES_OK && PQntuples(result) == 1;
		PQclear(result);
		if (status == PGRES_TUPLES_OK) {
			link->session = inserted;
		} else if (status == PGRES_PIPELINE_SYNC) {
			link->answered++;
			return link->session != 0 ? REPLY_DONE : REPLY_LOST;
		} else if (status != PGRES_EMPTY_QUERY) {
			return REPLY_WRONG;
		}
	}
	return REPLY_NONE;
}

const struct peer peer_postgres = {
    .name = "postgres",
    .open = open_link,
    .close = close_link,
    .can = can,
    .ask = ask,
    .flush = flush,
    .fill = fill,
    .next = next,
};
