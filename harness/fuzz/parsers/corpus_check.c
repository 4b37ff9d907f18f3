#include "fuzz/parsers/corpus_check.h"

#include "corpus/corpus.h"
#include "fuzz/parsers/parser_check.h"

#include <string.h>

enum { TRACES_READ = 16 };

static void check_trace(const struct ft_corpus *corpus, const struct ft_corpus_entry *entry)
{
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    enum ft_status status = ft_corpus_trace(corpus, entry, 0, &trace, &error);

    if (status != FT_OK) {
        ft_parser_check_error(status, &error, corpus->length);
        return;
    }
    ft_parser_check(entry->length != 0, "a trace behind the end is not there");
    ft_parser_check_trace(&trace);
    ft_trace_free(&trace);
}

void ft_parser_check_corpus(uint8_t *bytes, size_t length)
{
    struct ft_error error = {.text = ""};
    struct ft_corpus corpus;
    enum ft_status status = ft_corpus_decode(bytes, length, &corpus, &error);

    if (status != FT_OK) {
        ft_parser_check_error(status, &error, length);
        return;
    }
    for (size_t i = 0; i < corpus.count; i++) {
        const struct ft_corpus_entry *entry = &corpus.entry[i];

        ft_parser_check(ft_check_corpus_name(entry->name) == NULL, "a name is one");
        ft_parser_check(ft_corpus_find(&corpus, entry->name) == entry, "a trace has its name");
        ft_parser_check(entry->length <= length && entry->at <= length - entry->length,
                        "a trace is inside the file");
        if (i < TRACES_READ)
            check_trace(&corpus, entry);
    }
    ft_corpus_free(&corpus);
}
