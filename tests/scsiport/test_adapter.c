/* Loading, finding, starting, scanning, stopping and removing an adapter. */
#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const uint64_t running = 2;

static void an_adapter_is_found_started_scanned_stopped_and_removed(void **state)
{
    (void)state;
    scsi_bench_expect(&(struct scsi_bench){0}, NULL, 0, "find init query stop hw-off");
    assert_int_equal(the_scsi.status, STATUS_SUCCESS);
    assert_true(the_scsi.fresh);
    assert_int_equal(wb_last(FT_EV_RUN_STARTED)->arg[0], STATUS_SUCCESS);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 1);
    assert_int_equal(wb_event(FT_EV_SCSI_ADAPTER, 2)->arg[1], running);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_is_found_started_scanned_stopped_and_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
