# The CMakeLists.txt of a driver project outside this repository: tests/package copies it beside the sources of wdm-packet.
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)

set(FLUSHTRACE_FLAVOURS plain libfuzzer)
find_package(flushtrace REQUIRED)

flushtrace_add_driver(
  NAME outside
  SOURCES packet.c
          packet_dma.c
          packet_io.c
          packet_isr.c
          packet_pnp.c
          packet_power.c
  HEADERS packet.h
  DEVICE device/packet_model.c
  DESCRIPTION device/packet_description.c
  MUTANTS mutants/no-flush-on-abort.patch)
flushtrace_add_fuzz_targets(outside)
