/*
 * poppack.h: ends the packing that the last pshpack header began. No guard, as with those.
 */
#pragma pack(pop)
