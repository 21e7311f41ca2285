/*
 * safetensors.h - named arrays in a file that PyTorch, NumPy and JAX read without a line of code.
 *
 * The format (github.com/huggingface/safetensors): the header's size in 8 bytes, the header as
 * JSON (for each tensor its type, shape and bytes from and to; under "__metadata__" texts), then
 * the tensors' bytes, row-major and little-endian. The reader trusts nothing: every number of the
 * header is held against the file, tensors must follow each other without overlap or gap, and
 * each must lie where its type may be read in place. The writer's tensors always do.
 *
 *   gv_tensor tensor = {.name = "state", .type = GV_TENSOR_F64, .rank = 2, .shape = {48, 16},
 *                       .data = states};
 *   GV_TRY(gv_safetensors_write("a.safetensors", &tensor, 1, NULL, 0));
 */
#ifndef SIM_BASE_SAFETENSORS_H
#define SIM_BASE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* The header may have this many bytes: some 100,000 tensors. */
#define GV_SAFETENSORS_HEADER_MAX (UINT64_C(1) << 24)

/* Name in the file, and bytes of an element. F16 and BF16 have no type in C: they are bytes. */
#define GV_TENSOR_LIST(X)        \
    X(GV_TENSOR_BOOL, "BOOL", 1) \
    X(GV_TENSOR_U8, "U8", 1)     \
    X(GV_TENSOR_I8, "I8", 1)     \
    X(GV_TENSOR_U16, "U16", 2)   \
    X(GV_TENSOR_I16, "I16", 2)   \
    X(GV_TENSOR_F16, "F16", 2)   \
    X(GV_TENSOR_BF16, "BF16", 2) \
    X(GV_TENSOR_U32, "U32", 4)   \
    X(GV_TENSOR_I32, "I32", 4)   \
    X(GV_TENSOR_F32, "F32", 4)   \
    X(GV_TENSOR_U64, "U64", 8)   \
    X(GV_TENSOR_I64, "I64", 8)   \
    X(GV_TENSOR_F64, "F64", 8)

typedef enum gv_tensor_type {
#define X(name, text, size) name,
    GV_TENSOR_LIST(X)
#undef X
        GV_TENSOR_TYPE_COUNT
} gv_tensor_type;

const char *gv_tensor_type_name(gv_tensor_type type);
size_t gv_tensor_type_size(gv_tensor_type type);

enum { GV_TENSOR_RANK_MAX = 8 };

typedef struct gv_tensor {
    const char *name;
    gv_tensor_type type;
    size_t rank; /* 0: a single number */
    uint64_t shape[GV_TENSOR_RANK_MAX];
    const void *data; /* row-major; anything when the tensor is empty */
} gv_tensor;

/* Bytes of the tensor's data; its shape is known to fit. */
size_t gv_tensor_size(const gv_tensor *tensor);

/* One text of "__metadata__". */
typedef struct gv_tensor_note {
    const char *key;
    const char *text;
} gv_tensor_note;

/*
 * Writes the file whole or not at all (see file.h). Names and keys are UTF-8, each once
 * (asserted). In the file the tensors of wider types come first, otherwise in this order.
 */
GV_MUST_CHECK gv_status gv_safetensors_write(const char *path, const gv_tensor *tensors,
                                             size_t tensor_count, const gv_tensor_note *notes,
                                             size_t note_count);

typedef struct gv_safetensors gv_safetensors;

/* Maps the file: tensors are read in place, and only what is touched is read at all. */
GV_MUST_CHECK gv_status gv_safetensors_open(const char *path, gv_safetensors **out);

/* The same of `bytes`, which are borrowed and lie at a multiple of 8; `name` is for sentences. */
GV_MUST_CHECK gv_status gv_safetensors_open_bytes(const char *name, const void *bytes, size_t size,
                                                  gv_safetensors **out);
void gv_safetensors_close(gv_safetensors *file); /* accepts NULL; its tensors go with it */

/* Tensors as they lie in the file. */
size_t gv_safetensors_count(const gv_safetensors *file);
const gv_tensor *gv_safetensors_at(const gv_safetensors *file, size_t index);

/* NULL: there is none of that name. */
const gv_tensor *gv_safetensors_find(const gv_safetensors *file, const char *name);

/*
 * The tensor of that name, or a sentence that says what the file holds instead. A size of 0 in
 * `shape` stands for any.
 */
GV_MUST_CHECK gv_status gv_safetensors_expect(const gv_safetensors *file, const char *name,
                                              gv_tensor_type type, size_t rank,
                                              const uint64_t *shape, const gv_tensor **out);

/* The text under that key of "__metadata__"; NULL: none. */
const char *gv_safetensors_note(const gv_safetensors *file, const char *key);

#endif
