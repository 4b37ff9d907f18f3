/* ScsiPortInitialize: what it takes and refuses, several calls, and adapters that the miniport
 * looks for by itself. */
#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Arguments of event scsi:initialize. */
enum { STATUS_, SIZE_, BUS_, MISSING_, FLAGS_, STRAY_, IN_ENTRY_ };

static const struct ft_event *initialized(unsigned n)
{
    return wb_event(FT_EV_SCSI_INITIALIZE, n);
}

/* ---- what it refuses ---- */

static void no_size(PHW_INITIALIZATION_DATA data)
{
    data->HwInitializationDataSize = 0;
}

static void newer(PHW_INITIALIZATION_DATA data)
{
    data->HwInitializationDataSize = sizeof *data + 8;
}

static void older(PHW_INITIALIZATION_DATA data)
{
    data->HwInitializationDataSize = offsetof(HW_INITIALIZATION_DATA, HwAdapterControl);
}

static void without_initialize(PHW_INITIALIZATION_DATA data)
{
    data->HwInitialize = NULL;
}

static void without_start_io(PHW_INITIALIZATION_DATA data)
{
    data->HwStartIo = NULL;
}

static void without_find(PHW_INITIALIZATION_DATA data)
{
    data->HwFindAdapter = NULL;
}

static void without_reset(PHW_INITIALIZATION_DATA data)
{
    data->HwResetBus = NULL;
}

static void without_interrupt(PHW_INITIALIZATION_DATA data)
{
    data->HwInterrupt = NULL;
}

static const struct {
    void (*init)(PHW_INITIALIZATION_DATA data);
    NTSTATUS status;
    unsigned missing; /* besides HwDmaStarted and HwAdapterState, which the bench leaves out */
} answers[] = {
    {NULL, STATUS_SUCCESS, 0},
    {no_size, STATUS_REVISION_MISMATCH, 0},
    {newer, STATUS_REVISION_MISMATCH, 0},
    {older, STATUS_SUCCESS, 0},
    {without_initialize, STATUS_INVALID_PARAMETER, 1},
    {without_start_io, STATUS_INVALID_PARAMETER, 2},
    {without_interrupt, STATUS_SUCCESS, 4},
    {without_find, STATUS_INVALID_PARAMETER, 8},
    {without_reset, STATUS_INVALID_PARAMETER, 16},
};

static void each_answer_is_the_sheets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        scsi_bench_run(&(struct scsi_bench){.init = answers[i].init}, NULL, 0);
        assert_int_equal((NTSTATUS)the_scsi.status, answers[i].status);
        assert_int_equal((NTSTATUS)initialized(1)->arg[STATUS_], answers[i].status);
        assert_int_equal(initialized(1)->arg[MISSING_], answers[i].missing | 32 | 64);
        assert_int_equal(initialized(1)->arg[IN_ENTRY_], 1);
    }
}

/* The older structure ended before HwScsiAdapterControl. */
static void an_older_structure_has_no_adapter_control(void **state)
{
    (void)state;
    scsi_bench_expect(&(struct scsi_bench){.init = older}, NULL, 0, "find init hw-yanked");
}

static void litter(PHW_INITIALIZATION_DATA data)
{
    static char vendor[] = "1234";

    data->Reserved = data;
    data->TaggedQueuing = 2;
    data->VendorId = vendor;
}

static void what_was_not_zeroed_is_in_the_event(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.init = litter}, NULL, 0);
    assert_int_equal(initialized(1)->arg[STRAY_], 1 | 2 | 4);
}

static ULONG dump(PVOID argument1, PVOID argument2, PHW_INITIALIZATION_DATA data)
{
    (void)argument1, (void)argument2;
    return ScsiPortInitialize(NULL, NULL, data, NULL);
}

static void dump_mode_stops_the_run_by_its_name(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.entry = dump}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_UNIMPLEMENTED);
}

/* ---- several calls ---- */

static ULONG both(PVOID argument1, PVOID argument2, PHW_INITIALIZATION_DATA data)
{
    ULONG first, second;

    data->AdapterInterfaceType = Isa;
    first = ScsiPortInitialize(argument1, argument2, data, NULL);
    data->AdapterInterfaceType = PCIBus;
    second = ScsiPortInitialize(argument1, argument2, data, NULL);
    return first < second ? first : second;
}

static ULONG other_bus(PVOID argument1, PVOID argument2, PHW_INITIALIZATION_DATA data)
{
    data->AdapterInterfaceType = MicroChannel;
    return ScsiPortInitialize(argument1, argument2, data, NULL);
}

