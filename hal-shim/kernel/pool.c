/* Pool (wdm-io sheet, section 12), and the blocks of the shim's own objects.
 *
 * Terms: a block is header, front guard, data, back guard. The arena only grows during a run: a
 * freed block is never handed out again, so every use after free meets the fill pattern, or ASan's
 * poison. ASan knows the data's size to the byte. When the arena is full an allocation fails like
 * any other, with its event. The routines that drivers call are in ex_pool.c.
 */
#include "kernel/pool.h"
#include "world/machine.h"
#include "world/races.h"

#include <wdm.h>

/* Guards are poisoned for the driver; reading them here is the point. */
#define RAW __attribute__((no_sanitize("address", "undefined")))

enum {
    MAGIC = 0x4B424C46, /* "FLBK" */
    GUARD_BYTES = 16,
    GUARD_FILL = 0xFD,
    NEW_FILL = 0xCD,
    FREED_FILL = 0xDD,
    DAMAGE_BEFORE = 1,
    DAMAGE_AFTER = 2,
    DAMAGE_FREED = 3,
    BAD_FREE_TWICE = 1,
    BAD_FREE_FOREIGN = 2,
    BAD_FREE_TAG = 3
};

struct block {
    uint32_t magic;
    uint32_t bytes; /* of data, as asked */
    uint32_t span;  /* of the whole block */
    uint32_t tag;
    uint32_t id;
    uint8_t class_;
    uint8_t live;
    uint8_t driver; /* driver pool: counted and reported */
    uint8_t paged;
    uint16_t label;
    uint8_t handed_over; /* no driver pool, and still the driver's to free */
    uint8_t unused;
    uint32_t references; /* of the shim's own objects (kernel/handles.h) */
    uint8_t guard[GUARD_BYTES];
};

static unsigned char *data_of(struct block *block)
{
    return (unsigned char *)(block + 1);
}

/* The block whose data begins at that address, NULL when there is none. */
RAW static struct block *block_of(const void *data)
{
    uintptr_t at = (uintptr_t)data;
    struct block *block;

    if (at < FT_POOL_BASE + sizeof(struct block) || at >= FT_POOL_BASE + FT_M->pool_used || at % 16)
        return NULL;
    block = (struct block *)data - 1;
    return block->magic == MAGIC ? block : NULL;
}

/* A block without data that fills the arena up to where a block may begin whose data have that
 * alignment. False: the arena is full. */
RAW static bool align_next(size_t alignment)
{
    uintptr_t next = FT_POOL_BASE + FT_M->pool_used;
    uintptr_t data = (next + sizeof(struct block) + alignment - 1) & ~(uintptr_t)(alignment - 1);
    struct block *gap = (struct block *)next;
    size_t span;

    if (data - sizeof(struct block) == next)
        return true;
    if (data - sizeof(struct block) - next < sizeof(struct block) + GUARD_BYTES)
        data += alignment;
    span = data - sizeof(struct block) - next;
    if (span > FT_POOL_BYTES - FT_M->pool_used)
        return false;
    FT_M->pool_used += (uint32_t)span;
    ft_raw_fill(gap, 0, sizeof *gap);
    gap->magic = MAGIC;
    gap->span = (uint32_t)span;
    gap->class_ = FT_HC_OTHER;
    ft_raw_fill(gap->guard, GUARD_FILL, span - sizeof *gap + GUARD_BYTES);
    return true;
}

RAW static struct block *new_block(size_t bytes, enum ft_handle_class class_)
{
    size_t span = (sizeof(struct block) + bytes + GUARD_BYTES + 15) & ~(size_t)15;
    struct block *block = (struct block *)(FT_POOL_BASE + FT_M->pool_used);

    if (bytes > FT_POOL_BYTES || span > FT_POOL_BYTES - FT_M->pool_used)
        return NULL;
    FT_M->pool_used += (uint32_t)span;
    ft_raw_fill(block, 0, sizeof *block);
    block->magic = MAGIC;
    block->bytes = (uint32_t)bytes;
    block->span = (uint32_t)span;
    block->class_ = (uint8_t)class_;
    block->id = ft_handle_id(ft_handle_new(class_));
    block->live = 1;
    ft_raw_fill(block->guard, GUARD_FILL, GUARD_BYTES);
    ft_raw_fill(data_of(block) + bytes, GUARD_FILL, span - sizeof *block - bytes);
    ft_unpoison(data_of(block), bytes);
    return block;
}

