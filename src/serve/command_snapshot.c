/*
 * command_snapshot: SNAPSHOT. Answered when the snapshot is durable; the connection waits, nobody else does.
 */
#include "command_reply.h"
#include <serve/housekeeping.h>
#include <stdlib.h>

static bool snapshot_go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	const uint64_t *asked = client->task_state;
	struct error error;
	if (!housekeeper_answer(service->housekeeper, *asked, &error)) {
		return false;
	}
	if (error.code == ERROR_NONE) {
		reply_status(reply, "OK");
	} else {
		reply_error(reply, "ERR the snapshot was not written, the log is kept: %s", error.text);
	}
	*lsn = 0;
	free(client->task_state);
	client->task = NULL;
	client->task_state = NULL;
	client->task_waits = false;
	return true;
}

uint64_t command_snapshot(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply)
{
	(void)request;
	uint64_t *asked = malloc(sizeof *asked);
	if (service->housekeeper == NULL || asked == NULL) {
		free(asked);
		reply_error(reply, "ERR snapshots are not possible now");
		return 0;
	}
	client->task = snapshot_go_on;
	client->task_state = asked;
	client->task_waits = true;
	*asked = housekeeper_ask(service->housekeeper);
	return 0;
}
