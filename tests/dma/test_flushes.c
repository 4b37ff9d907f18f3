/* What maps and flushes move, and which way: the machine against the table that docs/LIMITS.md
 * shows (dma/flushes.def), where processor and device have two views and where data are bounced. */
#include "v3_bench.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* The processor writes one line, the device another one. */
enum { BYTES = 3000, REGISTERS = 2, WRITTEN_AT = 0, MOVED_AT = 1024, WRITTEN = 0xA1, MOVED = 0xB2 };

enum routine {
#define FLUSH(symbol, routine, argument, cleans, reads, fills, drains, ends, range) symbol,
#include "dma/flushes.def"
#undef FLUSH
    ROUTINES
};

static const struct row {
    const char *routine, *argument;
    bool cleans, reads, fills, drains, ends;
} rows[] = {
#define FLUSH(symbol, routine, argument, cleans, reads, fills, drains, ends, range)                \
    {routine, argument, cleans, reads, fills, drains, ends},
#include "dma/flushes.def"
#undef FLUSH
};

static enum routine now;
static struct v3 v;
static uint64_t logical;

static bool is_version_1(void)
{
    return now == MAP_WRITE || now == MAP_READ || now == FLUSH_WRITE || now == FLUSH_READ;
}

static bool maps(void)
{
    return now <= MAP_EX_READ;
}

static bool to_device(void)
{
    return strstr(rows[now].argument, "WriteToDevice TRUE") ||
           strstr(rows[now].argument, "ReadOperation FALSE");
}

static void map(void)
{
    ULONG length = BYTES;

    if (is_version_1()) {
        logical = bench_map(&v.b, 0, &length, to_device());
    } else {
        CHECK(v3_map(&v, 0, &length, to_device()) == STATUS_SUCCESS);
        logical = (uint64_t)v.list.Elements[0].Address.QuadPart;
    }
    CHECK(length == BYTES);
}

static void open(void)
{
    if (is_version_1()) {
        memset(&v, 0, sizeof v);
        bench_open(&v.b, true, BYTES);
        bench_request(&v.b, BYTES, 0, !to_device());
        bench_grant(&v.b, REGISTERS);
    } else {
        v3_open(&v);
        v3_request(&v, BYTES, 0, !to_device());
        CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS);
    }
}

static void call(void)
{
    switch (now) {
    case FLUSH_WRITE:
    case FLUSH_READ:
        CHECK(bench_flush(&v.b, 0, BYTES, to_device()));
        break;
    case FLUSH_EX_WRITE:
    case FLUSH_EX_READ:
        CHECK(v3_flush(&v, 0, BYTES, to_device()) == STATUS_SUCCESS);
        break;
    case BUFFER_WRITE:
    case BUFFER_READ:
        CHECK(v.b.ops->FlushDmaBuffer(v.b.adapter, v.b.mdl, !to_device()) == STATUS_SUCCESS);
        break;
    case KFI_WRITE:
    case KFI_READ:
        KeFlushIoBuffers(v.b.mdl, !to_device(), TRUE);
        break;
    default:
        map();
    }
}

/* Driver code writes through routines, so that the machine's caches see it. */
static void processor_writes(void)
{
    RtlFillMemory(v.b.buffer + WRITTEN_AT, 1, WRITTEN);
}

static uint8_t *memory_at(unsigned at)
{
    return ft_bus_view(v.b.buffer + at);
}

/* Two views of memory: which lines come through the caches, and which way. */
static void body_two_views(void)
{
    const struct row *row = &rows[now];

    open();
    if (!maps())
        map();
    ft_cache_write_back(v.b.buffer, BYTES);
    processor_writes();
    *memory_at(MOVED_AT) = MOVED;
    CHECK(*memory_at(WRITTEN_AT) != WRITTEN && v.b.buffer[MOVED_AT] != MOVED);
    call();
    CHECK((*memory_at(WRITTEN_AT) == WRITTEN) == row->cleans);
    CHECK((v.b.buffer[MOVED_AT] == MOVED) == row->reads);
    CHECK((wb_count(FT_EV_DMA_FLUSHED) != 0) == row->ends);
}

/* Bounce pages: a mapping has them from its map to its end. */
static void body_bounced(void)
{
    const struct row *row = &rows[now];
    uint8_t byte = MOVED;

    open();
    if (maps())
        processor_writes();
    else
        map();
    if (!maps()) {
        CHECK(sim_dma_write(NULL, logical + MOVED_AT, &byte, 1));
        processor_writes();
    }
    call();
    CHECK(sim_dma_read(NULL, logical + WRITTEN_AT, &byte, 1));
    CHECK((byte == WRITTEN) == row->fills);
    CHECK((v.b.buffer[MOVED_AT] == MOVED) == row->drains);
    CHECK((wb_count(FT_EV_DMA_FLUSHED) != 0) == row->ends);
}

static void run_all(enum ft_platform_name preset, void (*body)(void))
{
    for (unsigned i = 0; i < ROUTINES; i++) {
        now = (enum routine)i;
        print_message("%s, %s\n", rows[i].routine, rows[i].argument);
        v3_run(preset, NULL, body);
    }
}

static void caches_move_what_the_table_says(void **state)
{
    (void)state;
    run_all(FT_PLATFORM_NONCOHERENT, body_two_views);
}

static void bounce_pages_move_what_the_table_says(void **state)
{
    (void)state;
    run_all(FT_PLATFORM_BOUNCE, body_bounced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches_move_what_the_table_says),
        cmocka_unit_test(bounce_pages_move_what_the_table_says),
    };

    return cmocka_run_group_tests_name("flushes", tests, NULL, NULL);
}
