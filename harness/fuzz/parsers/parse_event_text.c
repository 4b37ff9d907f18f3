/* An event as one line of text. */
#include "fuzz/parsers/parser_check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_error error = {.text = ""};
    struct ft_event event, again;
    enum ft_status status;
    char *line = malloc(size + 1);
    char text[4096];

    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    status = ft_event_parse(line, &event, &error);
    if (status != FT_OK) {
        ft_parser_check_error(status, &error, strlen(line) + 1);
    } else {
        ft_parser_check(ft_event_print(&event, text, sizeof text) < sizeof text,
                        "an event is one line");
        ft_parser_check(ft_event_parse(text, &again, &error) == FT_OK,
                        "what was printed can be read");
        ft_parser_check(memcmp(&event, &again, sizeof event) == 0, "it is the same event");
    }
    free(line);
    return 0;
}
