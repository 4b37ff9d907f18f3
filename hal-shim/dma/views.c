/* Addresses of a requester's pages, for the access flavour alone (wdm-io sheet, section 11).
 *
 * All memory is mapped once, so every address of a page is the same, and an access does not say
 * which of them it means. What is known is which there are: the user's, which holds in the
 * requester's own thread only, and the system's, which MmGetSystemAddressForMdlSafe makes and
 * MmUnlockPages takes back. An ISR, DPC, timer or work item, which run in whatever process there
 * is, has no other than the system's; nor has a miniport, in whose SRBs the port put the address.
 * In a thread nothing is judged. A view of the user's own (MmMapLockedPages) counts for ever.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "world/races.h"

#include <string.h>

static struct ft_view *view_of(const MDL *mdl, unsigned page)
{
    uint32_t left;
    const void *memory = ft_physical_memory(MmGetMdlPfnArray(mdl)[page] << PAGE_SHIFT, &left);
    int frame = memory ? ft_frame_of(memory) : -1;

    return frame >= 0 ? &FT_RACES->view[frame] : NULL;
}

static unsigned pages_of(const MDL *mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES((ULONG_PTR)mdl->ByteOffset, (ULONG_PTR)mdl->ByteCount);
}

static void count(uint8_t *counter, bool up)
{
    if (up && *counter < UINT8_MAX)
        ++*counter;
    else if (!up && *counter > 0)
        --*counter;
}

void ft_view_lock(const void *mdl, bool lock)
{
    for (unsigned i = 0; ft_accesses_on() && i < pages_of(mdl); i++) {
        struct ft_view *view = view_of(mdl, i);

        if (view)
            count(&view->locks, lock);
    }
}

void ft_view_map(const void *mdl, bool map)
{
    for (unsigned i = 0; ft_accesses_on() && i < pages_of(mdl); i++) {
        struct ft_view *view = view_of(mdl, i);

        if (!view)
            continue;
        count(&view->maps, map);
        view->mapped = 1;
    }
}

void ft_view_fresh(unsigned frame, unsigned pages)
{
    if (ft_accesses_on())
        memset(&FT_RACES->view[frame], 0, pages * sizeof *FT_RACES->view);
}

enum ft_touch ft_view_touch(unsigned frame)
{
    const struct ft_view *view = &FT_RACES->view[frame];
    bool anywhere = ft_current()->kind != FT_TASK_THREAD;

    if (FT_M->dma.frame_used[frame] != FT_FRAME_BUFFER)
        return view->mapped ? FT_TOUCH_VIEW_OVER : FT_TOUCH_NOBODYS;
    if (view->maps > 0)
        return FT_TOUCH_NONE;
    if (view->mapped)
        return anywhere ? FT_TOUCH_VIEW_OVER : FT_TOUCH_NONE;
    return view->locks > 0 && (anywhere || FT_M->scsiport.adapters) ? FT_TOUCH_NO_VIEW
                                                                    : FT_TOUCH_NONE;
}

/* ---- programmed I/O: one watch for each buffer ---- */

static const void *buffer_of(const void *address)
{
    const struct ft_dma_buffer *buffer = ft_buffer_at(address);

    return buffer ? ft_frame_address(buffer->frame) : NULL;
}

void ft_view_filled(const void *address)
{
    const void *buffer = ft_accesses_on() ? buffer_of(address) : NULL;

    if (buffer && !FT_M->platform.coherent && ft_current()->layer == FT_LAYER_DRIVER &&
        FT_RACES->view[ft_frame_of(address)].locks > 0)
        ft_watch(FT_TOUCH_UNFLUSHED, buffer, 1);
}

void ft_view_flushed(const void *address)
{
    if (ft_accesses_on() && buffer_of(address))
        ft_unwatch(FT_TOUCH_UNFLUSHED, buffer_of(address));
}

void ft_view_completed(const void *mdl)
{
    const void *memory = NULL;

    if (ft_accesses_on() && ft_mdl_readable(mdl))
        memory = ft_mdl_memory(mdl, MmGetMdlVirtualAddress((PMDL)mdl), 1);
    if (memory && buffer_of(memory))
        ft_watch_tell(FT_TOUCH_UNFLUSHED, buffer_of(memory));
}
