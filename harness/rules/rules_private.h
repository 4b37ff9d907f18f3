/* What the files of harness/rules share: the list of judged rules, firing, and finding objects in
 * the state.
 *
 * A monitor is a function ft_on_<event>(rules, event). The switch in rules.c calls, for one event,
 * first the monitors that judge it and then those that change the state other monitors read.
 */
#ifndef FT_RULES_PRIVATE_H
#define FT_RULES_PRIVATE_H

#include "rules/rules.h"
#include "rules/rules_state.h"

#include "sim/event.h"
#include "sim/handle.h"
#include "sim/scenario.h"

/* The rules that this build judges. A rule fires only by a constant made from this list, and the
 * table marks a row as judged only when it stands here, so a row that says so has a check; that the
 * check works is shown by the witness of each row. */
#define FT_JUDGED_RULES(J)                                                                         \
    J(DMA_GET_IRQL)                                                                                \
    J(DMA_GET_NULL_UNCHECKED)                                                                      \
    J(DMA_GET_COUNT_INSPECTED)                                                                     \
    J(DMA_GET_DURING_POWER)                                                                        \
    J(DMA_GET_PDO)                                                                                 \
    J(DMA_GET_PHASE)                                                                               \
    J(DMA_DD_ZEROED)                                                                               \
    J(DMA_DD_VERSION_KNOWN)                                                                        \
    J(DMA_DD_MAXLEN_NONZERO)                                                                       \
    J(DMA_OPS_VERSION_GATE)                                                                        \
    J(DMA_OPS_OWN_TABLE)                                                                           \
    J(DMA_ADAPTER_NULL)                                                                            \
    J(DMA_ADAPTER_USE_AFTER_PUT)                                                                   \
    J(DMA_ADAPTER_DOUBLE_PUT)                                                                      \
    J(DMA_ADAPTER_LEAK)                                                                            \
    J(DMA_PUT_IRQL)                                                                                \
    J(DMA_PUT_WITH_COMMON_BUFFER)                                                                  \
    J(DMA_PUT_WITH_CHANNEL)                                                                        \
    J(DMA_PUT_WITH_REGISTERS)                                                                      \
    J(DMA_PUT_WITH_SGLIST)                                                                         \
    J(DMA_PUT_WITH_MAPPING)                                                                        \
    J(DMA_ADAPTER_REFS)                                                                            \
    J(DMA_OBSOLETE_HAL)                                                                            \
    J(DMA_ACH_IRQL)                                                                                \
    J(DMA_ACH_COUNT_LIMIT)                                                                         \
    J(DMA_ACH_COUNT_SUFFICIENT)                                                                    \
    J(DMA_ACH_ONE_PER_ADAPTER)                                                                     \
    J(DMA_ACH_ONE_PER_DEVICE)                                                                      \
    J(DMA_ACH_NOT_NESTED)                                                                          \
    J(DMA_ACH_STATUS_CHECKED)                                                                      \
    J(DMA_ACH_ROUTINE_NONNULL)                                                                     \
    J(DMA_ACH_CONTEXT_ALIVE)                                                                       \
    J(DMA_ACH_AFTER_STOP)                                                                          \
    J(DMA_ACH_CANCELLED_IRP)                                                                       \
    J(DMA_ACB_RETURN_VALID)                                                                        \
    J(DMA_ACB_RETURN_SYSTEM)                                                                       \
    J(DMA_ACB_RETURN_BUSMASTER)                                                                    \
    J(DMA_ACB_DEALLOC_LIVE)                                                                        \
    J(DMA_ACB_NO_WAIT)                                                                             \
    J(DMA_ACB_IRQL_SAME)                                                                           \
    J(DMA_ACB_ONCE_PER_IRP)                                                                        \
    J(DMA_CHANNEL_LEAK)                                                                            \
    J(DMA_CHANNEL_STARVE)                                                                          \
    J(DMA_MAP_IRQL)                                                                                \
    J(DMA_MAP_NO_GRANT)                                                                            \
    J(DMA_MAP_BASE_PROVENANCE)                                                                     \
    J(DMA_MAP_ZERO_LENGTH)                                                                         \
    J(DMA_MAP_VA_IN_MDL)                                                                           \
    J(DMA_MAP_LENGTH_IN_MDL)                                                                       \
    J(DMA_MAP_REGISTER_BUDGET)                                                                     \
    J(DMA_MAP_MAXLEN)                                                                              \
    J(DMA_MAP_OVERLAP)                                                                             \
    J(DMA_MAP_MDL_LOCKED)                                                                          \
    J(DMA_MAP_MDL_BUILT)                                                                           \
    J(DMA_MAP_MDL_FLAGS)                                                                           \
    J(DMA_MAP_SYSTEM_VA)                                                                           \
    J(DMA_MAP_LOCK_ACCESS)                                                                         \
    J(DMA_MAP_DIR_VS_IRP)                                                                          \
    J(DMA_MAP_SPLIT_SAME_ARGS)                                                                     \
    J(DMA_MAP_ADVANCE)                                                                             \
    J(DMA_MAP_NO_GAP)                                                                              \
    J(DMA_MAP_LENGTH_ALIAS)                                                                        \
    J(DMA_MAP_LENGTH_HONOURED)                                                                     \
    J(DMA_MAP_ALIGNMENT)                                                                           \
    J(DMA_MAP_AFTER_COMPLETE)                                                                      \
    J(DMA_MAP_AFTER_FREE)                                                                          \
    J(DMA_MAP_SYSTEM_SERIAL)                                                                       \
    J(DMA_MAP_SYSTEM_ADDRESS_USED)                                                                 \
    J(DMA_MAP_AUTOINIT_ONCE)                                                                       \
    J(DMA_DEV_IN_MAPPING)                                                                          \
    J(DMA_DEV_BOUNDS)                                                                              \
    J(DMA_DEV_DIRECTION)                                                                           \
    J(DMA_DEV_AFTER_FLUSH)                                                                         \
    J(DMA_DEV_AFTER_FREE)                                                                          \
    J(DMA_DEV_LOGICAL_ONLY)                                                                        \
    J(DMA_DEV_HIGH_BITS)                                                                           \
    J(DMA_DEV_ONE_RUN)                                                                             \
    J(DMA_DEV_QUIESCED)                                                                            \
    J(DMA_DEV_STARTED_GRANTED)                                                                     \
    J(DMA_FLUSH_IRQL)                                                                              \
    J(DMA_FLUSH_BEFORE_COMPLETE)                                                                   \
    J(DMA_FLUSH_BEFORE_FREE_REGS)                                                                  \
    J(DMA_FLUSH_BEFORE_FREE_CHANNEL)                                                               \
    J(DMA_FLUSH_BEFORE_NEXT_MAP)                                                                   \
    J(DMA_FLUSH_MISSING_AT_END)                                                                    \
    J(DMA_FLUSH_THRESHOLD)                                                                         \
    J(DMA_FLUSH_UNMAPPED)                                                                          \
    J(DMA_FLUSH_DOUBLE)                                                                            \
    J(DMA_FLUSH_VA_MISMATCH)                                                                       \
    J(DMA_FLUSH_VA_ADVANCED)                                                                       \
    J(DMA_FLUSH_LENGTH_LONG)                                                                       \
    J(DMA_FLUSH_LENGTH_SHORT)                                                                      \
    J(DMA_FLUSH_PARTIAL_SPLIT)                                                                     \
    J(DMA_FLUSH_WRONG_MDL)                                                                         \
    J(DMA_FLUSH_WRONG_BASE)                                                                        \
    J(DMA_FLUSH_WRONG_ADAPTER)                                                                     \
    J(DMA_FLUSH_WRONG_DIRECTION)                                                                   \
    J(DMA_FLUSH_EARLY)                                                                             \
    J(DMA_FLUSH_AFTER_FREE)                                                                        \
    J(DMA_FLUSH_AFTER_COMPLETE)                                                                    \
    J(DMA_FLUSH_AFTER_UNLOCK)                                                                      \
    J(DMA_FLUSH_AFTER_PUT)                                                                         \
    J(DMA_FLUSH_PER_MAP_SYSTEM)                                                                    \
    J(DMA_FLUSH_RESULT_IGNORED)                                                                    \
    J(DMA_FLUSH_INFO_BOUND)                                                                        \
    J(DMA_FLUSH_BY_KEFLUSH)                                                                        \
    J(DMA_FLUSH_ON_WRITE)                                                                          \
    J(DMA_FLUSH_ON_ERROR)                                                                          \
    J(DMA_FLUSH_COVERS_DEVICE_DATA)                                                                \
    J(DMA_KFI_IRQL)                                                                                \
    J(DMA_KFI_BEFORE_DMA)                                                                          \
    J(DMA_KFI_DIRECTION)                                                                           \
    J(DMA_KFI_DMA_FLAG)                                                                            \
    J(DMA_KFI_EACH_MDL)                                                                            \
    J(DMA_KFI_TOO_LATE)                                                                            \
    J(DMA_KFI_AFTER_COMPLETE)                                                                      \
    J(DMA_FCH_IRQL)                                                                                \
    J(DMA_FMR_IRQL)                                                                                \
    J(DMA_FCH_ONLY_KEEP)                                                                           \
    J(DMA_FMR_ONLY_KEEPREGS)                                                                       \
    J(DMA_FCH_DOUBLE)                                                                              \
    J(DMA_FMR_DOUBLE)                                                                              \
    J(DMA_FMR_COUNT)                                                                               \
    J(DMA_FMR_BASE)                                                                                \
    J(DMA_FMR_NULL)                                                                                \
    J(DMA_FMR_PARTIAL)                                                                             \
    J(DMA_FREE_WRONG_ADAPTER)                                                                      \
    J(DMA_FREE_BEFORE_COMPLETE)                                                                    \
    J(DMA_FMR_LEAK)                                                                                \
    J(DMA_GRANT_NO_RELEASE)                                                                        \
    J(DMA_STARTNEXT_ORDER)                                                                         \
    J(DMA_GSL_IRQL)                                                                                \
    J(DMA_PSL_IRQL)                                                                                \
    J(DMA_GSL_STATUS)                                                                              \
    J(DMA_GSL_RANGE)                                                                               \
    J(DMA_GSL_LIMIT)                                                                               \
    J(DMA_LCB_NO_ALLOC_MAP)                                                                        \
    J(DMA_SGL_BOUNDS)                                                                              \
    J(DMA_PSL_BEFORE_COMPLETE)                                                                     \
    J(DMA_PSL_DIRECTION)                                                                           \
    J(DMA_PSL_PROVENANCE)                                                                          \
    J(DMA_PSL_DOUBLE)                                                                              \
    J(DMA_PSL_EARLY)                                                                               \
    J(DMA_PSL_LEAK)                                                                                \
    J(DMA_PSL_AFTER_UNLOCK)                                                                        \
    J(DMA_SGL_NO_MANUAL_FLUSH)                                                                     \
    J(DMA_BSL_BUFFER_SIZE)                                                                         \
    J(DMA_CSL_ARGS)                                                                                \
    J(DMA_MFS_ONCE)                                                                                \
    J(DMA_CB_IRQL)                                                                                 \
    J(DMA_CB_NULL)                                                                                 \
    J(DMA_CB_FREE_ARGS)                                                                            \
    J(DMA_CB_PARTIAL_FREE)                                                                         \
    J(DMA_CB_DOUBLE_FREE)                                                                          \
    J(DMA_CB_LEAK)                                                                                 \
    J(DMA_CB_DEVICE_ACTIVE)                                                                        \
    J(DMA_CB_LOGICAL)                                                                              \
    J(DMA_CB_REGISTER_NEED)                                                                        \
    J(DMA_CB_ALIGN_ASSUMED)                                                                        \
    J(DMA_CB_MDL)                                                                                  \
    J(DMA_CB_MDL_LIFETIME)                                                                         \
    J(DMA_CB_LATE_ALLOC)                                                                           \
    J(DMA_DD_V3_WIDTH)                                                                             \
    J(DMA_FLUSH_SYSTEM_RUNNING)                                                                    \
    J(DMA_KFI_V3_REDUNDANT)                                                                        \
    J(DMA_FDB_DIRECTION)                                                                           \
    J(DMA_FDB_MDL_MAPPED)                                                                          \
    J(DMA_CBV_IRQL)                                                                                \
    J(DMA_CBV_NOT_EMPTY)                                                                           \
    J(DMA_CBV_INDEX)                                                                               \
    J(DMA_CBV_INDEX_FREED)                                                                         \
    J(DMA_CBV_LEAK)                                                                                \
    J(DMA_CBM_MDL_SHAPE)                                                                           \
    J(DMA_CBM_CONFIG_DUP)                                                                          \
    J(DMA_DOM_IRQL)                                                                                \
    J(DMA_DOM_HANDLE)                                                                              \
    J(DMA_CTX_INIT)                                                                                \
    J(DMA_CTX_UNIQUE)                                                                              \
    J(DMA_CTX_REINIT_LIVE)                                                                         \
    J(DMA_CTX_ALIVE)                                                                               \
    J(DMA_CTX_MATCH)                                                                               \
    J(DMA_ACX_ARGS)                                                                                \
    J(DMA_ACX_FLAGS)                                                                               \
    J(DMA_ACX_SYNC_RELEASE)                                                                        \
    J(DMA_FAO_ACTION)                                                                              \
    J(DMA_FAO_KEEPREGS)                                                                            \
    J(DMA_FAO_LIVE)                                                                                \
    J(DMA_MPX_ONE_OUTSTANDING)                                                                     \
    J(DMA_MPX_FLUSH_EACH)                                                                          \
    J(DMA_MPX_RANGE)                                                                               \
    J(DMA_MPX_ADVANCE)                                                                             \
    J(DMA_MPX_LENGTH_OUT)                                                                          \
    J(DMA_MPX_CHAIN_SAME)                                                                          \
    J(DMA_MPX_SGBUF_REQUIRED)                                                                      \
    J(DMA_MPX_SGBUF_SIZE)                                                                          \
    J(DMA_MPX_BUSMASTER_NULL)                                                                      \
    J(DMA_MPX_STATUS)                                                                              \
    J(DMA_DCR_IRQL)                                                                                \
    J(DMA_DCR_STATUS)                                                                              \
    J(DMA_FLX_ARGS)                                                                                \
    J(DMA_CAC_TRUE)                                                                                \
    J(DMA_CAC_FALSE)                                                                               \
    J(DMA_CMT_SYSTEM_ONLY)                                                                         \
    J(DMA_CMT_THEN_FLUSH)                                                                          \
    J(DMA_CMT_DOUBLE)                                                                              \
    J(DMA_GSX_BUSMASTER_ONLY)                                                                      \
    J(DMA_GSX_ARGS)                                                                                \
    J(DMA_GSX_IRQL)                                                                                \
    J(DMA_GSX_RELEASE)                                                                             \
    J(DMA_INF_VERSION)                                                                             \
    J(DMA_CFG_SYSTEM_ONLY)                                                                         \
    J(DMA_CNT_SYSTEM_ONLY)                                                                         \
    J(DMA_ALN_IRQL)                                                                                \
    J(DMA_ALN_MASK)                                                                                \
    J(DMA_IRP_COMPLETE_LIVE)                                                                       \
    J(DMA_IRP_INFO)                                                                                \
    J(DMA_IRP_SUCCESS_SHORT)                                                                       \
    J(DMA_IRP_STUCK)                                                                               \
    J(DMA_IRP_CANCEL_FLUSH)                                                                        \
    J(DMA_MDL_UNLOCK_MAPPED)                                                                       \
    J(DMA_MDL_FREE_MAPPED)                                                                         \
    J(DMA_MDL_REUSE_MAPPED)                                                                        \
    J(DMA_MDL_ADVANCE_MAPPED)                                                                      \
    J(DMA_MDL_SOURCE_UNLOCK)                                                                       \
    J(DMA_MDL_LOCK_PAIRING)                                                                        \
    J(DMA_MDL_LOCK_IRQL)                                                                           \
    J(DMA_MDL_NULL)                                                                                \
    J(DMA_PNP_STOP_LIVE)                                                                           \
    J(DMA_PNP_SURPRISE_LIVE)                                                                       \
    J(DMA_PNP_REMOVE_LIVE)                                                                         \
    J(DMA_DMA_AFTER_REMOVE)                                                                        \
    J(DMA_FLUSH_AFTER_REMOVE)                                                                      \
    J(DMA_POW_LIVE)                                                                                \
    J(DMA_DPC_AFTER_DISCONNECT)                                                                    \
    J(DMA_DPC_ORDER)                                                                               \
    J(DMA_TIMER_RACE)                                                                              \
    J(DMA_IRQL_TABLE)                                                                              \
    J(DMA_LOCK_HELD)                                                                               \
    J(DMA_BOOLEAN_ARGS)                                                                            \
    J(IO_IRP_COMPLETE_ONCE)                                                                        \
    J(IO_IRP_COMPLETE_EVENTUALLY)                                                                  \
    J(IO_IRP_MARK_BEFORE_QUEUE)                                                                    \
    J(IO_IRP_PENDING_IFF_MARKED)                                                                   \
    J(IO_IRP_PENDED_NOT_COMPLETED_INLINE_WITHOUT_MARK)                                             \
    J(IO_IRP_RETURN_STATUS_MATCH)                                                                  \
    J(IO_IRP_STATUS_NOT_PENDING)                                                                   \
    J(IO_IRP_INFO_BOUND)                                                                           \
    J(IO_IRP_COMPLETE_IRQL)                                                                        \
    J(IO_IRP_COMPLETE_NO_LOCK)                                                                     \
    J(IO_IRP_COMPLETE_CANCEL_NULL)                                                                 \
    J(IO_IRP_FORWARD_CANCEL_NULL)                                                                  \
    J(IO_IRP_FORWARD_LOCATION)                                                                     \
    J(IO_IRP_SKIP_NO_COMPLETION)                                                                   \
    J(IO_IRP_SKIP_NO_MARK)                                                                         \
    J(IO_IRP_FORWARD_IRQL)                                                                         \
    J(IO_IRP_FORWARD_BELOW_OWNER)                                                                  \
    J(IO_IRP_COMPLETION_PENDING_PROPAGATE)                                                         \
    J(IO_IRP_COMPLETION_NO_MARK_WITH_MPR)                                                          \
    J(IO_IRP_COMPLETION_IRQL)                                                                      \
    J(IO_IRP_EVENT_LIFETIME)                                                                       \
    J(IO_IRP_SYNC_WAIT_ON_PENDING)                                                                 \
    J(IO_IRP_OWN_ALLOC_FREE)                                                                       \
    J(IO_IRP_OWN_NEEDS_COMPLETION)                                                                 \
    J(IO_IRP_OWN_NOT_COMPLETED_BY_CREATOR)                                                         \
    J(IO_IRP_REUSE_VALID)                                                                          \
    J(IO_IRP_INITIAL_STATUS)                                                                       \
    J(IO_IRP_DISPATCH_PRESENT)                                                                     \
    J(IO_IRP_UNKNOWN_PASSED)                                                                       \
    J(IO_IRP_FAILED_NOT_FORWARDED)                                                                 \
    J(IO_IRP_UNKNOWN_UNTOUCHED)                                                                    \
    J(IO_IRP_NO_NOTSUPPORTED)                                                                      \
    J(IO_IRP_UNFAILABLE_NOT_FAILED)                                                                \
    J(IO_IRP_REMOVE_LOCK_HELD)                                                                     \
    J(IO_IRP_ZERO_LENGTH)                                                                          \
    J(IO_STARTIO_NEXT_ONCE)                                                                        \
    J(IO_STARTIO_NEXT_IRQL)                                                                        \
    J(IO_STARTIO_NEXT_NOT_LOCKED)                                                                  \
    J(IO_STARTIO_RECURSION_DEFERRED)                                                               \
    J(IO_STARTIO_CANCELABLE_CONSISTENT)                                                            \
    J(IO_STARTIO_CURRENTIRP_CHECKED)                                                               \
    J(IO_STARTIO_NO_BLOCK)                                                                         \
    J(IO_DEVQUEUE_INSERT_FALSE)                                                                    \
    J(IO_DEVQUEUE_IRQL)                                                                            \
    J(IO_DEVQUEUE_REMOVE_ENTRY_ONLY_IN_CANCEL)                                                     \
    J(IO_STARTIO_AFTER_REMOVE)                                                                     \
    J(IO_QUEUE_DRAINED_ON_REMOVE)                                                                  \
    J(IO_CANCEL_RELEASE_LOCK_ONCE)                                                                 \
    J(IO_CANCEL_RELEASE_IRQL_RIGHT)                                                                \
    J(IO_CANCEL_NO_RECURSION)                                                                      \
    J(IO_CANCEL_NO_COMPLETE_LOCKED)                                                                \
    J(IO_CANCEL_STATUS)                                                                            \
    J(IO_CANCEL_CLAIM_ATOMIC)                                                                      \
    J(IO_CANCEL_ROUTINE_OWNS_AFTER_NULL)                                                           \
    J(IO_CANCEL_LOCK_NEEDED_DEVQUEUE)                                                              \
    J(IO_CANCEL_UNLINK_ONCE)                                                                       \
    J(IO_CANCEL_CURRENT_LEFT_ALONE)                                                                \
    J(IO_CANCEL_CHANNEL_PENDING)                                                                   \
    J(IO_CANCEL_TIMELY)                                                                            \
    J(IO_CANCEL_HELD_CANCELLABLE)                                                                  \
    J(IO_CANCEL_ROUTINE_NOT_ON_BELOW)                                                              \
    J(IO_CANCEL_ONLY_OWN)                                                                          \
    J(IO_CANCEL_TARGET_ALIVE)                                                                      \
    J(IO_CANCEL_CLEANUP_HANDLED)                                                                   \
    J(IO_CANCEL_DPC_RACE_SINGLE_OWNER)                                                             \
    J(IO_CANCEL_MASTER_ASSOCIATES)                                                                 \
    J(IO_CSQ_CALLBACK_NO_LOCK)                                                                     \
    J(IO_CSQ_COMPLETE_UNLOCKED)                                                                    \
    J(IO_CSQ_RETURN_PENDING)                                                                       \
    J(IO_RL_INIT_ONCE)                                                                             \
    J(IO_RL_ACQUIRE_CHECKED)                                                                       \
    J(IO_RL_BALANCE)                                                                               \
    J(IO_RL_TAG_MATCH)                                                                             \
    J(IO_RL_NO_RELEASE_UNACQUIRED)                                                                 \
    J(IO_RL_PENDED_HELD_TILL_COMPLETE)                                                             \
    J(IO_RL_WAIT_ONLY_REMOVE)                                                                      \
    J(IO_RL_WAIT_BEFORE_DETACH)                                                                    \
    J(IO_RL_WAIT_NOT_DEADLOCK)                                                                     \
    J(IO_PNP_ADD_ATTACH_ORDER)                                                                     \
    J(IO_PNP_ADD_FLAGS_COPIED)                                                                     \
    J(IO_PNP_START_LOWER_FIRST)                                                                    \
    J(IO_PNP_START_FAIL_CLEAN)                                                                     \
    J(IO_PNP_START_REENTRANT)                                                                      \
    J(IO_PNP_QUERYSTOP_HOLD)                                                                       \
    J(IO_PNP_QUERYSTOP_FAIL_SPECIAL)                                                               \
    J(IO_PNP_QUERYSTOP_DRAIN)                                                                      \
    J(IO_PNP_STOP_SUCCESS)                                                                         \
    J(IO_PNP_STOP_RELEASES)                                                                        \
    J(IO_PNP_STOP_NO_IO)                                                                           \
    J(IO_PNP_HELD_IRPS_CANCELLABLE)                                                                \
    J(IO_PNP_HOLD_NOT_PNP_POWER)                                                                   \
    J(IO_PNP_CANCELSTOP_RESUME)                                                                    \
    J(IO_PNP_CANCEL_SPURIOUS_OK)                                                                   \
    J(IO_PNP_QUERYREMOVE_RECORD_STATE)                                                             \
    J(IO_PNP_QUERYREMOVE_IO_CONTINUES)                                                             \
    J(IO_PNP_QUERYREMOVE_CREATE_FAILS)                                                             \
    J(IO_PNP_REMOVE_ORDER)                                                                         \
    J(IO_PNP_REMOVE_DETACH_DELETE)                                                                 \
    J(IO_PNP_REMOVE_NOT_COMPLETED)                                                                 \
    J(IO_PNP_REMOVE_OUTSTANDING)                                                                   \
    J(IO_PNP_SURPRISE_SUCCESS)                                                                     \
    J(IO_PNP_SURPRISE_NO_DELETE)                                                                   \
    J(IO_PNP_SURPRISE_RELEASE_HW)                                                                  \
    J(IO_PNP_SURPRISE_FAIL_IO)                                                                     \
    J(IO_PNP_SURPRISE_FLUSH)                                                                       \
    J(IO_PNP_SURPRISE_NO_HANG)                                                                     \
    J(IO_PNP_REMOVE_AFTER_SURPRISE)                                                                \
    J(IO_PNP_REMOVE_UNSTARTED)                                                                     \
    J(IO_PNP_INTERFACES_DISABLED)                                                                  \
    J(IO_PNP_WAITWAKE_CANCELLED)                                                                   \
    J(IO_PNP_USAGE_COUNTED)                                                                        \
    J(IO_PWR_PASS_ALL)                                                                             \
    J(IO_PWR_NO_BLOCK)                                                                             \
    J(IO_PWR_SET_NOT_FAILED)                                                                       \
    J(IO_PWR_DOWN_BEFORE_FORWARD)                                                                  \
    J(IO_PWR_UP_AFTER_COMPLETE)                                                                    \
    J(IO_PWR_NO_HW_BELOW_D0)                                                                       \
    J(IO_PWR_QUEUE_IO_ASLEEP)                                                                      \
    J(IO_PWR_RESUME_QUEUE)                                                                         \
    J(IO_PWR_DMA_NONE_ACROSS)                                                                      \
    J(IO_PWR_POSTATE)                                                                              \
    J(IO_PWR_MARK_PENDING)                                                                         \
    J(IO_PWR_SIRP_VIA_REQUEST)                                                                     \
    J(IO_PWR_SIRP_STATUS)                                                                          \
    J(IO_PWR_CODES_UNCHANGED)                                                                      \
    J(IO_PWR_REDUNDANT_D0)                                                                         \
    J(IO_PWR_IRQL_TOLERANT)                                                                        \
    J(IO_PWR_NO_ALLOC_DOWN)                                                                        \
    J(IO_PWR_QUERY_NO_SIDE_EFFECTS)                                                                \
    J(IO_PWR_REMOVELOCK)                                                                           \
    J(IO_PWR_WAITWAKE_SINGLE)                                                                      \
    J(IO_PWR_TIMELY)                                                                               \
    J(IO_IRQL_DDI_LEVEL)                                                                           \
    J(IO_IRQL_ROUTINE_PRESERVE)                                                                    \
    J(IO_IRQL_RAISE_LOWER)                                                                         \
    J(IO_IRQL_NO_WAIT)                                                                             \
    J(IO_LOCK_INIT)                                                                                \
    J(IO_LOCK_NO_RECURSION)                                                                        \
    J(IO_LOCK_RELEASE_OWNER)                                                                       \
    J(IO_LOCK_BALANCED_PER_ROUTINE)                                                                \
    J(IO_LOCK_ORDER)                                                                               \
    J(IO_LOCK_API_MATCH)                                                                           \
    J(IO_LOCK_ATDPC_IRQL)                                                                          \
    J(IO_LOCK_SYNC_NOT_IN_ISR)                                                                     \
    J(IO_LOCK_HOLD_BOUNDED)                                                                        \
    J(IO_ISR_ENABLE_AFTER_CONNECT)                                                                 \
    J(IO_ISR_DISCONNECT_BALANCE)                                                                   \
    J(IO_ISR_RETURN_TRUTH)                                                                         \
    J(IO_ISR_DDIS)                                                                                 \
    J(IO_ISR_AFTER_POWER_DOWN)                                                                     \
    J(IO_DPC_QUEUE_FALSE_HANDLED)                                                                  \
    J(IO_DPC_IRP_ARG_STALE)                                                                        \
    J(IO_DPC_NO_BLOCK)                                                                             \
    J(IO_DPC_DRAINED_BEFORE_FREE)                                                                  \
    J(IO_TIMER_CANCELLED_BEFORE_FREE)                                                              \
    J(IO_TIMER_CANCEL_FALSE_HANDLED)                                                               \
    J(IO_TIMER_DPC_EXCLUSIVE)                                                                      \
    J(IO_TIMER_OWNER_CHECK)                                                                        \
    J(IO_WORK_NOT_REQUEUED)                                                                        \
    J(IO_WORK_RETURNS_PASSIVE)                                                                     \
    J(IO_WORK_DONE_BEFORE_UNLOAD)                                                                  \
    J(IO_EVENT_NOT_PAGEABLE)                                                                       \
    J(IO_WAIT_NO_USEROBJ)                                                                          \
    J(IO_UNLOAD_CLEAN)                                                                             \
    J(IO_MDL_LOCK_BALANCE)                                                                         \
    J(IO_MDL_NO_DOUBLE_LOCK)                                                                       \
    J(IO_MDL_UNLOCK_VALID)                                                                         \
    J(IO_MDL_LOCK_EXCEPTION)                                                                       \
    J(IO_MDL_IO_MANAGER_OWNED)                                                                     \
    J(IO_MDL_PARTIAL_SOURCE_LIVES)                                                                 \
    J(IO_MDL_PARTIAL_PREPARE)                                                                      \
    J(IO_MDL_FREE_STATE)                                                                           \
    J(IO_MDL_NONPAGED_BUILD)                                                                       \
    J(IO_MDL_LEAK)                                                                                 \
    J(IO_POOL_IRQL_TYPE)                                                                           \
    J(IO_POOL_LEAK)                                                                                \
    J(IO_POOL_SIZE)                                                                                \
    J(IO_DMA_DEVICE_QUIET_BEFORE_UNMAP)                                                            \
    J(MEM_POOL_FREE_ONCE)                                                                          \
    J(MEM_POOL_BOUNDS)                                                                             \
    J(MEM_DEV_FREE_REGISTER)                                                                       \
    J(MEM_ADAPTER_READONLY)                                                                        \
    J(MEM_SGL_READONLY)                                                                            \
    J(MEM_MDL_MUTATED)                                                                             \
    J(MEM_CPU_CB_SLACK)                                                                            \
    J(MEM_POOL_USE_AFTER_FREE)                                                                     \
    J(MEM_MDL_USE_AFTER_FREE)                                                                      \
    J(MEM_WRITE_FREE_PAGE)

