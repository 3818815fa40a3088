/*
 * A plugin in C: a clip to [low, high] under soft inference, computed by callback.
 *
 * A clip is no maximum of lines but a sum of two hinges: z - low is let through a gate at low, and taken
 * back through a gate at high. With s the sigmoid, a = s(eta (z - low)) and b = s(eta (z - high)):
 *
 *     memberships  1 - a, a - b, b
 *     value        low (1 - a) + z (a - b) + high b
 *     derivative   a - b + eta (z - low) a (1 - a) - eta (z - high) b (1 - b)
 *
 * Build it with
 *
 *     cc -std=c99 -O2 -shared -fPIC -I ../../maso-plugins/include soft_clip.c -o libsoft_clip.so
 */
#include <maso_plugin.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that are worked on at once, on the stack. */
#define CHUNK 256

/* What the host offers, from the entry on. */
static const maso_host *host;

static int32_t fail(int32_t status, const char *message) {
    host->set_error(host->context, message, strlen(message));
    return status;
}

/* ---- The instance ------------------------------------------------------------------------------------ */

typedef struct clip {
    double low, high, eta;
    double slopes[3], offsets[3], knots[2];
    maso_spline spline;
} clip;

static int32_t create(const maso_kind *kind, const double *values, uint64_t count, void **instance) {
    (void)kind;
    if (count != 3) {
        return fail(MASO_ERROR_ARGUMENT, "expected 3 values: low, high, beta");
    }
    const double low = values[0], high = values[1], beta = values[2];
    if (!(low < high)) {
        return fail(MASO_ERROR_PARAMETER, "low must be less than high");
    }
    clip *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fail(MASO_ERROR_FAILED, "out of memory");
    }
    made->low = low;
    made->high = high;
    made->slopes[1] = 1.0;
    made->offsets[0] = low;
    made->offsets[2] = high;
    made->knots[0] = low;
    made->knots[1] = high;
    made->spline = (maso_spline){
        .struct_size = sizeof(maso_spline),
        .abi_minor = MASO_PLUGIN_ABI_MINOR,
        .pieces = 3,
        .slopes = made->slopes,
        .offsets = made->offsets,
        .knots = made->knots,
        /* At beta = 1 nothing is soft, and eta would be infinite. */
        .rule = beta < 1.0 ? MASO_RULE_CALLBACK : MASO_RULE_HARD,
    };
    made->eta = beta < 1.0 ? beta / (1.0 - beta) : 0.0;
    *instance = made;
    return MASO_OK;
}

static void destroy(void *instance) {
    free(instance);
}

static const maso_spline *spline(const void *instance) {
    return &((const clip *)instance)->spline;
}

/* ---- Soft inference, once for each scalar type ------------------------------------------------------- */

