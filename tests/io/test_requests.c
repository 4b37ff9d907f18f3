/* The requester: buffers by method, what comes back, and handles (wdm-io, 2.3 and 4.4 C11). */
#include "bench_driver.h"
#include "dma/frames.h"
#include "kernel/memory_kind.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct ft_event *compared(void)
{
    return wb_event(FT_EV_DATA_COMPARE, 1);
}

static ULONG length_of(PIRP irp)
{
    return IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
}

/* ---- buffered reads and writes ---- */

static NTSTATUS buffered_read(PDEVICE_OBJECT device, PIRP irp)
{
    PUCHAR system = irp->AssociatedIrp.SystemBuffer, user = irp->UserBuffer;
    ULONG length = length_of(irp);

    (void)device;
    CHECK(irp->MdlAddress == NULL && system != NULL && user != NULL && system != user);
    CHECK((length >= PAGE_SIZE) == (length >= PAGE_SIZE && BYTE_OFFSET(system) == 0));
    CHECK(BYTE_OFFSET(system) % 16 == 0);
    CHECK(length >= PAGE_SIZE || BYTE_OFFSET(system) + length <= PAGE_SIZE);
    CHECK(BYTE_OFFSET(user) == 100);
    CHECK(ft_memory_kind(system) == FT_MEMORY_NONPAGED_POOL);
    CHECK(!ft_is_user_memory(system, length) && ft_is_user_memory(user, length));
    CHECK(irp->Flags & IRP_INPUT_OPERATION && irp->UserIosb != NULL);
    for (ULONG i = 0; i < length / 2; i++)
        system[i] = 0x5A;
    return bench_complete(irp, STATUS_SUCCESS, length / 2);
}

static void a_buffered_read_has_a_system_buffer_of_its_own(void **state)
{
    static const struct ft_op small[] = {{.kind = FT_OP_READ, .arg = {200, 100}}};
    static const struct ft_op large[] = {{.kind = FT_OP_READ, .arg = {5000, 100}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.buffered = TRUE, .request = buffered_read}, small, 1);
    assert_int_equal(compared()->arg[1], 100);
    assert_int_equal(compared()->arg[2], 100); /* the processor put it there */
    assert_int_equal(wb_count(FT_EV_MDL_ALLOC), 0);
    bench_driver_run(&(struct bench_driver){.buffered = TRUE, .request = buffered_read}, large, 1);
    assert_int_equal(compared()->arg[2], 2500);
}

static NTSTATUS claim_all(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    return bench_complete(irp, STATUS_SUCCESS, length_of(irp));
}

static void bytes_that_nobody_wrote_compare_unequal(void **state)
{
    static const struct ft_op read[] = {{.kind = FT_OP_READ, .arg = {200, 0}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.buffered = TRUE, .request = claim_all}, read, 1);
    assert_int_equal(compared()->arg[1], 200);
    assert_int_equal(compared()->arg[2], 0);
    assert_int_equal(compared()->arg[3], 0);
    bench_driver_run(&(struct bench_driver){.request = claim_all}, read, 1);
    assert_int_equal(compared()->arg[2], 0);
}

static NTSTATUS write_by_hand(PDEVICE_OBJECT device, PIRP irp)
{
    const UCHAR *system = irp->AssociatedIrp.SystemBuffer;

    (void)device;
    CHECK(irp->UserBuffer == NULL);
    for (ULONG i = 0; i < length_of(irp) / 2; i++)
        WRITE_REGISTER_UCHAR(the_driver.registers + WB_REG_SCRATCH, system[i]);
    return bench_complete(irp, STATUS_SUCCESS, length_of(irp));
}

static void a_write_by_hand_counts_what_was_written(void **state)
{
    static const struct ft_op write[] = {{.kind = FT_OP_WRITE, .arg = {64, 0}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.buffered = TRUE, .request = write_by_hand}, write, 1);
    assert_int_equal(compared()->arg[1], 64);
    assert_int_equal(compared()->arg[2], 32);
    assert_int_equal(compared()->arg[3], 32);
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_COMPLETE); n++)
        if (wb_event(FT_EV_IRP_COMPLETE, n)->arg[0] == compared()->arg[0])
            assert_int_equal(wb_event(FT_EV_IRP_COMPLETE, n)->arg[7], 32);
}

static NTSTATUS neither(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(irp->MdlAddress == NULL && irp->AssociatedIrp.SystemBuffer == NULL);
    CHECK(ft_is_user_memory(irp->UserBuffer, length_of(irp)));
    RtlFillMemory(irp->UserBuffer, length_of(irp), 3);
    return bench_complete(irp, STATUS_SUCCESS, length_of(irp));
}

static void neither_io_has_the_user_s_address(void **state)
{
    static const struct ft_op read[] = {{.kind = FT_OP_READ, .arg = {200, 8}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.neither = TRUE, .request = neither}, read, 1);
    assert_int_equal(compared()->arg[2], 200);
}

/* ---- long requests ---- */

