/*
 * file_kind.h - what a file is by its first bytes, whatever its name.
 */
#ifndef SCENARIOS_RUN_FILE_KIND_H
#define SCENARIOS_RUN_FILE_KIND_H

typedef enum gv_file_kind {
    GV_FILE_OTHER,    /* or there is none, or it is a pipe, of which nothing is read */
    GV_FILE_AUCTIONS, /* a .gvlog */
    GV_FILE_DATABASE, /* SQLite's */
    GV_FILE_TENSORS,  /* safetensors: eight bytes of length, and JSON */
} gv_file_kind;

gv_file_kind gv_file_kind_of(const char *path);

#endif