#define DEFINE_SOFT(SCALAR, SUFFIX)                                                                          \
    /* Writes the gates at a knot. */                                                                        \
    static void gate_##SUFFIX(const SCALAR *z, SCALAR *out, uint64_t count, SCALAR eta, SCALAR knot) {       \
        for (uint64_t i = 0; i < count; i++) {                                                               \
            out[i] = eta * (z[i] - knot);                                                                    \
        }                                                                                                    \
        host->math->sigmoid_##SUFFIX(out, out, count);                                                       \
    }                                                                                                        \
                                                                                                             \
    /* At most CHUNK numbers of a line; outputs that are not wanted are NULL. */                             \
    static void chunk_##SUFFIX(const clip *clip, const SCALAR *z, uint64_t count, SCALAR *value,             \
                               SCALAR *derivative, SCALAR *membership, uint64_t piece_stride) {              \
        const SCALAR low = (SCALAR)clip->low, high = (SCALAR)clip->high, eta = (SCALAR)clip->eta;            \
        SCALAR a[CHUNK], b[CHUNK];                                                                           \
        gate_##SUFFIX(z, a, count, eta, low);                                                                \
        gate_##SUFFIX(z, b, count, eta, high);                                                               \
        for (uint64_t i = 0; value != NULL && i < count; i++) {                                              \
            value[i] = low * (1 - a[i]) + z[i] * (a[i] - b[i]) + high * b[i];                                \
        }                                                                                                    \
        for (uint64_t i = 0; derivative != NULL && i < count; i++) {                                         \
            derivative[i] = a[i] - b[i] + eta * (z[i] - low) * a[i] * (1 - a[i])                             \
                - eta * (z[i] - high) * b[i] * (1 - b[i]);                                                   \
        }                                                                                                    \
        for (uint64_t i = 0; membership != NULL && i < count; i++) {                                         \
            membership[i] = 1 - a[i];                                                                        \
            membership[piece_stride + i] = a[i] - b[i];                                                      \
            membership[2 * piece_stride + i] = b[i];                                                         \
        }                                                                                                    \
    }                                                                                                        \
                                                                                                             \
    static SCALAR *at_##SUFFIX(SCALAR *array, uint64_t place) {                                              \
        return array == NULL ? NULL : array + place;                                                         \
    }                                                                                                        \
                                                                                                             \
    static int32_t soft_##SUFFIX(const void *instance, const maso_block_##SUFFIX *block) {                   \
        for (uint64_t line = 0; line < block->lines; line++) {                                               \
            for (uint64_t i = 0; i < block->length; i += CHUNK) {                                            \
                const uint64_t left = block->length - i;                                                     \
                chunk_##SUFFIX(instance, block->input + line * block->input_stride + i,                      \
                               left < CHUNK ? left : CHUNK,                                                  \
                               at_##SUFFIX(block->value, line * block->value_stride + i),                    \
                               at_##SUFFIX(block->derivative, line * block->derivative_stride + i),          \
                               at_##SUFFIX(block->membership, line * block->membership_line_stride + i),     \
                               block->membership_piece_stride);                                              \
            }                                                                                                \
        }                                                                                                    \
        return MASO_OK;                                                                                      \
    }

DEFINE_SOFT(float, f32)
DEFINE_SOFT(double, f64)

/* ---- The tables -------------------------------------------------------------------------------------- */

#define PARAMETER(NAME, DESCRIPTION, DEFAULT, MINIMUM, MAXIMUM)                                              \
    { sizeof(maso_parameter), MASO_PLUGIN_ABI_MINOR, MASO_STR(NAME), MASO_STR(DESCRIPTION),                  \
      DEFAULT, MINIMUM, MAXIMUM }

static const maso_parameter parameters[] = {
    PARAMETER("low", "the lower end", -1.0, -1e6, 1e6),
    PARAMETER("high", "the upper end, above the lower one", 1.0, -1e6, 1e6),
    PARAMETER("beta", "how hard: 0 averages, 1 is the clip itself", 0.5, 0.0, 1.0),
};

static const maso_parameter *parameter(const maso_kind *kind, uint64_t index) {
    (void)kind;
    return index < 3 ? &parameters[index] : NULL;
}

static const maso_kind soft_clip = {
    .struct_size = sizeof(maso_kind),
    .abi_minor = MASO_PLUGIN_ABI_MINOR,
    .name = MASO_STR("soft-clip"),
    .description = MASO_STR("a clip to [low, high] under soft inference"),
    .flags = MASO_KIND_HAS_DERIVATIVE | MASO_KIND_HAS_MEMBERSHIP | MASO_KIND_POSTERIOR_MEAN,
    .parameter_count = 3,
    .parameter = parameter,
    .create = create,
    .destroy = destroy,
    .spline = spline,
    .soft_f32 = soft_f32,
    .soft_f64 = soft_f64,
};

static const maso_kind *kind(uint64_t index) {
    return index == 0 ? &soft_clip : NULL;
}

static const maso_plugin_table table = {
    .struct_size = sizeof(maso_plugin_table),
    .abi_minor = MASO_PLUGIN_ABI_MINOR,
    .name = MASO_STR("soft-clip"),
    .version = MASO_STR("0.1.0"),
    .description = MASO_STR("A clip under soft inference, in C"),
    .licence = MASO_STR("MIT OR Apache-2.0"),
    .kind_count = 1,
    .kind = kind,
};

int32_t maso_plugin_entry_v1(const maso_host *given, const maso_plugin_table **out) {
    host = given;
    *out = &table;
    return MASO_OK;
}
