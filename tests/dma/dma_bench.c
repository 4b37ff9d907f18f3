#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/device.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { KINDS = 0x800 };

static void (*the_body)(void);
static char failure[256];
static unsigned counts[KINDS];
static struct ft_event last[KINDS];

static bool observe(void *state, const struct ft_event *event)
{
    (void)state;
    counts[event->kind % KINDS]++;
    last[event->kind % KINDS] = *event;
    return false;
}

/* Fails, so that the run is over when the body is. */
static int entry(void *driver, void *path)
{
    (void)driver;
    (void)path;
    the_body();
    ft_irql_set(PASSIVE_LEVEL);
    return STATUS_UNSUCCESSFUL;
}

static void no_reset(struct sim_device *device)
{
    (void)device;
}

static uint64_t no_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    (void)device, (void)bar, (void)offset, (void)width;
    return 0;
}

static void no_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                     uint64_t value)
{
    (void)device, (void)bar, (void)offset, (void)width, (void)value;
}

static bool never_busy(const struct sim_device *device)
{
    (void)device;
    return false;
}

static void no_stop(struct sim_device *device, enum sim_engine_end why)
{
    (void)device, (void)why;
}

static const struct sim_device_model model = {.name = "bench",
                                              .state_bytes = 16,
                                              .reset = no_reset,
                                              .read = no_read,
                                              .write = no_write,
                                              .engine_busy = never_busy,
                                              .engine_step = no_reset,
                                              .stop = no_stop};
static const struct ft_description description = {
    .name = "bench", .devices = 1, .windows = 100, .dma_version = 2};
static const struct ft_module module = {.abi = FT_MODULE_ABI,
                                        .core = "bench",
                                        .mutant = "",
                                        .flavour = "plain",
                                        .description = &description,
                                        .device = &model,
                                        .driver_entry = entry};

void dma_bench_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *platform),
                   void (*body)(void))
{
    static struct ft_scenario scenario;
    struct ft_run_options options = {.scenario = &scenario, .cold = true};
    struct ft_run_result result;
    struct ft_world *world;

    memset(&scenario, 0, sizeof scenario);
    ft_platform_preset(preset, &scenario.platform);
    if (adjust)
        adjust(&scenario.platform);
    memset(counts, 0, sizeof counts);
    memset(last, 0, sizeof last);
    failure[0] = '\0';
    the_body = body;
    world = ft_world_create(&module);
    assert_non_null(world);
    ft_world_observe(world, observe, NULL);
    ft_world_run(world, &options, &result);
    ft_world_destroy(world);
    if (failure[0] != '\0')
        fail_msg("%s: %s", ft_platform_preset_name(preset), failure);
    assert_int_equal(result.stop, FT_STOP_NONE);
}

void dma_bench_check(bool ok, const char *expression, const char *file, int line)
{
    if (!ok && failure[0] == '\0')
        snprintf(failure, sizeof failure, "%s:%d: %s", file, line, expression);
}

unsigned dma_bench_count(enum ft_event_kind kind)
{
    return counts[kind];
}

const struct ft_event *dma_bench_last(enum ft_event_kind kind)
{
    return &last[kind];
}

void bench_open(struct bench *bench, bool scatter_gather, ULONG maximum)
{
    DEVICE_DESCRIPTION wanted;

    memset(bench, 0, sizeof *bench);
    memset(&wanted, 0, sizeof wanted);
    wanted.Version = DEVICE_DESCRIPTION_VERSION2;
    wanted.Master = TRUE;
    wanted.ScatterGather = scatter_gather;
    wanted.Dma32BitAddresses = TRUE;
    wanted.InterfaceType = PCIBus;
    wanted.MaximumLength = maximum;
    bench->adapter = IoGetDmaAdapter(NULL, &wanted, &bench->registers);
    CHECK(bench->adapter != NULL);
    bench->ops = bench->adapter->DmaOperations;
}

void bench_request(struct bench *bench, ULONG bytes, ULONG page_offset, bool read)
{
    bench->buffer = ft_buffer_create(bytes, page_offset, 1, read);
    CHECK(bench->buffer != NULL);
    bench->bytes = bytes;
    bench->mdl = IoAllocateMdl(bench->buffer, bytes, FALSE, FALSE, NULL);
    CHECK(bench->mdl != NULL);
    MmProbeAndLockPages(bench->mdl, KernelMode, read ? IoWriteAccess : IoReadAccess);
    bench->va = MmGetMdlVirtualAddress(bench->mdl);
}

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp, PVOID base,
                                           PVOID context)
{
    (void)device;
    (void)irp;
    ((struct bench *)context)->base = base;
    return DeallocateObjectKeepRegisters;
}

void bench_grant(struct bench *bench, ULONG registers)
{
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(NT_SUCCESS(bench->ops->AllocateAdapterChannel(bench->adapter, &bench->device, registers,
                                                        keep_registers, bench)));
}

uint64_t bench_map(struct bench *bench, ULONG offset, ULONG *length, bool write)
{
    return (uint64_t)bench->ops
        ->MapTransfer(bench->adapter, bench->mdl, bench->base, (uint8_t *)bench->va + offset,
                      length, write)
        .QuadPart;
}

BOOLEAN bench_flush(struct bench *bench, ULONG offset, ULONG length, bool write)
{
    return bench->ops->FlushAdapterBuffers(bench->adapter, bench->mdl, bench->base,
                                           (uint8_t *)bench->va + offset, length, write);
}

uint32_t bench_equal(const struct bench *bench, bool write)
{
    uint32_t equal, first;

    ft_buffer_compare(bench->buffer, bench->bytes, write, &equal, &first);
    CHECK((equal == bench->bytes) == (first == bench->bytes));
    return equal;
}

bool bench_device_writes(uint64_t address, ULONG bytes)
{
    uint8_t burst[SIM_BURST_BYTES];

    for (ULONG done = 0; done < bytes;) {
        ULONG piece = bytes - done < sizeof burst ? bytes - done : sizeof burst;

        for (ULONG i = 0; i < piece; i++)
            burst[i] = (uint8_t)((done + i) * 7 + 3);
        if (!sim_dma_write(NULL, address + done, burst, piece))
            return false;
        done += piece;
    }
    return true;
}

bool bench_device_reads(uint64_t address, void *bytes, ULONG length)
{
    for (ULONG done = 0; done < length;) {
        ULONG piece = length - done < SIM_BURST_BYTES ? length - done : SIM_BURST_BYTES;

        if (!sim_dma_read(NULL, address + done, (uint8_t *)bytes + done, piece))
            return false;
        done += piece;
    }
    return true;
}
