/*
 * multistatus: see the header. The text of an element is collected while it is open; what it means is decided when it ends.
 */
#include <base/check.h>
#include <calsync/multistatus.h>
#include <expat.h>
#include <stdlib.h>

#define DAV    "DAV:|"
#define CALDAV "urn:ietf:params:xml:ns:caldav|"

struct parsing {
	XML_Parser parser;
	dav_response_f *take;
	void *context;
	uint32_t depth;
	bool in_response;
	bool in_propstat;
	bool is_refused;
	struct buffer text; /* of the element that is open */
	/* Of the response that is open; each with its NUL. */
	struct buffer href;
	struct buffer etag;
	struct buffer data;
	long status;
	/* Of the propstat that is open. */
	struct buffer its_etag;
	struct buffer its_data;
	long its_status;
	char *token;
};

static void begin(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct parsing *parsing = context;
	(void)attributes;
	parsing->text.size = 0;
	if (++parsing->depth > MULTISTATUS_DEPTH) {
		parsing->is_refused = true;
		(void)XML_StopParser(parsing->parser, XML_FALSE);
	}
	if (strcmp(name, DAV "response") == 0) {
		parsing->in_response = true;
		parsing->status = 0;
		parsing->href.size = parsing->etag.size = parsing->data.size = 0;
	}
	if (strcmp(name, DAV "propstat") == 0) {
		parsing->in_propstat = true;
		parsing->its_status = 200;
		parsing->its_etag.size = parsing->its_data.size = 0;
	}
}

static void add_text(void *context, const XML_Char *text, int size)
{
	buffer_add(&((struct parsing *)context)->text, text, (size_t)size);
}

static void move_text(struct parsing *parsing, struct buffer *to)
{
	to->size = 0;
	buffer_add(to, parsing->text.at, parsing->text.size);
}

static void refuse_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public,
			   int internal)
{
	struct parsing *parsing = context;
	(void)name, (void)system, (void)public, (void)internal;
	parsing->is_refused = true;
	(void)XML_StopParser(parsing->parser, XML_FALSE);
}

static char *text_of(struct buffer *buffer)
{
	buffer_add(buffer, "", 1);
	buffer->size--;
	return (char *)buffer->at;
}

/* "HTTP/1.1 404 Not Found" */
static long status_of(struct parsing *parsing)
{
	const char *text = text_of(&parsing->text);
	const char *blank = strchr(text, ' ');
	return blank != NULL ? strtol(blank, NULL, 10) : 0;
}

static void end_propstat(struct parsing *parsing)
{
	parsing->in_propstat = false;
	if (parsing->its_status / 100 != 2) {
		return; /* these are properties it does not have */
	}
	if (parsing->its_etag.size > 0) {
		parsing->etag.size = 0;
		buffer_add(&parsing->etag, parsing->its_etag.at, parsing->its_etag.size);
	}
	if (parsing->its_data.size > 0) {
		parsing->data.size = 0;
		buffer_add(&parsing->data, parsing->its_data.at, parsing->its_data.size);
	}
}

static void end_response(struct parsing *parsing)
{
	parsing->in_response = false;
	const struct dav_response response = {
	    .href = text_of(&parsing->href),
	    .status = parsing->status,
	    .etag = text_of(&parsing->etag),
	    .data = {parsing->data.at, parsing->data.size},
	};
	parsing->take(parsing->context, &response);
}

static void end_in_response(struct parsing *parsing, const XML_Char *name)
{
	if (strcmp(name, DAV "status") == 0) {
		*(parsing->in_propstat ? &parsing->its_status : &parsing->status) = status_of(parsing);
	} else if (parsing->in_propstat && strcmp(name, DAV "getetag") == 0) {
		move_text(parsing, &parsing->its_etag);
	} else if (parsing->in_propstat && strcmp(name, CALDAV "calendar-data") == 0) {
		move_text(parsing, &parsing->its_data);
	} else if (!parsing->in_propstat && strcmp(name, DAV "href") == 0) {
		move_text(parsing, &parsing->href);
	} else if (strcmp(name, DAV "propstat") == 0) {
		end_propstat(parsing);
	} else if (strcmp(name, DAV "response") == 0) {
		end_response(parsing);
	}
}

static void end(void *context, const XML_Char *name)
{
	struct parsing *parsing = context;
	parsing->depth--;
	if (parsing->in_response) {
		end_in_response(parsing, name);
	} else if (strcmp(name, DAV "sync-token") == 0) {
		free(parsing->token);
		parsing->token = strdup(text_of(&parsing->text));
	}
	parsing->text.size = 0;
}

bool multistatus_parse(struct span xml, dav_response_f *take, void *context, char **token, struct error *error)
{
	struct parsing parsing = {
	    .parser = XML_ParserCreateNS(NULL, '|'),
	    .take = take,
	    .context = context,
	};
	CHECK(parsing.parser != NULL);
	XML_SetUserData(parsing.parser, &parsing);
	XML_SetElementHandler(parsing.parser, begin, end);
	XML_SetCharacterDataHandler(parsing.parser, add_text);
	XML_SetStartDoctypeDeclHandler(parsing.parser, refuse_doctype);
	const bool is_good = xml.size <= INT32_MAX &&
			     XML_Parse(parsing.parser, (const char *)xml.at, (int)xml.size, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(parsing.parser);
	struct buffer *const buffers[] = {&parsing.text, &parsing.href,     &parsing.etag,
					  &parsing.data, &parsing.its_etag, &parsing.its_data};
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
		buffer_fini(buffers[i]);
	}
	*token = parsing.token;
	if (!is_good) {
		free(parsing.token);
		*token = NULL;
		error_set(error, ERROR_INVALID, "its answer is %s",
			  parsing.is_refused ? "XML of a kind that is refused" : "no XML");
	}
	return is_good;
}