enum ft_rule_number {
    FT_RULE_NONE_ = 0,
#define RULE(number, symbol, ...) FT_RULE_##symbol = number,
#include "rules.def"
#undef RULE
};

enum ft_judged_rule {
#define J(symbol) FT_J_##symbol = FT_RULE_##symbol,
    FT_JUDGED_RULES(J)
#undef J
};

enum { FT_IRQL_PASSIVE = 0, FT_IRQL_APC = 1, FT_IRQL_DISPATCH = 2 };

enum { FT_NT_PENDING = 0x103 };

#define FT_NT_CANCELLED      0xC0000120u
#define FT_NT_DELETE_PENDING 0xC0000056u

enum {
    FT_MAJOR_CREATE = 0x00,
    FT_MAJOR_CLOSE = 0x02,
    FT_MAJOR_READ = 0x03,
    FT_MAJOR_WRITE = 0x04,
    FT_MAJOR_POWER = 0x16,
    FT_MAJOR_PNP = 0x1B
};

enum {
    FT_PNP_MINOR_START = 0x00,
    FT_PNP_MINOR_REMOVE = 0x02,
    FT_PNP_MINOR_STOP = 0x04,
    FT_PNP_MINOR_SURPRISE_REMOVAL = 0x17,
    FT_POWER_MINOR_SET = 0x02
};

