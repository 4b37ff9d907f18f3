/*
 * windef.h: the Win32 spellings (BYTE, WORD, DWORD, BOOL) that some kernel sources use.
 */
#ifndef _WINDEF_
#define _WINDEF_

#include "ntdef.h"

typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef unsigned int DWORD, *PDWORD, *LPDWORD;
typedef unsigned long long DWORDLONG, *PDWORDLONG;
typedef int BOOL, *PBOOL, *LPBOOL;
typedef float FLOAT, *PFLOAT;
typedef LONG *LPLONG;

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | ((WORD)(BYTE)(high) << 8)))
#define MAKELONG(low, high) ((LONG)((WORD)(low) | ((DWORD)(WORD)(high) << 16)))
#define LOWORD(l)           ((WORD)((DWORD_PTR)(l)&0xffff))
#define HIWORD(l)           ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w)           ((BYTE)((DWORD_PTR)(w)&0xff))
#define HIBYTE(w)           ((BYTE)(((DWORD_PTR)(w) >> 8) & 0xff))
#ifndef MAX_PATH
#define MAX_PATH 260
#endif

#endif
