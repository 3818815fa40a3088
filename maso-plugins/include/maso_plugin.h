/*
 * maso_plugin.h: the interface between maso and a plugin that brings nonlinearities.
 *
 * A plugin is a dynamic library. It exports one function, maso_plugin_entry_v1, which hands over a table
 * of its name and its kinds. A kind is a nonlinearity with parameters (leaky, with its slope); an instance
 * is a kind with its parameters set. What an instance is, it says as data: the pieces of a scalar spline,
 * and the rule that infers which piece an input is on. If the rule is one of the host's, the host's own
 * kernels do all the work and the plugin is not called again. Else the plugin is called for whole blocks
 * of pre-activations.
 *
 * Read this file from top to bottom: it is the whole interface. C99 and later, C++ too.
 *
 * VERSIONS
 *   The number in the entry's name is the major version. A plugin for another one lacks the symbol and is
 *   refused. Within a major version, structs only grow at their ends. Every struct but maso_str begins with
 *   its size and the minor version it was written for: fill in sizeof(the struct) and
 *   MASO_PLUGIN_ABI_MINOR. A reader copies what both sides know and takes the rest for zero; zero and NULL
 *   always mean "absent". Fields named "reserved" are zero.
 *
 * OWNERSHIP
 *   Nothing crosses with its ownership, apart from instances: create makes one, destroy takes it back.
 *   Every array in a call is the host's and lives until the call returns. Tables and strings of the plugin
 *   live as long as the process, and do not change. The host never unloads a plugin.
 *
 * THREADS
 *   [once]        one thread at a time, under the host's lock; again only if it failed before.
 *   [any-thread]  any thread, also several at once.
 *   [exclusive]   any thread, while no other call on the same instance runs or will follow.
 *   No function here may block, start threads, or leave the floating-point environment changed.
 *
 * ERRORS
 *   Functions return MASO_OK or a negative status. Before it returns a negative one, a plugin should say
 *   why with maso_host.set_error, on the thread that it was called on. Nothing may unwind or longjmp over
 *   this interface: no C++ exception, no Rust panic leaves the plugin.
 *
 * NUMBERS
 *   A unit's piece is the number of knots that its pre-activation is above: at a knot, the lower piece.
 *   All coefficients are finite in single precision too. The host passes on whatever a network computes;
 *   a plugin need not look for NaN or infinities, only not crash on them: the host names the row.
 */
#ifndef MASO_PLUGIN_H
#define MASO_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The minor version that this header describes. */
#define MASO_PLUGIN_ABI_MINOR UINT32_C(0)

/* Put before the definition of maso_plugin_entry_v1. */
#if defined(_WIN32)
#define MASO_PLUGIN_EXPORT __declspec(dllexport)
#else
#define MASO_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* ---- Status ------------------------------------------------------------------------------------------ */

/* Done. */
#define MASO_OK 0
/* An argument is not what this header promises. */
#define MASO_ERROR_ARGUMENT (-1)
/* The parameters do not go together, though each is within its range. */
#define MASO_ERROR_PARAMETER (-2)
/* The instance cannot do that. */
#define MASO_ERROR_UNSUPPORTED (-3)
/* The host is too old for the plugin. */
#define MASO_ERROR_VERSION (-4)
/* It did not work for a reason that the message tells. */
#define MASO_ERROR_FAILED (-5)
/* A panic or an exception was caught inside of the plugin. */
#define MASO_ERROR_PANIC (-6)

/* ---- Strings ----------------------------------------------------------------------------------------- */

/*
 * UTF-8 text of `length` bytes; no zero at its end is needed. NULL with length 0 is the empty text.
 * The one struct without size and version: it will never change. A plugin's strings live for ever.
 * Names of plugins, kinds and parameters are 1 to 64 letters, digits, '-', '_' and '.', since people type
 * them; any other text is at most 65536 bytes.
 */
typedef struct maso_str {
    const char *data;
    uint64_t length;
} maso_str;

/* A maso_str of a literal, for initialisers. */
#define MASO_STR(literal) { (literal), sizeof(literal) - 1 }

/* ---- What the host offers ---------------------------------------------------------------------------- */

/*
 * Vectorised functions, fast and accurate to a few units in the last place: out[i] = f(in[i]) for
 * i < count. `out` is `in` itself or does not overlap it. [any-thread] Cannot fail. Never NULL.
 * sigmoid(x) is 1 / (1 + exp(-x)), without overflow.
 */