enum { FT_POWER_D0 = 1 };

/* ---- rules_needs.c ---- */

/* Which needs are broken for the device of the event and the request that a finding is about. */
unsigned ft_rules_broken_needs(struct ft_rules *rules, const struct ft_event *event,
                               uint64_t object);

/* ---- rules.c ---- */

/* ft_rule_fire says that `event` breaks the rule. Nothing happens when the rule is disabled, when a
 * need of it is broken for the device of the event or the request `object`, or when this finding is
 * there already. `object`: handle of what it is about. */
void ft_rule_fire(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object);

/* The same as a warning, whatever the severity of the row: a reading of the documents that is not
 * punished. */
void ft_rule_warn(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object);

/* The engine stops judging: the table has no slot left. */
void ft_rules_overflow(struct ft_rules *rules, enum ft_rs_table table);

/* ---- rules_objects.c: lookups. NULL (or slot 0 for devices) when there is none. ---- */

/* …_get make the entry when there is none; they give NULL only after ft_rules_overflow. */
struct ft_rs_irp *ft_rs_irp_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_irp *ft_rs_irp_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_mdl *ft_rs_mdl_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_mdl *ft_rs_mdl_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_mapping *ft_rs_mapping_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_mapping *ft_rs_mapping_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_grant *ft_rs_grant_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_grant *ft_rs_grant_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_adapter *ft_rs_adapter_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_adapter *ft_rs_adapter_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_common *ft_rs_common_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_common *ft_rs_common_get(struct ft_rules *rules, uint32_t id);

