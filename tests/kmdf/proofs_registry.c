/* Registry keys (proofs_registry.def). */
#include "proof_bench.h"

#include <string.h>

static UNICODE_STRING named_;

static PUNICODE_STRING name(PCWSTR words)
{
    RtlInitUnicodeString(&named_, words);
    return &named_;
}

/* A name with an odd length. */
static PUNICODE_STRING odd(void)
{
    name(L"odd")->Length--;
    return &named_;
}

/* A key of the test's own, with these rights. */
static WDFKEY key_for(ACCESS_MASK access)
{
    WDFKEY key = NULL;

    CHECK(SPARED(WdfRegistryCreateKey(P_KEY, name(L"proof"), access, 0, NULL, NULL, &key)) ==
          STATUS_SUCCESS);
    return key;
}

static WDFKEY own_key(void)
{
    return key_for(KEY_ALL_ACCESS);
}

/* The same with a value of that type. */
static WDFKEY key_with(ULONG type, const void *data, ULONG bytes)
{
    WDFKEY key = own_key();

    CHECK(SPARED(ZwSetValueKey(WdfRegistryWdmGetHandle(key), name(L"value"), 0, type,
                               (PVOID)(ULONG_PTR)data, bytes)) == STATUS_SUCCESS);
    return key;
}

/* Strings in P_COLLECTION. */
static WDFCOLLECTION two_strings(void)
{
    for (unsigned i = 0; i < 2; i++) {
        WDFSTRING string = NULL;

        CHECK(WdfStringCreate(name(i ? L"two" : L"one"), NULL, &string) == STATUS_SUCCESS);
        CHECK(WdfCollectionAdd(P_COLLECTION, string) == STATUS_SUCCESS);
    }
    return P_COLLECTION;
}

static WDFSTRING a_string(void)
{
    WDFSTRING string = NULL;

    CHECK(WdfStringCreate(name(L"text"), NULL, &string) == STATUS_SUCCESS);
    return string;
}

static bool string_is(WDFSTRING string, PCWSTR words)
{
    UNICODE_STRING has, shall;

    WdfStringGetUnicodeString(string, &has);
    RtlInitUnicodeString(&shall, words);
    return RtlEqualUnicodeString(&has, &shall, FALSE);
}

#define VALUE   name(L"value")
#define NOTHING name(L"nothing")

/* What key_with makes: a text, a number, two texts, an empty one. */
#define A_TEXT      key_with(REG_SZ, L"text", 10)
#define A_NUMBER    key_with(REG_DWORD, &(ULONG){7}, 4)
#define TWO_TEXTS   key_with(REG_MULTI_SZ, L"one\0two\0", 18)
#define EMPTY(type) key_with(type, L"", 0)

#define PROOFS "proofs_registry.def"
#include "proof_rows.h"