RAW void *ft_block_alloc(size_t bytes, enum ft_handle_class class_, unsigned label)
{
    struct block *block = new_block(bytes, class_);

    if (!block)
        return NULL;
    block->label = (uint16_t)label;
    block->references = 1;
    ft_raw_fill(data_of(block), 0, bytes);
    return data_of(block);
}

/* Blocks lie one behind the other, and only their headers say where the next begins. */
RAW bool ft_block_find(const void *address, struct ft_block_place *ret)
{
    uintptr_t wanted = (uintptr_t)address - FT_POOL_BASE;

    for (uint32_t at = 0; at < FT_M->pool_used && at <= wanted;) {
        const struct block *block = (const struct block *)(FT_POOL_BASE + at);
        uintptr_t offset = wanted - at - sizeof *block;

        if (block->magic != MAGIC || block->span == 0)
            return false;
        if (wanted - at < block->span) {
            *ret = (struct ft_block_place){.class_ = block->class_,
                                           .live = block->live,
                                           .driver = block->driver,
                                           .paged = block->paged,
                                           .offset = (uint32_t)offset};
            return offset < block->bytes;
        }
        at += block->span;
    }
    return false;
}

RAW static unsigned first_bad(const unsigned char *bytes, size_t count, unsigned char fill)
{
    uint64_t word = fill * 0x0101010101010101ull;
    size_t at = 0;

    for (; at + sizeof word <= count && *(const uint64_t *)(bytes + at) == word; at += sizeof word)
        ;
    for (; at < count; at++)
        if (bytes[at] != fill)
            return (unsigned)at + 1;
    return 0;
}

RAW static uint64_t handle_of_block(const struct block *block)
{
    return ft_handle(block->class_, block->id, 0);
}

static void report(const struct block *block, unsigned where, unsigned offset)
{
    ft_emit(FT_EV_POOL_DAMAGE, handle_of_block(block), where, offset);
}

/* Guards, and the fill of a freed block. */
RAW static void check_block(struct block *block)
{
    unsigned char *data = data_of(block);
    size_t back = block->span - sizeof *block - block->bytes;
    unsigned bad = first_bad(block->guard, GUARD_BYTES, GUARD_FILL);

    if (bad)
        report(block, DAMAGE_BEFORE, GUARD_BYTES - (bad - 1));
    bad = first_bad(data + block->bytes, back, GUARD_FILL);
    if (bad)
        report(block, DAMAGE_AFTER, block->bytes + bad - 1);
    if (!block->live) {
        bad = first_bad(data, block->bytes, FREED_FILL);
        if (bad)
            report(block, DAMAGE_FREED, bad - 1);
    }
}

RAW static void retire(struct block *block)
{
    check_block(block);
    block->live = 0;
    ft_unwatch_all(data_of(block), block->bytes);
    ft_raw_fill(data_of(block), FREED_FILL, block->bytes);
    ft_poison(data_of(block), block->bytes);
}

RAW void ft_block_free(void *data)
{
    struct block *block = block_of(data);

    FT_ASSERT(block && block->live);
    retire(block);
}

RAW bool ft_block_is_live(const void *data, enum ft_handle_class class_)
{
    const struct block *block = block_of(data);

    return block && block->live && block->class_ == class_;
}

RAW uint64_t ft_block_handle(const void *data)
{
    const struct block *block = block_of(data);

    return block ? handle_of_block(block) : 0;
}

RAW uint32_t ft_block_bytes(const void *data)
{
    const struct block *block = block_of(data);

    return block ? block->bytes : 0;
}

RAW void ft_block_set_label(void *data, unsigned label)
{
    struct block *block = block_of(data);

    if (block)
        block->label = (uint16_t)label;
}

RAW unsigned ft_block_label(const void *data)
{
    const struct block *block = block_of(data);

    return block ? block->label : 0;
}

RAW uint32_t ft_block_references(const void *data)
{
    const struct block *block = block_of(data);

    return block && block->live ? block->references : 0;
}