struct ft_rs_list *ft_rs_list_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_list *ft_rs_list_get(struct ft_rules *rules, uint32_t id);

/* The name of the MDL in an argument: the id of its handle, or that of the driver's memory in which
 * the MDL lies. */
uint32_t ft_rs_mdl_id(const struct ft_event *event, unsigned index);

/* True when the IRP was completed by the driver or is back at its requester; also when its entry is
 * long gone. */
bool ft_rs_irp_is_complete(struct ft_rules *rules, uint32_t id);

/* The IRP whose memory an MDL describes, 0: none. */
uint32_t ft_rs_mdl_owner(struct ft_rules *rules, uint32_t mdl);

/* The slot of a device, made when needed; id 0 gives slot 0. */
struct ft_rs_device *ft_rs_device(struct ft_rules *rules, uint32_t id);

/* The slot at the bottom of the stack that the device belongs to. State that concerns the hardware
 * stands there. An id of 0 means the only device of the driver, when there is only one. */
struct ft_rs_device *ft_rs_root(struct ft_rules *rules, uint32_t id);

/* True when both ids name devices of one stack, or one of them is not known and the driver has only
 * one device. */
bool ft_rs_same_device(struct ft_rules *rules, uint32_t a, uint32_t b);

/* ---- what monitors share ---- */

