/* What stands inside the frames of a trace: header, event blocks, verdict. */
#include "fuzz/parsers/parser_check.h"

/* Without the events: whatever is refused then is refused with them. */
static void check_facts(const uint8_t *data, size_t size, const struct ft_trace *whole)
{
    struct ft_error error = {.text = ""};
    struct ft_trace facts;
    enum ft_status status =
        ft_trace_decode_as(data, size, FT_DECODE_SECTIONS | FT_DECODE_FACTS, &facts, &error);

    if (status != FT_OK) {
        ft_parser_check_error(status, &error, size);
        ft_parser_check(!whole, "the facts of a trace can be read without its events");
        return;
    }
    ft_parser_check(!facts.event, "the events were left out");
    if (whole)
        ft_parser_check(facts.event_count == whole->event_count && facts.hash == whole->hash &&
                            facts.complete == whole->complete,
                        "a trace has the same facts without its events");
    ft_trace_free(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    enum ft_status status = ft_trace_decode_as(data, size, FT_DECODE_SECTIONS, &trace, &error);

    check_facts(data, size, status == FT_OK ? &trace : NULL);
    if (status != FT_OK) {
        ft_parser_check_error(status, &error, size);
        return 0;
    }
    ft_parser_check_trace(&trace);
    ft_trace_free(&trace);
    return 0;
}