static void the_call_for_the_bus_of_the_device_counts(void **state)
{
    (void)state;
    scsi_bench_expect(&(struct scsi_bench){.entry = both}, NULL, 0, "find init query stop hw-off");
    assert_int_equal(the_scsi.given.AdapterInterfaceType, PCIBus);
    scsi_bench_run(&(struct scsi_bench){.entry = other_bus}, NULL, 0);
    assert_int_equal((NTSTATUS)wb_last(FT_EV_RUN_STARTED)->arg[0], STATUS_NO_SUCH_DEVICE);
}

/* ---- adapters without Plug and Play ---- */

enum { VENDOR = 0x1AF4, DEVICE = 0x10C2 };

static void legacy_pci(struct ft_description *description)
{
    description->flags |= FT_DRIVER_LEGACY;
    description->pci_id = (uint32_t)DEVICE << 16 | VENDOR;
}

static void ids(PHW_INITIALIZATION_DATA data)
{
    static char vendor[] = "1af4", device[] = "10";

    data->VendorId = vendor;
    data->VendorIdLength = 4;
    data->DeviceId = device; /* a prefix stands for every device that begins with it */
    data->DeviceIdLength = 2;
}

static void other_ids(PHW_INITIALIZATION_DATA data)
{
    static char device[] = "11";

    ids(data);
    data->DeviceId = device;
}

static void the_port_looks_for_the_ids_on_pci(void **state)
{
    (void)state;
    scsi_bench_expect(&(struct scsi_bench){.init = ids, .describe = legacy_pci}, NULL, 0,
                      "find init query stop");
    assert_int_equal(the_scsi.status, STATUS_SUCCESS);
    assert_int_equal(the_scsi.range.RangeLength, WB_BAR_BYTES);
    assert_true(the_scsi.range.RangeInMemory);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 1);
    scsi_bench_expect(&(struct scsi_bench){.init = other_ids, .describe = legacy_pci}, NULL, 0, "");
    assert_int_equal((NTSTATUS)the_scsi.status, STATUS_DEVICE_DOES_NOT_EXIST);
}

static void legacy_isa(struct ft_description *description)
{
    description->flags |= FT_DRIVER_LEGACY;
    description->bar_bytes[0] = 0;
    description->port_base = 0x330;
    description->port_bytes = 16;
}

static void isa(PHW_INITIALIZATION_DATA data)
{
    data->AdapterInterfaceType = Isa;
}

static void say_where(PPORT_CONFIGURATION_INFORMATION config)
{
    config->BusInterruptLevel = 9;
    (*config->AccessRanges)[0] = (ACCESS_RANGE){.RangeStart.QuadPart = 0x330, .RangeLength = 16};
}

static void on_isa_the_miniport_looks_itself(void **state)
{
    (void)state;
    scsi_bench_expect(
        &(struct scsi_bench){.init = isa, .describe = legacy_isa, .configure = say_where}, NULL, 0,
        "find init query stop");
    assert_int_equal(the_scsi.range.RangeLength, 0);
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 1);
}

static void it_is_asked_again_while_it_says_so(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.init = isa,
                                        .describe = legacy_isa,
                                        .configure = say_where,
                                        .again = TRUE,
                                        .initialize_fails = TRUE},
                   NULL, 0);
    assert_int_equal(the_scsi.calls[FT_ROUTINE_SCSI_FIND_ADAPTER], 2);
    assert_true(the_scsi.fresh);
}

static const struct {
    ULONG result;
    NTSTATUS status;
} results[] = {{SP_RETURN_NOT_FOUND, STATUS_DEVICE_DOES_NOT_EXIST},
               {SP_RETURN_ERROR, STATUS_ADAPTER_HARDWARE_ERROR},
               {SP_RETURN_BAD_CONFIG, STATUS_DEVICE_CONFIGURATION_ERROR}};

static void what_was_found_is_the_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        scsi_bench_run(&(struct scsi_bench){.init = isa,
                                            .describe = legacy_isa,
                                            .find_fails = TRUE,
                                            .find_result = results[i].result},
                       NULL, 0);
        assert_int_equal((NTSTATUS)the_scsi.status, results[i].status);
        assert_int_equal(wb_count(FT_EV_DEVICE_CREATE), wb_count(FT_EV_DEVICE_DELETE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_is_the_sheets),
        cmocka_unit_test(an_older_structure_has_no_adapter_control),
        cmocka_unit_test(what_was_not_zeroed_is_in_the_event),
        cmocka_unit_test(dump_mode_stops_the_run_by_its_name),
        cmocka_unit_test(the_call_for_the_bus_of_the_device_counts),
        cmocka_unit_test(the_port_looks_for_the_ids_on_pci),
        cmocka_unit_test(on_isa_the_miniport_looks_itself),
        cmocka_unit_test(it_is_asked_again_while_it_says_so),
        cmocka_unit_test(what_was_found_is_the_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