RAW uint32_t ft_block_refer(void *data, int change)
{
    struct block *block = block_of(data);

    FT_ASSERT(block && block->live && block->references > 0);
    block->references += (uint32_t)change;
    return block->references;
}

RAW unsigned ft_pool_check(void)
{
    uint32_t at = 0;
    unsigned live = 0;

    while (at < FT_M->pool_used) {
        struct block *block = (struct block *)(FT_POOL_BASE + at);

        if (block->magic != MAGIC || block->span == 0) {
            /* The header itself is gone: something before it ran over. */
            ft_emit(FT_EV_POOL_DAMAGE, ft_handle(FT_HC_POOL, 0, at), DAMAGE_BEFORE, 0);
            break;
        }
        check_block(block);
        live += block->live && block->driver;
        at += block->span;
    }
    return live;
}

bool ft_alloc_fails(enum ft_fail what)
{
    enum { ANY = 0xFF };
    struct ft_machine *m = FT_M;

    if (m->alloc_fail_what != ANY && m->alloc_fail_what != what)
        return false;
    if (m->alloc_fail_after > 0) {
        m->alloc_fail_after--;
        return false;
    }
    m->alloc_fail_what = 0;
    ft_emit(FT_EV_CHOICE_FAIL, what);
    return true;
}

void *ft_block_for_driver(size_t bytes, enum ft_handle_class class_, unsigned label)
{
    return ft_alloc_fails(FT_FAIL_POOL) ? NULL : ft_block_alloc(bytes, class_, label);
}

/* A block of at least a page begins at one, and a smaller one does not cross one. */
static size_t alignment_for(const struct ft_pool_want *want)
{
    enum { CACHE_LINE = 64, PLAIN = 16 };
    uintptr_t data = FT_POOL_BASE + FT_M->pool_used + sizeof(struct block);
    size_t alignment = want->cache_aligned ? CACHE_LINE : PLAIN;

    data = (data + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (want->bytes >= PAGE_SIZE || data % PAGE_SIZE + want->bytes > PAGE_SIZE)
        return PAGE_SIZE;
    return alignment;
}

RAW void *ft_pool_take(const struct ft_pool_want *want)
{
    bool paged = want->memory == FT_POOL_OF_PAGED;
    struct block *block = NULL;

    if (!ft_alloc_fails(FT_FAIL_POOL) && want->bytes <= FT_POOL_BYTES &&
        align_next(alignment_for(want)))
        block = new_block(want->bytes, FT_HC_POOL);
    if (!block) {
        ft_emit(FT_EV_POOL_ALLOC, 0, want->bytes, want->tag, paged, want->memory);
        return NULL;
    }
    block->driver = 1;
    block->paged = paged;
    block->tag = want->tag;
    FT_M->pool_blocks++;
    ft_raw_fill(data_of(block), want->zero ? 0 : NEW_FILL, want->bytes);
    ft_emit(FT_EV_POOL_ALLOC, handle_of_block(block), want->bytes, want->tag, paged, want->memory);
    return data_of(block);
}

RAW void ft_block_hand_over(void *data)
{
    struct block *block = block_of(data);

    FT_ASSERT(block && block->live);
    block->handed_over = 1;
}

/* Of an MDL whose pages were allocated with it. */
static void free_handed_over(struct block *block)
{
    ft_emit(FT_EV_MDL_FREE, handle_of_block(block));
    retire(block);
}

RAW void ft_pool_give(void *data, uint32_t tag, bool with_tag)
{
    struct block *block = block_of(data);
    bool ours = block && block->driver;

    if (block && block->live && block->handed_over) {
        free_handed_over(block);
        return;
    }
    if (!ours || !block->live) {
        ft_emit(FT_EV_POOL_BAD_FREE, ours ? handle_of_block(block) : ft_handle_of(data),
                ours ? BAD_FREE_TWICE : BAD_FREE_FOREIGN);
        ft_bugcheck(BAD_POOL_CALLER, ours ? 7 : 0x40, 0, 0, 0);
    }
    if (with_tag && tag != block->tag)
        ft_emit(FT_EV_POOL_BAD_FREE, handle_of_block(block), BAD_FREE_TAG);
    ft_emit(FT_EV_POOL_FREE, handle_of_block(block), block->tag);
    FT_M->pool_blocks--;
    retire(block);
}