typedef struct maso_math {
    uint32_t struct_size;
    uint32_t abi_minor;
    void (*exp_f32)(const float *in, float *out, uint64_t count);
    void (*sigmoid_f32)(const float *in, float *out, uint64_t count);
    void (*tanh_f32)(const float *in, float *out, uint64_t count);
    void (*exp_f64)(const double *in, double *out, uint64_t count);
    void (*sigmoid_f64)(const double *in, double *out, uint64_t count);
    void (*tanh_f64)(const double *in, double *out, uint64_t count);
} maso_math;

/* The host's table. Owned by the host, lives as long as the process, never changes. */
typedef struct maso_host {
    uint32_t struct_size;
    uint32_t abi_minor;
    /* Goes first into set_error. May be NULL. */
    void *context;
    /*
     * Says why the call in progress is about to fail. The host copies `length` bytes of UTF-8 before it
     * returns; a later call replaces the text. [any-thread], on the thread that the plugin was called on.
     */
    void (*set_error)(void *context, const char *message, uint64_t length);
    /* Never NULL. */
    const maso_math *math;
} maso_host;

/* ---- Pieces and rules -------------------------------------------------------------------------------- */

/*
 * How an instance infers its piece. Memberships t are one number for each piece, at least 0, with sum 1;
 * u is the list of the pieces' values slope*z + offset; eta is beta / (1 - beta).
 * Pieces that are no maximum of lines (a clip, a hat) are softened as sums of maxima, knot by knot.
 */

/* The piece between the knots around z. `beta` is 0. */
#define MASO_RULE_HARD 0
/* t = softmax(eta * u), value = sum of t * u. `beta` in [0, 1]; 1 is hard, 0 the average of the pieces.
 * Of ReLU this makes z * sigmoid(eta * z): swish, and SiLU at beta = 1/2. */
#define MASO_RULE_BETA_VQ 1
/* value = log(sum of exp(eta * u)) / eta: softplus, of ReLU. `beta` in (0, 1]; 1 is hard. */
#define MASO_RULE_LOG_PARTITION 2
/* Two pieces; the second's membership is the normal distribution function of u[1] - u[0]: GELU, of ReLU.
 * `beta` is 0. */
#define MASO_RULE_PROBIT 3
/* The same with the tanh approximation of GELU. `beta` is 0. */
#define MASO_RULE_PROBIT_TANH 4
/* The kind's soft_f32 and soft_f64. `beta` is 0. */
#define MASO_RULE_CALLBACK 5

/*
 * What an instance is: `pieces` affine pieces, from left to right. Piece i is slopes[i] * z + offsets[i]
 * for z above knots[i - 1] and not above knots[i].
 * Demanded: 1 to 4096 pieces; all numbers finite; knots strictly ascending; neighbouring pieces meet at
 * their knot, to 1e-9 of the largest term there.
 */
typedef struct maso_spline {
    uint32_t struct_size;
    uint32_t abi_minor;
    uint64_t pieces;
    /* `pieces` numbers each. */
    const double *slopes;
    const double *offsets;
    /* pieces - 1 numbers; may be NULL if that is none. */
    const double *knots;
    /* One of MASO_RULE_*. */
    int32_t rule;
    uint32_t reserved;
    double beta;
} maso_spline;

/* ---- Soft inference by callback ---------------------------------------------------------------------- */

/*
 * A block of pre-activations and what is wanted of them. It has `lines` lines of `length` numbers; those of
 * a line are contiguous, and strides count numbers, not bytes. A line may run along units or along rows of
 * data: every number is a unit of its own, with the same instance.
 *
 *   input                          at input[line * input_stride + i]
 *   value                          at value[line * value_stride + i]
 *   derivative of value by input   at derivative[line * derivative_stride + i]
 *   membership of piece p          at membership[p * membership_piece_stride
 *                                                + line * membership_line_stride + i]
 *
 * An output that is NULL is not wanted. Others are wanted only if the kind's flags offer them. No two of
 * the arrays overlap. Nothing may be written beyond the numbers above. If the call fails, what it wrote
 * means nothing. Every number's result depends on that number alone, bit for bit: not on the block's shape,
 * not on which outputs are wanted, not on the thread.
 */
typedef struct maso_block_f32 {
    uint32_t struct_size;
    uint32_t abi_minor;
    uint64_t lines;
    uint64_t length;
    const float *input;
    uint64_t input_stride;
    float *value;
    uint64_t value_stride;
    float *derivative;
    uint64_t derivative_stride;
    float *membership;
    uint64_t membership_line_stride;
    uint64_t membership_piece_stride;
} maso_block_f32;