static ULONG seen_length, seen_offset;

static UCHAR seen_major;

static NTSTATUS fill_all(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    seen_major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    seen_length = length_of(irp);
    seen_offset = BYTE_OFFSET(irp->UserBuffer);
    RtlFillMemory(irp->UserBuffer, seen_length, 3);
    return bench_complete(irp, STATUS_SUCCESS, seen_length);
}

static void megabyte(struct ft_description *description)
{
    description->request_bytes_max = 1 << 20;
}

/* Asks for those pages of a driver that takes a megabyte, or 65024 bytes. */
static void ask_pages(uint16_t pages, uint16_t skip, bool takes_it, ULONG length)
{
    struct ft_op op = {.kind = FT_OP_READ_PAGES, .arg = {pages, skip}};

    seen_length = 0;
    bench_driver_run(&(struct bench_driver){.neither = TRUE,
                                            .request = fill_all,
                                            .describe = takes_it ? megabyte : NULL},
                     &op, 1);
    assert_int_equal(seen_length, length);
    if (length == 0)
        return;
    assert_int_equal(seen_offset, skip);
    assert_int_equal(seen_major, IRP_MJ_READ);
    assert_int_equal(compared()->arg[1], length);
    assert_int_equal(compared()->arg[2], length);
}

static void long_requests_count_pages(void **state)
{
    (void)state;
    ask_pages(256, 0, true, 1 << 20);
    ask_pages(256, 1, true, (1 << 20) - 1);
    ask_pages(33, 4095, true, 32 * 4096 + 1);
    ask_pages(1, 4095, true, 1);
    ask_pages(0, 4095, true, 0);
    ask_pages(256, 0, false, (1 << 20) % 65025); /* as every length above the driver's longest */
}

static void long_writes_are_writes(void **state)
{
    static const struct ft_op op = {.kind = FT_OP_WRITE_PAGES, .arg = {20, 2}};

    (void)state;
    bench_driver_run(
        &(struct bench_driver){.neither = TRUE, .request = fill_all, .describe = megabyte}, &op, 1);
    assert_int_equal(seen_major, IRP_MJ_WRITE);
    assert_int_equal(seen_length, 20 * 4096 - 2);
}

/* Part by hand, part never: outside of what was mapped the processor's bytes count. */
static void body_by_hand(void)
{
    uint8_t *va = ft_buffer_create(256, 0, 1, true);
    uint32_t equal, first;

    memset(va, 1, 64);
    CHECK(ft_buffer_by_hand(va, 256, false, 0) == 64);
    ft_buffer_compare(va, 256, false, 0, &equal, &first);
    CHECK(equal == 64 && first == 64);
    ft_buffer_mapped(va + 32, 224); /* from now on the device's */
    CHECK(ft_buffer_by_hand(va, 256, false, 0) == 32);
    ft_buffer_compare(va, 256, false, 0, &equal, &first);
    CHECK(equal == 32 && first == 32);
    ft_buffer_destroy(va);
    va = ft_buffer_create(256, 0, 1, false);
    ft_buffer_mapped(va, 128);
    CHECK(ft_buffer_by_hand(va, 256, true, 1000) == 128);
    CHECK(ft_buffer_by_hand(va, 256, true, 5) == 5);
    ft_buffer_compare(va, 256, true, 100, &equal, &first);
    CHECK(equal == 100 && first == 0);
    ft_buffer_destroy(va);
}

static void the_processor_s_bytes_count_where_nothing_was_mapped(void **state)
{
    (void)state;
    wb_body(body_by_hand, FT_STOP_NONE);
}

/* ---- device control ---- */

static NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG method = METHOD_FROM_CTL_CODE(location->Parameters.DeviceIoControl.IoControlCode);
    PUCHAR system = irp->AssociatedIrp.SystemBuffer, out = system;

    (void)device;
    CHECK(location->Parameters.DeviceIoControl.InputBufferLength == length);
    CHECK(location->FileObject && location->FileObject == irp->Tail.Overlay.OriginalFileObject);
    if (length == 0) {
        CHECK(!system && !irp->MdlAddress && !irp->UserBuffer);
        return bench_complete(irp, STATUS_SUCCESS, 0);
    }
    CHECK((irp->MdlAddress != NULL) == (method == METHOD_IN_DIRECT || method == METHOD_OUT_DIRECT));
    CHECK((system != NULL) == (method != METHOD_NEITHER));
    if (method == METHOD_NEITHER) {
        CHECK(ft_is_user_memory(location->Parameters.DeviceIoControl.Type3InputBuffer, length));
        out = irp->UserBuffer;
    } else if (irp->MdlAddress) {
        CHECK(!!(irp->MdlAddress->MdlFlags & MDL_WRITE_OPERATION) == (method == METHOD_OUT_DIRECT));
        out = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
    }
    if (method != METHOD_IN_DIRECT)
        RtlFillMemory(out, length, 9);
    return bench_complete(irp, STATUS_SUCCESS, length);
}