/* A mapping that still owes its flush. */
static inline bool ft_mapping_is_due(const struct ft_rs_mapping *mapping)
{
    return mapping->id != 0 && (mapping->flags & (FT_RS_OVER | FT_MAPPING_SPENT)) == 0;
}

static inline bool ft_mapping_is_live(const struct ft_rs_mapping *mapping)
{
    return mapping->id != 0 && (mapping->flags & FT_RS_OVER) == 0;
}

static inline bool ft_grant_is_held(const struct ft_rs_grant *grant)
{
    return grant->id != 0 && (grant->flags & FT_RS_OVER) == 0 &&
           (grant->flags & (FT_GRANT_CHANNEL | FT_GRANT_REGISTERS)) != 0;
}

static inline bool ft_by_driver(const struct ft_event *event)
{
    return event->layer == FT_LAYER_DRIVER;
}

static inline bool ft_known(const struct ft_event *event, unsigned index)
{
    return index < event->argc && (event->unknown >> index & 1) == 0;
}

/* The id of the handle in an argument. */
static inline uint32_t ft_arg_id(const struct ft_event *event, unsigned index)
{
    return ft_handle_id(event->arg[index]);
}

static inline bool ft_nt_success(uint32_t status)
{
    return status < 0x80000000u;
}

static inline bool ft_nt_error(uint32_t status)
{
    return status >= 0xC0000000u;
}

