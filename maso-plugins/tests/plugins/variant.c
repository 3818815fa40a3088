/*
 * A plugin that is right in every respect that a macro does not make wrong: leaky ReLU with a parameter, and
 * soft inference in the manner of swish by callback if RULE says so.
 */
#include <maso_plugin.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef ENTRY
#define ENTRY maso_plugin_entry_v1
#endif
#ifndef ENTER
#define ENTER return MASO_OK
#endif
#ifndef TABLE
#define TABLE &table
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(maso_plugin_table)
#endif
#ifndef PLUGIN_NAME
#define PLUGIN_NAME MASO_STR(NAME)
#endif
#ifndef KIND_COUNT
#define KIND_COUNT 1
#endif
#ifndef KIND
#define KIND &leaky.known
#endif
#ifndef KIND_SIZE
#define KIND_SIZE sizeof(maso_kind)
#endif
#ifndef KIND_NAME
#define KIND_NAME MASO_STR("leaky")
#endif
#ifndef FLAGS
#define FLAGS MASO_KIND_HAS_DERIVATIVE | MASO_KIND_HAS_MEMBERSHIP | MASO_KIND_POSTERIOR_MEAN
#endif
#ifndef PARAMETER_COUNT
#define PARAMETER_COUNT 1
#endif
#ifndef DEFAULT
#define DEFAULT 0.5
#endif
#ifndef CREATE
#define CREATE create
#endif
#ifndef CREATED
#define CREATED return MASO_OK
#endif
#ifndef PIECES
#define PIECES 2
#endif
#ifndef SLOPES
#define SLOPES 0.0, 1.0
#endif
#ifndef OFFSETS
#define OFFSETS 0.0, 0.0
#endif
#ifndef KNOTS
#define KNOTS 0.0
#endif
#ifndef SLOPE_ARRAY
#define SLOPE_ARRAY slopes
#endif
#ifndef SPLINE
#define SPLINE &the_spline
#endif
#ifndef RULE
#define RULE MASO_RULE_HARD
#endif
#ifndef RESERVED
#define RESERVED 0
#endif
#ifndef BETA
#define BETA 0.0
#endif
#ifndef SOFT_F64
#define SOFT_F64 soft_f64
#endif
/* For each number z with the gate s: */
#ifndef VALUE
#define VALUE z * s
#endif
#ifndef DERIVATIVE
#define DERIVATIVE s + z * s * (1 - s)
#endif
#ifndef OFF
#define OFF 1 - s
#endif
#ifndef ON
#define ON s
#endif
#ifndef SOFT
#define SOFT (void)0
#endif

static const maso_host *host;

/* Referred to by some variants alone. */
int32_t fail(const char *message);
int32_t fail(const char *message) {
    host->set_error(host->context, message, strlen(message));
    return MASO_ERROR_FAILED;
}

static const double slopes[] = {SLOPES}, offsets[] = {OFFSETS}, knots[] = {KNOTS};

static const maso_spline the_spline = {
    sizeof(maso_spline), MASO_PLUGIN_ABI_MINOR, PIECES, SLOPE_ARRAY, offsets, knots, RULE, RESERVED, BETA,
};

static int32_t create(const maso_kind *kind, const double *values, uint64_t count, void **instance) {
    static int something;
    (void)kind, (void)values, (void)count;
    *instance = &something;
    CREATED;
}

static void destroy(void *instance) {
    (void)instance;
}

static const maso_spline *spline(const void *instance) {
    (void)instance;
    return SPLINE;
}

#define DEFINE_SOFT(SCALAR, SUFFIX)                                                                          \
    static int32_t soft_##SUFFIX(const void *instance, const maso_block_##SUFFIX *block) {                   \
        static int calls;                                                                                    \
        (void)instance;                                                                                      \
        calls++;                                                                                             \
        for (uint64_t line = 0; line < block->lines; line++) {                                               \
            for (uint64_t i = 0; i < block->length; i++) {                                                   \
                const SCALAR z = block->input[line * block->input_stride + i];                               \
                SCALAR s = z;                                                                                \
                host->math->sigmoid_##SUFFIX(&s, &s, 1);                                                     \
                SOFT;                                                                                        \
                if (block->value != NULL)                                                                    \
                    block->value[line * block->value_stride + i] = VALUE;                                    \
                if (block->derivative != NULL)                                                               \
                    block->derivative[line * block->derivative_stride + i] = DERIVATIVE;                     \
                if (block->membership != NULL) {                                                             \
                    SCALAR *at = block->membership + line * block->membership_line_stride + i;               \
                    at[0] = OFF;                                                                             \
                    at[block->membership_piece_stride] = ON;                                                 \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
        return MASO_OK;                                                                                      \
    }

DEFINE_SOFT(float, f32)
DEFINE_SOFT(double, f64)

static const maso_parameter the_parameter = {
    sizeof(maso_parameter), MASO_PLUGIN_ABI_MINOR, MASO_STR("gain"), MASO_STR("nothing"), DEFAULT, 0.0, 1.0,
};

static const maso_parameter *parameter(const maso_kind *kind, uint64_t index) {
    (void)kind, (void)index;
    return &the_parameter;
}

/* As a later minor version might have it. */
static const struct {
    maso_kind known;
    void *unknown[4];
} leaky = {
    {
        KIND_SIZE, MASO_PLUGIN_ABI_MINOR, KIND_NAME, MASO_STR("leaky ReLU"), FLAGS, PARAMETER_COUNT,
        parameter, CREATE, destroy, spline, soft_f32, SOFT_F64,
    },
    {NULL, NULL, NULL, NULL},
};

static const maso_kind *kind(uint64_t index) {
    (void)index;
    return KIND;
}

static const maso_plugin_table table = {
    TABLE_SIZE, MASO_PLUGIN_ABI_MINOR, PLUGIN_NAME, MASO_STR("1.0.0"), MASO_STR("a variant"),
    MASO_STR("MIT"), KIND_COUNT, kind,
};

/* Kept by variants that leave some of them out. */
const void *used[] = {&leaky, &table, &the_spline, slopes, offsets, knots};
int32_t (*used_too[])(const void *, const maso_block_f64 *) = {soft_f64};
int32_t (*used_as_well[])(const maso_kind *, const double *, uint64_t, void **) = {create};

MASO_PLUGIN_EXPORT int32_t ENTRY(const maso_host *given, const maso_plugin_table **out) {
    host = given;
    *out = TABLE;
    ENTER;
}
