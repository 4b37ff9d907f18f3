/*
 * pshpack8.h: packs structures to 8 bytes, until poppack.h. No guard: it acts at every inclusion.
 * clang warns of packing that outlives a header; a driver that includes this is built with
 * -Wno-pragma-pack.
 */
#pragma pack(push, 8)