/* True while a mapping of the grant still owes its flush. */
bool ft_grant_is_due(struct ft_rules *rules, uint32_t grant);

/* True when some mapping of the grant was flushed and some other was not. */
bool ft_grant_is_half_flushed(struct ft_rules *rules, uint32_t grant);

/* The registers are gone, and with them what was mapped on them. */
void ft_grant_drop_mappings(struct ft_rules *rules, uint32_t grant);

/* True when the device moves data in the logical range of the mapping. */
bool ft_mapping_is_active(const struct ft_rules *rules, const struct ft_rs_mapping *mapping);

/* The piece that was mapped but that a short transfer left untouched: not a violation. */
void ft_warn_spent(struct ft_rules *rules, const struct ft_event *event, uint32_t grant);

/* ---- rules_dma.c ---- */
/* A mapping's flush: counts its bytes for the request. */
void ft_mapping_ends(struct ft_rules *rules, struct ft_rs_mapping *mapping, uint64_t bytes);
void ft_on_dma_map(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_flush(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_flushed(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_flush_result(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_bus.c ---- */
void ft_on_engine_begin(struct ft_rules *rules, const struct ft_event *event);
void ft_on_engine_end(struct ft_rules *rules, const struct ft_event *event);
void ft_on_bus_access(struct ft_rules *rules, const struct ft_event *event);
void ft_engines_stop(struct ft_rules *rules, uint32_t device);

/* ---- rules_dma_objects.c ---- */
void ft_on_dma_get(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_put(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_grant(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_action(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_free_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_free_regs(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_common_alloc(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_common_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_dead_adapter(struct ft_rules *rules, const struct ft_event *event);
/* A mapping of the adapter that owes its flush, NULL when there is none. */
const struct ft_rs_mapping *ft_adapter_due(const struct ft_rules *rules, uint32_t adapter);

/* ---- rules_dma_ends.c ---- */
/* The IRP is about to be completed by the driver. */
void ft_dma_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp);
/* The device was removed; the driver forwards the IRP that takes it out of D0; the run is over. */
void ft_dma_at_remove(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_power_down(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_end(struct ft_rules *rules, const struct ft_event *event);

/* True while a mapping for the IRP owes its flush: what else is wrong follows from that. */
bool ft_irp_is_due(const struct ft_rules *rules, uint32_t irp);

/* True while an AllocateAdapterChannel on the adapter waits for its grant. */
bool ft_adapter_is_asked(const struct ft_rules *rules, uint32_t adapter);

/* ---- rules_wdm_dma.c: the files below, around the switch of rules.c ---- */
void ft_wdm_dma_before(struct ft_rules *rules, const struct ft_event *event);
void ft_wdm_dma_after(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dma_irql.c ---- */
void ft_judge_dma_irql(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dma_adapter.c ---- */
void ft_judge_dma_get(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_adapter(struct ft_rs_adapter *adapter, const struct ft_event *event);
bool ft_adapter_is_cut(const struct ft_rs_adapter *adapter);
void ft_judge_null_adapter(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_query(struct ft_rules *rules, const struct ft_event *event);
void ft_adapters_at_end(struct ft_rules *rules, const struct ft_event *event);

/* Faults of a flush that do not depend on what is mapped: adapter, registers, request or memory are
 * gone. True: there is one, and what follows from it is not told. */
bool ft_judge_flush_gone(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter,
                         uint32_t grant, uint32_t mdl);
/* A request for a channel waits; and does not any more. */
void ft_queue_request(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_queued *request);
void ft_withdraw_request(struct ft_rules *rules, uint32_t adapter, uint32_t grant);

/* ---- rules_v3.c, rules_v3_map.c ---- */

void ft_on_v3(struct ft_rules *rules, const struct ft_event *event);
void ft_on_v3_transfer(struct ft_rules *rules, const struct ft_event *event);
/* A grant is left at a removal, a put or the end. True: a rule of version 3 has said so. */
bool ft_v3_grant_left(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant);
void ft_v3_adapter_left(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter);
/* A channel is freed that nobody holds; channel or registers of that grant are given back; a
 * request is completed. */
void ft_v3_at_free_nothing(struct ft_rules *rules, const struct ft_event *event);
void ft_v3_at_release(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant);
void ft_v3_at_complete(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_irp *irp);

/* ---- rules_dma_channel.c ---- */
/* An AdapterControl or AdapterListControl begins and ends; the innermost that a task runs. */
void ft_control_begins(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                       bool of_list);
void ft_control_ends(struct ft_rules *rules, uint32_t id, bool of_list);
const struct ft_rs_control *ft_control_of(const struct ft_rules *rules, uint16_t task);
/* A routine of the driver begins or ends. */
void ft_channel_at_call(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_lock(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_start_next(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_delete(struct ft_rules *rules, const struct ft_event *event);
/* A spin lock that the task holds, 0: none. */
uint32_t ft_lock_held_by(const struct ft_rules *rules, uint16_t task);
void ft_judge_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_request_place(struct ft_rules *rules, const struct ft_event *event);
/* A request for a channel or a list was granted or refused; `refusal` is FT_IRP_DMA_*. */
void ft_request_ended(struct ft_rules *rules, const struct ft_event *event, uint32_t named,
                      bool granted, uint8_t refusal);
void ft_judge_refused(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_grant(struct ft_rules *rules, const struct ft_event *event,
                    const struct ft_rs_grant *given);
void ft_judge_action(struct ft_rules *rules, const struct ft_event *event,
                     const struct ft_rs_grant *grant);
void ft_judge_no_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_free_registers(struct ft_rules *rules, const struct ft_event *event);
/* True: a subordinate device has left out a flush between two of its pieces. */
bool ft_judge_flush_count(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_grant *grant);

/* ---- rules_dma_map.c ---- */
void ft_judge_mdl_pages(struct ft_rules *rules, const struct ft_event *event, uint32_t id);
void ft_judge_direction(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                        bool write);
void ft_judge_overlap(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_mapping *fresh);
bool ft_judge_flush_range(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                          uint64_t offset);
/* `any`: some grant of the adapter is live. */
void ft_judge_base(struct ft_rules *rules, const struct ft_event *event,
                   const struct ft_rs_grant *grant, bool any);
void ft_judge_map(struct ft_rules *rules, const struct ft_event *event,
                  const struct ft_rs_grant *grant);
void ft_judge_slave_register(struct ft_rules *rules, const struct ft_event *event);
void ft_on_system_dma(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_system_flush(struct ft_rules *rules, const struct ft_event *event,
                           struct ft_rs_adapter *adapter);
void ft_on_odd_argument(struct ft_rules *rules, const struct ft_event *event);
void ft_on_verifier(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dma_device.c ---- */
void ft_judge_engine(struct ft_rules *rules, const struct ft_event *event);
void ft_engine_began(struct ft_rules *rules, const struct ft_rs_engine *engine);
void ft_engine_ended(struct ft_rules *rules, const struct ft_rs_engine *engine, uint64_t why);
void ft_judge_access_direction(struct ft_rules *rules, const struct ft_event *event,
                               const struct ft_rs_mapping *mapping, bool write);
const struct ft_rs_mapping *ft_mapping_beside(const struct ft_rules *rules, uint64_t address);
const struct ft_rs_common *ft_common_freed_under(const struct ft_rules *rules, uint64_t address);

/* ---- rules_dma_pnp.c ---- */
void ft_judge_pnp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_run(struct ft_rules *rules, const struct ft_event *event);
/* The task runs the DPC of a timer. */
bool ft_is_timer_dpc(const struct ft_rules *rules, uint16_t task);
void ft_judge_late_dpc(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_dpc_order(struct ft_rules *rules, const struct ft_event *event);
void ft_dma_judge_result(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp);
void ft_judge_stuck(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_hang(struct ft_rules *rules, const struct ft_event *event);
void ft_queued_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_kfi.c ---- */
void ft_on_kfi(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_kfi_at_map(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                         bool write);

/* ---- rules_sglist.c ---- */
void ft_on_list(struct ft_rules *rules, const struct ft_event *event);
bool ft_adapter_has_list(const struct ft_rules *rules, uint32_t adapter);
bool ft_judge_manual_flush(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                           uint64_t offset);
bool ft_lists_at_complete(struct ft_rules *rules, const struct ft_event *event, uint32_t irp);
bool ft_judge_lists_left(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter);
void ft_lists_at_put(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter);

/* ---- rules_common.c ---- */
void ft_judge_common_alloc(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_common_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_damage(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_mdl.c ---- */
void ft_judge_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pages(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_irp.c ---- */
/* The driver has the IRP, and nobody else works on it. */
bool ft_irp_is_owned(const struct ft_rs_irp *irp);
void ft_on_irp_new(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_call(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_complete(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_pending(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_cancel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_data_compare(struct ft_rules *rules, const struct ft_event *event);
void ft_on_choice_fail(struct ft_rules *rules, const struct ft_event *event);
void ft_on_choice_lower_fails(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_leave(struct ft_rules *rules, const struct ft_event *event);
/* No request makes progress any more (run:hang), or the run is over. */
void ft_irp_at_hang(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_irql.c ---- */
void ft_judge_ddi_irql(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irql_raise(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irql_lower(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_acquire(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_release(struct ft_rules *rules, const struct ft_event *event);
void ft_on_cancel_lock(struct ft_rules *rules, const struct ft_event *event);
void ft_on_cancel_unlock(struct ft_rules *rules, const struct ft_event *event);
void ft_on_start_next(struct ft_rules *rules, const struct ft_event *event);
void ft_on_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_on_task_end(struct ft_rules *rules, const struct ft_event *event);
void ft_irql_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_irql_at_leave(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_pnp.c ---- */
void ft_on_device(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pnp_send(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pnp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_on_power_send(struct ft_rules *rules, const struct ft_event *event);
void ft_on_power_hw(struct ft_rules *rules, const struct ft_event *event);
void ft_on_register(struct ft_rules *rules, const struct ft_event *event);
void ft_on_hardware(struct ft_rules *rules, const struct ft_event *event);
void ft_on_isr_connect(struct ft_rules *rules, const struct ft_event *event);
void ft_on_isr_disconnect(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dpc_insert(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dpc_remove(struct ft_rules *rules, const struct ft_event *event);
void ft_on_timer(struct ft_rules *rules, const struct ft_event *event);
void ft_on_driver_unloaded(struct ft_rules *rules, const struct ft_event *event);
void ft_pnp_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_pnp_at_leave(struct ft_rules *rules, const struct ft_event *event);
/* The driver completes a PnP or power IRP itself. */
void ft_pnp_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp);
void ft_pnp_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_mem.c ---- */
void ft_on_pool(struct ft_rules *rules, const struct ft_event *event);
void ft_on_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_mem_at_end(struct ft_rules *rules, const struct ft_event *event);

#endif
