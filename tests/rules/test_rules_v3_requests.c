/* Rules that look at what a driver asks of DMA look at version 3's calls as at version 1's: their
 * witnesses and near misses, with the calls of version 3 in place of what stands there, tell them
 * apart as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include "sim/dma_words.h"
#include "sim/handle.h"

#include <stdio.h>
#include <string.h>

/* Every event `from` becomes one event `to` of the same request, MDL and direction. */
static const struct exchange {
    const char *rule;
    uint16_t from, to;
} exchanges[] = {
    {"io.pnp-querystop-hold", FT_EV_DMA_CHANNEL, FT_EV_CHANNEL_EX},
    {"io.pnp-querystop-hold", FT_EV_DMA_CHANNEL, FT_EV_SG_GET_EX},
    {"io.pnp-cancelstop-resume", FT_EV_DMA_CHANNEL, FT_EV_CHANNEL_EX},
    {"io.pnp-cancelstop-resume", FT_EV_DMA_CHANNEL, FT_EV_SG_GET_EX},
    {"io.irp-zero-length", FT_EV_DMA_CHANNEL, FT_EV_CHANNEL_EX},
    {"io.startio-after-remove", FT_EV_REG_WRITE, FT_EV_CHANNEL_EX},
    {"io.startio-after-remove", FT_EV_REG_WRITE, FT_EV_SG_GET_EX},
    {"io.startio-currentirp-checked", FT_EV_IRP_SET_CANCEL, FT_EV_CHANNEL_EX},
    {"io.rl-acquire-checked", FT_EV_START_PACKET, FT_EV_CHANNEL_EX},
    {"io.rl-acquire-checked", FT_EV_START_PACKET, FT_EV_SG_GET_EX},
    {"io.dma-device-quiet-before-unmap", FT_EV_DMA_FLUSH, FT_EV_DMA_FLUSH_EX},
    {"dma.map-lock-access", FT_EV_DMA_MAP, FT_EV_SG_GET_EX},
    {"dma.map-dir-vs-irp", FT_EV_DMA_MAP, FT_EV_SG_GET_EX},
    {"dma.map-mdl-built", FT_EV_DMA_MAP, FT_EV_SG_GET_EX},
    {"dma.map-mdl-locked", FT_EV_DMA_MAP, FT_EV_SG_GET_EX},
    {"mem.mdl-use-after-free", FT_EV_DMA_MAP, FT_EV_SG_GET_EX},
};

static uint64_t irp_of(const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_CHANNEL:
        return event->arg[3];
    case FT_EV_START_PACKET:
        return event->arg[1];
    case FT_EV_IRP_SET_CANCEL:
        return event->arg[0];
    default:
        return ft_handle(FT_HC_IRP, event->request, 0);
    }
}

static void become(struct ft_event *event, uint16_t kind)
{
    const uint64_t adapter = ft_handle(FT_HC_ADAPTER, 1, 0),
                   context = ft_handle(FT_HC_CONTEXT, 1, 0), device = ft_handle(FT_HC_DEVICE, 2, 0),
                   how = FT_HOW_ROUTINE | 2U << 16;
    const bool maps = event->kind == FT_EV_DMA_MAP;
    const uint64_t mdl = maps ? event->arg[2] : ft_handle(FT_HC_MDL, 1, 0);
    const uint64_t write = maps && event->arg[5] ? FT_HOW_WRITE : 0;
    const uint64_t channel[] = {adapter, context, 1, how, 0, 0, irp_of(event), device};
    const uint64_t list[] = {adapter, context, mdl, 0, 512, how | write, 0, 0};
    const uint64_t flush[] = {event->arg[0],
                              event->arg[1],
                              event->arg[2],
                              event->arg[3],
                              event->arg[4],
                              event->arg[5],
                              0,
                              0};

    memcpy(event->arg,
           kind == FT_EV_CHANNEL_EX  ? channel
           : kind == FT_EV_SG_GET_EX ? list
                                     : flush,
           sizeof channel);
    event->kind = kind;
    event->unknown = 0;
}

/* True: the rule is found when the file's events are exchanged. */
static bool found(const struct exchange *exchange, const char *which)
{
    static struct ft_file_events events;
    const struct ft_rule_row *row = ft_rule_by_id(exchange->rule);
    struct ft_verdict verdict;
    unsigned exchanged = 0;
    char name[96];

    assert_non_null(row);
    (void)snprintf(name, sizeof name, "%s.%s.events", exchange->rule, which);
    assert_true(ft_file_events_read(name, &events));
    for (size_t i = 0; i < events.count; i++) {
        if (events.event[i].kind == FT_EV_DMA_GET) {
            events.event[i].arg[1] = 3;
        } else if (events.event[i].kind == exchange->from) {
            become(&events.event[i], exchange->to);
            exchanged++;
        }
    }
    assert_true(exchanged != 0 || strcmp(which, "near") == 0);
    ft_judge(&events, true, 0, &verdict);
    return ft_verdict_has_rule(&verdict, row->number) ||
           ft_verdict_has_warning(&verdict, row->number);
}

static void version_3_is_judged_as_version_1(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        if (!found(&exchanges[i], "witness") || found(&exchanges[i], "near")) {
            (void)fprintf(stderr, "%s, by event 0x%04x: %s\n", exchanges[i].rule, exchanges[i].to,
                          found(&exchanges[i], "near") ? "a near miss is found" : "not found");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_3_is_judged_as_version_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