/* The same in double precision. */
typedef struct maso_block_f64 {
    uint32_t struct_size;
    uint32_t abi_minor;
    uint64_t lines;
    uint64_t length;
    const double *input;
    uint64_t input_stride;
    double *value;
    uint64_t value_stride;
    double *derivative;
    uint64_t derivative_stride;
    double *membership;
    uint64_t membership_line_stride;
    uint64_t membership_piece_stride;
} maso_block_f64;

/* ---- Kinds ------------------------------------------------------------------------------------------- */

/* A parameter. minimum <= default_value <= maximum, the default finite; the ends may be infinite and belong
 * to the range: create must take them if they are finite. */
typedef struct maso_parameter {
    uint32_t struct_size;
    uint32_t abi_minor;
    maso_str name;
    maso_str description;
    double default_value;
    double minimum;
    double maximum;
} maso_parameter;

/* Callbacks can write the derivative. */
#define MASO_KIND_HAS_DERIVATIVE UINT64_C(1)
/* Callbacks can write memberships. Where a piece's membership is above one half, the pre-activation is on
 * that piece. */
#define MASO_KIND_HAS_MEMBERSHIP UINT64_C(2)
/* The value is the mean of the pieces' values under the memberships. Only with MASO_KIND_HAS_MEMBERSHIP. */
#define MASO_KIND_POSTERIOR_MEAN UINT64_C(4)

typedef struct maso_kind maso_kind;

/* A nonlinearity. Scalar units only: each output depends on one pre-activation. */
struct maso_kind {
    uint32_t struct_size;
    uint32_t abi_minor;
    /* Unique within the plugin. A plugin's main kind has the plugin's name. */
    maso_str name;
    /* One sentence. */
    maso_str description;
    /* MASO_KIND_*; other bits are zero. */
    uint64_t flags;
    /* At most 64. */
    uint64_t parameter_count;
    /* Parameter `index` of parameter_count; the table lives for ever. [any-thread] NULL only if there are
     * no parameters. */
    const maso_parameter *(*parameter)(const maso_kind *kind, uint64_t index);
    /*
     * Makes an instance with these `count` == parameter_count values, each within its range, and puts it
     * where `instance` points (not NULL, if it returns MASO_OK). It does not change afterwards. The values
     * are the host's: copy them. May allocate. [any-thread] Required.
     * Units with different parameters are different instances.
     */
    int32_t (*create)(const maso_kind *kind, const double *values, uint64_t count, void **instance);
    /* Takes an instance back. [exclusive] Required. */
    void (*destroy)(void *instance);
    /* The instance's pieces and rule; the table and its arrays are the instance's, live until destroy and
     * do not change. Not NULL. [any-thread] Required. */
    const maso_spline *(*spline)(const void *instance);
    /*
     * Soft inference over a block; see there. Pure: no state, no allocation, no locks. [any-thread], also
     * at once on one instance. Both are required if an instance names MASO_RULE_CALLBACK, and not called
     * otherwise.
     */
    int32_t (*soft_f32)(const void *instance, const maso_block_f32 *block);
    int32_t (*soft_f64)(const void *instance, const maso_block_f64 *block);
};

/* ---- The plugin -------------------------------------------------------------------------------------- */

/* The plugin's table. Lives as long as the process, never changes. */
typedef struct maso_plugin_table {
    uint32_t struct_size;
    uint32_t abi_minor;
    /* The name that people load it by. The file is found by it: plugin my-kind is libmy_kind.so (each '-'
     * and '.' as '_'; the system's prefix and ending). One process has one plugin of a name. */
    maso_str name;
    /* The plugin's own version, as in "1.2.0". */
    maso_str version;
    /* One sentence. */
    maso_str description;
    /* An SPDX expression, as in "MIT OR Apache-2.0". */
    maso_str licence;
    /* 1 to 1024. */
    uint64_t kind_count;
    /* Kind `index` of kind_count; the table lives for ever. [any-thread] Required. */
    const maso_kind *(*kind)(uint64_t index);
} maso_plugin_table;

/*
 * The only symbol a plugin exports. Keeps `host`, which lives as long as the process, and puts the plugin's
 * table where `table` points. Before it uses a part of `host` that came with a later minor version, it looks
 * at host->struct_size, and returns MASO_ERROR_VERSION if it cannot do without. [once]
 */
MASO_PLUGIN_EXPORT int32_t maso_plugin_entry_v1(const maso_host *host, const maso_plugin_table **table);

#ifdef __cplusplus
}
#endif

#endif
