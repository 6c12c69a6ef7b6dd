#include "codec_check.h"

#include <stdlib.h>
#include <string.h>

#include "message_print.h"

char *
codec_text(const struct rsip_message *m)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	message_print(f, m);
	fclose(f);
	return text;
}

static bool
decoder_may_say(enum rsip_error err)
{
	return err == RSIP_UNSUPPORTED_RSIP_VERSION ||
	    (err >= RSIP_MISSING_PARAM && err <= RSIP_BAD_MESSAGE);
}

/* bytes decode to m, and print as text. */
static const char *
unstable(struct rsip_message *m, size_t len, const char *text)
{
	static uint8_t first[RSIP_MESSAGE_MAX], second[RSIP_MESSAGE_MAX];
	static struct rsip_message again;
	size_t n = message_encode(m, first, sizeof(first));
	const char *fault = NULL;
	char *text_again;

	if (n == 0)
		return "what was decoded cannot be encoded";
	if (n > len)
		return "encoding made it longer";
	if (message_decode(&again, first, n) != RSIP_OK)
		return "what was encoded cannot be decoded";
	text_again = codec_text(&again);
	if (strcmp(text, text_again) != 0)
		fault = "it means something else after encoding";
	else if (message_encode(&again, second, sizeof(second)) != n || memcmp(first, second, n) != 0)
		fault = "the second encoding is not the first";
	free(text_again);
	return fault;
}

const char *
codec_fault(const uint8_t *bytes, size_t len, enum rsip_error *err, char **text)
{
	static struct rsip_message m;
	enum rsip_error answer = message_decode(&m, bytes, len);
	const char *fault;
	char *printed;

	if (err != NULL)
		*err = answer;
	if (text != NULL)
		*text = NULL;
	if (answer != RSIP_OK)
		return decoder_may_say(answer) ? NULL : "a decoder cannot give this error";
	printed = codec_text(&m);
	fault = unstable(&m, len, printed);
	if (text != NULL)
		*text = printed;
	else
		free(printed);
	return fault;
}