static void each_control_code_has_its_method_s_buffers(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_IOCTL, .arg = {0, 64}}, {.kind = FT_OP_IOCTL, .arg = {1, 64}},
        {.kind = FT_OP_IOCTL, .arg = {2, 64}}, {.kind = FT_OP_IOCTL, .arg = {3, 64}},
        {.kind = FT_OP_IOCTL, .arg = {4, 0}}, /* around: the first code again */
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = control}, ops, 5);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_fired, 5);
    assert_int_equal(wb_count(FT_EV_IRP_BUFFERS), 5);
    for (unsigned n = 1; n <= 5; n++) {
        const struct ft_event *buffers = wb_event(FT_EV_IRP_BUFFERS, n);

        assert_int_equal(buffers->arg[1], WB_CONTROL + (n - 1) % 4);
        assert_int_equal(buffers->arg[3], n == 5 ? 0 : 64);
        assert_int_equal(buffers->arg[4], (n - 1) % 4);
        assert_int_equal(buffers->layer, FT_LAYER_HARNESS);
    }
    assert_int_equal(wb_count(FT_EV_DATA_COMPARE), 3); /* all but METHOD_IN_DIRECT */
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(wb_event(FT_EV_DATA_COMPARE, n)->arg[2], 64);
}

/* ---- handles ---- */

static PFILE_OBJECT files[4];
static unsigned file_count;

static NTSTATUS note_file(PDEVICE_OBJECT device, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

    (void)device;
    CHECK(file && file->Type == IO_TYPE_FILE);
    files[file_count++ % 4] = file;
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void requests_go_through_the_newest_handle(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_OPEN_HANDLE, .label = 7},
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_CLOSE_HANDLE, .arg = {7, 0}},
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_CLOSE_HANDLE, .arg = {7, 0}}, /* gone already */
    };

    (void)state;
    file_count = 0;
    bench_driver_run(&(struct bench_driver){.request = note_file}, ops, 6);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_int_equal(file_count, 3);
    assert_true(files[0] == files[2] && files[0] != files[1]);
    assert_int_equal(wb_count(FT_EV_FILE_NEW), 2);
    assert_non_null(strstr(wb_notes(), "create read create read cleanup close read cleanup close"));
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_NEW); n++) {
        const struct ft_event *irp = wb_event(FT_EV_IRP_NEW, n);

        assert_true((irp->arg[5] != 0) ==
                    (irp->arg[1] >> 8 != IRP_MJ_PNP && irp->arg[1] >> 8 != IRP_MJ_POWER &&
                     irp->arg[1] >> 8 != IRP_MJ_SYSTEM_CONTROL));
        if (irp->arg[5])
            assert_int_equal(ft_handle_class(irp->arg[5]), FT_HC_FILE);
    }
}

static void a_handle_closes_when_its_requests_have_ended(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
        {.kind = FT_OP_CLOSE_HANDLE},
        {.kind = FT_OP_READ, .arg = {16, 0}}, /* no handle */
        {.kind = FT_OP_CANCEL, .arg = {1, 0}},
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = bench_hold}, ops, 4);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_non_null(strstr(wb_notes(), "create read cleanup cancelled close"));
}

static void a_handle_that_is_being_closed_does_not_stop_a_removal(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
        {.kind = FT_OP_OPEN_HANDLE},
        {.kind = FT_OP_CLOSE_HANDLE},
        {.kind = FT_OP_REMOVE},
        {.kind = FT_OP_CANCEL, .arg = {1, 0}},
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = bench_hold}, ops, 5);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "query-remove remove"));
}

static void a_refused_create_leaves_no_handle(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_OPEN_HANDLE},
        {.kind = FT_OP_CLOSE_HANDLE},
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.create = STATUS_DEVICE_BUSY}, ops, 3);
    assert_int_equal(wb_result()->ops_skipped, 3);
    assert_int_equal(wb_event(FT_EV_FILE_NEW, 1)->arg[1], (uint32_t)STATUS_DEVICE_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffered_read_has_a_system_buffer_of_its_own),
        cmocka_unit_test(bytes_that_nobody_wrote_compare_unequal),
        cmocka_unit_test(a_write_by_hand_counts_what_was_written),
        cmocka_unit_test(neither_io_has_the_user_s_address),
        cmocka_unit_test(long_requests_count_pages),
        cmocka_unit_test(long_writes_are_writes),
        cmocka_unit_test(the_processor_s_bytes_count_where_nothing_was_mapped),
        cmocka_unit_test(each_control_code_has_its_method_s_buffers),
        cmocka_unit_test(requests_go_through_the_newest_handle),
        cmocka_unit_test(a_handle_closes_when_its_requests_have_ended),
        cmocka_unit_test(a_handle_that_is_being_closed_does_not_stop_a_removal),
        cmocka_unit_test(a_refused_create_leaves_no_handle),
    };

    return cmocka_run_group_tests_name("requests and handles", tests, NULL, NULL);
}
