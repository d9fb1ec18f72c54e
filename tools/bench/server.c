/*
 * server: see server.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/server.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#define READY_TIMEOUT_MS  60000
#define READY_INTERVAL_MS 10
#define STOP_TIMEOUT_MS   30000
/* Connections beside those of a race: the bench's own three, and somebody who looks on with redis-cli. */
#define OTHER_CLIENTS 16

/* A port nobody listens on. Somebody may take it before the server does; the server then says so and the run ends. */
static bool find_free_port(uint16_t *port, struct error *error)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool found = descriptor >= 0 && bind(descriptor, (struct sockaddr *)&at, size) == 0 &&
			   getsockname(descriptor, (struct sockaddr *)&at, &size) == 0;
	if (!found) {
		error_errno(error, errno, "looking for a free port");
	}
	if (descriptor >= 0) {
		close(descriptor);
	}
	*port = ntohs(at.sin_port);
	return found;
}

static bool choose_directory(struct server *server, const char *dir, struct error *error)
{
	if (dir != NULL) {
		snprintf(server->directory, sizeof server->directory, "%s", dir);
		return true;
	}
	const char *parent = getenv("TMPDIR");
	snprintf(server->directory, sizeof server->directory, "%s/slotd-bench.XXXXXX",
		 parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (mkdtemp(server->directory) == NULL) {
		return error_errno(error, errno, "making the temporary directory %s", server->directory);
	}
	memcpy(server->temporary, server->directory, sizeof server->temporary);
	return true;
}

static bool answers_pong(const struct server *server)
{
	struct connection connection;
	struct answer answer;
	struct error refused;
	if (!connection_open(&connection, &server->address, READY_TIMEOUT_MS, &refused)) {
		return false;
	}
	const bool pong = connection_ask(&connection, &answer, &refused, "PING") && answer_is(&answer, '+', "PONG");
	connection_close(&connection);
	return pong;
}

/* Asks again and again until it answers, has ended, or the time is up. */
static bool wait_ready(struct server *server, struct error *error)
{
	const struct clock clock = clock_real();
	const uint64_t start_ns = clock_monotonic_ns(&clock);
	while (!answers_pong(server)) {
		int status;
		if (process_wait(&server->process, READY_INTERVAL_MS, &status)) {
			return error_set(error, ERROR_IO, "the server ended before it was ready, with status %d",
					 status);
		}
		if (clock_monotonic_ns(&clock) - start_ns > READY_TIMEOUT_MS * UINT64_C(1000000)) {
			return error_set(error, ERROR_IO, "the server was not ready after %d s",
					 READY_TIMEOUT_MS / 1000);
		}
	}
	return true;
}

static bool start_here(struct server *server, const struct options *options, struct error *error)
{
	uint16_t port;
	if (!choose_directory(server, options->dir, error) || !find_free_port(&port, error)) {
		return false;
	}
	snprintf(server->name, sizeof server->name, "127.0.0.1:%u", port);
	char clients[16];
	const uint32_t level = options_level_max(options);
	snprintf(clients, sizeof clients, "%u",
		 (level > options->connections ? level : options->connections) + OTHER_CLIENTS);
	/* Traffic claims slots that nobody opened, as the peers set keys; a race opens its own. */
	const char *unlisted = strcmp(options->mode, "race") == 0 ? "no" : "yes";
	const char *arguments[] = {
	    NULL,    "--bind",           "127.0.0.1",   "--port",     strchr(server->name, ':') + 1,
	    "--dir", server->directory,  "--maxmemory", "2gb",        "--maxclients",
	    clients, "--unlisted-slots", unlisted,      "--loglevel", "warning",
	    NULL,
	};
	if (!address_parse(&server->address, server->name, error) ||
	    !process_start(&server->process, "slotd", arguments, false, error)) {
		return false;
	}
	server->started_here = true;
	return wait_ready(server, error);
}

bool server_start(struct server *server, const struct options *options, struct error *error)
{
	*server = (struct server){.started_here = false};
	if (options->server == NULL) {
		return start_here(server, options, error);
	}
	snprintf(server->name, sizeof server->name, "%s", options->server);
	snprintf(server->directory, sizeof server->directory, "%s", options->dir != NULL ? options->dir : "");
	if (!address_parse(&server->address, server->name, error)) {
		return false;
	}
	if (!answers_pong(server)) {
		return error_set(error, ERROR_IO, "nobody at %s answers PING with PONG", server->name);
	}
	return true;
}

bool server_stop(struct server *server, struct error *error)
{
	if (!server->started_here) {
		return true;
	}
	int status;
	process_terminate(&server->process);
	if (!process_wait(&server->process, STOP_TIMEOUT_MS, &status)) {
		return error_set(error, ERROR_IO, "the server did not stop within %d s of SIGTERM",
				 STOP_TIMEOUT_MS / 1000);
	}
	if (status != 0) {
		return error_set(error, ERROR_IO, "the server stopped with status %d", status);
	}
	return true;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
	(void)stat;
	(void)kind;
	(void)place;
	return remove(path);
}

void server_discard(struct server *server, bool keep)
{
	if (server->process.pid > 0) {
		process_kill(&server->process);
	}
	if (server->temporary[0] == '\0') {
		return;
	}
	if (keep) {
		fprintf(stderr, "The data directory is kept: %s\n", server->temporary);
	} else {
		nftw(server->temporary, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	}
}

/* The number behind `name` at the start of one of the lines. */
static bool find_number(const char *lines, const char *name, uint64_t *number)
{
	for (const char *at = strstr(lines, name); at != NULL; at = strstr(at + 1, name)) {
		if (at == lines || at[-1] == '\n') {
			return sscanf(at + strlen(name), "%" SCNu64, number) == 1;
		}
	}
	return false;
}

static bool rss_from_proc(pid_t pid, uint64_t *bytes, struct error *error)
{
	char path[64];
	char status[8192];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		return error_errno(error, errno, "opening %s", path);
	}
	status[fread(status, 1, sizeof status - 1, file)] = '\0';
	fclose(file);
	uint64_t kibibytes;
	if (!find_number(status, "VmRSS:", &kibibytes)) {
		return error_set(error, ERROR_IO, "%s has no VmRSS", path);
	}
	*bytes = kibibytes * 1024;
	return true;
}

bool server_info_number(struct connection *connection, const char *name, uint64_t *number, struct error *error)
{
	struct answer answer;
	char info[8192];
	char field[64];
	if (!connection_ask(connection, &answer, error, "INFO")) {
		return false;
	}
	if (answer.kind != '$' || answer.words[0].size >= sizeof info) {
		return connection_unexpected(connection, &answer, error);
	}
	memcpy(info, answer.words[0].at, answer.words[0].size);
	info[answer.words[0].size] = '\0';
	snprintf(field, sizeof field, "%s:", name);
	return find_number(info, field, number) ||
	       error_set(error, ERROR_IO, "the server's INFO has no number %s", name);
}

bool server_rss_bytes(const struct server *server, struct connection *connection, uint64_t *bytes, struct error *error)
{
	if (server->started_here) {
		return rss_from_proc(server->process.pid, bytes, error);
	}
	return server_info_number(connection, "used_memory_rss", bytes, error);
}

bool server_log_is_in_memory(const struct server *server)
{
	struct statfs system;
	return server->directory[0] != '\0' && statfs(server->directory, &system) == 0 && system.f_type == TMPFS_MAGIC;
}
