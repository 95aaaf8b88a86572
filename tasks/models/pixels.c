/* Images at another size, as the planes of 32-bit floats that a network takes.
 *
 * What is computed is told in resampling.py, which calls this, and which does the same with Pillow where this was not
 * compiled. Nothing is rounded or laid out anew between the passes, and the interpreter is let go of once a call.
 *
 * Bytes lie red, green, blue; so do the sums of a row. Down, all values of a row are weighed at once. Across, a register
 * takes two neighbours, and four finished pixels are turned into planes together.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1

/* The loops are compiled for each kind of processor, and the loader takes the best of what runs here. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define FOR_EACH_PROCESSOR
#endif
#define INLINED static inline __attribute__((always_inline))

typedef float Pixel __attribute__((vector_size(16)));
typedef float Pair __attribute__((vector_size(32)));
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define FOLD(sum) (SHUFFLE(sum, sum, 0, 1, 2, 3) + SHUFFLE(sum, sum, 3, 4, 5, 6))
#else
typedef int32_t Lanes __attribute__((vector_size(16)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (Lanes){__VA_ARGS__})
#define FOLD(sum) ((Pixel){sum[0] + sum[3], sum[1] + sum[4], sum[2] + sum[5]})
#endif

enum {
    LANES = 8, /* of a pair: red, green, blue of two neighbours, and two that count for nothing */
    SPARE = 8  /* values behind the last pixel of a row, as that is read as a pair, too */
};
static const Py_ssize_t LONGEST = 1 << 24;

/* How pixels of one axis are made: number i of neighbours from first[i] on, with the weights of row i: of `taps` neighbours
 * down; across, where a register holds two of them, of `taps` pairs, a weight for each lane. */
typedef struct {
    Py_ssize_t made, taps;
    const int32_t *first;
    const float *weights;
} Axis;

/* A part of an image, which may reach beyond it; there it is black. */
typedef struct {
    const uint8_t *image;
    Py_ssize_t row, rows, columns; /* of the image; a row in bytes */
    Py_ssize_t top, left, height, width;
    Py_ssize_t begin, end; /* the columns of the part that lie in the image */
} Part;

typedef struct {
    float *planes;
    Py_ssize_t plane, row; /* in values */
    float scale[3], shift[3];
} Target;

typedef struct {
    Part part;
    Axis down, across;
    Target target;
    float *lines[2]; /* two rows of the part at the wanted height */
} Job;

/* line = or += the weighted sum of up to four rows of bytes. */
INLINED void add_rows(float *restrict line, const uint8_t *const *rows, const float *weights, int count, int fresh,
                      Py_ssize_t values)
{
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    const float wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
#define EACH(sum)                                                                                                      \
    if (fresh)                                                                                                         \
        for (Py_ssize_t i = 0; i < values; i++)                                                                        \
            line[i] = (sum);                                                                                           \
    else                                                                                                               \
        for (Py_ssize_t i = 0; i < values; i++)                                                                        \
            line[i] += (sum);
    switch (count) {
    case 1: EACH(wa * a[i]) break;
    case 2: EACH(wa * a[i] + wb * b[i]) break;
    case 3: EACH(wa * a[i] + wb * b[i] + wc * c[i]) break;
    default: EACH(wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i])
    }
#undef EACH
}

/* Row `y` of the wanted height into a line. */
INLINED void weigh_rows(const Job *job, Py_ssize_t y, float *line)
{
    const Part *part = &job->part;
    const Axis *axis = &job->down;
    const Py_ssize_t values = 3 * (part->end - part->begin);
    const uint8_t *rows[4] = {0};
    float weights[4] = {0};
    int count = 0, fresh = 1;
    line += 3 * part->begin;
    for (Py_ssize_t k = 0; k < axis->taps; k++) {
        const float weight = axis->weights[y * axis->taps + k];
        const Py_ssize_t row = part->top + axis->first[y] + k;
        if (weight == 0 || row < 0 || row >= part->rows)
            continue;
        rows[count] = part->image + row * part->row + 3 * (part->left + part->begin);
        weights[count++] = weight;
        if (count == 4) {
            add_rows(line, rows, weights, 4, fresh, values);
            count = fresh = 0;
        }
    }
    if (count)
        add_rows(line, rows, weights, count, fresh, values);
    else if (fresh)
        memset(line, 0, values * sizeof *line);
}

INLINED void store(float *values, Pixel pixel)
{
    memcpy(values, &pixel, sizeof pixel);
}

/* Pixel `x` of the wanted width, of a line. */
INLINED Pixel weigh_columns(const Axis *axis, const float *line, Py_ssize_t x, Py_ssize_t pairs)
{
    const float *values = line + 3 * axis->first[x], *weights = axis->weights + x * pairs * LANES;
    Pair sum = {0}, value, weight;
    for (Py_ssize_t k = 0; k < pairs; k++) {
        memcpy(&value, values + 6 * k, sizeof value);
        memcpy(&weight, weights + LANES * k, sizeof weight);
        sum += weight * value;
    }
    return FOLD(sum);
}

INLINED void put(const Target *target, Py_ssize_t y, Py_ssize_t x, Pixel pixel)
{
    for (int c = 0; c < 3; c++)
        target->planes[c * target->plane + y * target->row + x] = pixel[c] * target->scale[c] + target->shift[c];
}

/* Four neighbours at once. */
INLINED void put_four(const Target *target, Py_ssize_t y, Py_ssize_t x, Pixel a, Pixel b, Pixel c, Pixel d)
{
    const Pixel ab = SHUFFLE(a, b, 0, 4, 1, 5), cd = SHUFFLE(c, d, 0, 4, 1, 5);
    const Pixel last = SHUFFLE(SHUFFLE(a, b, 2, 6, 2, 6), SHUFFLE(c, d, 2, 6, 2, 6), 0, 1, 4, 5);
    const Pixel planes[3] = {SHUFFLE(ab, cd, 0, 1, 4, 5), SHUFFLE(ab, cd, 2, 3, 6, 7), last};
    for (int c = 0; c < 3; c++)
        store(target->planes + c * target->plane + y * target->row + x, planes[c] * target->scale[c] + target->shift[c]);
}

/* Rows from `y` on of the wanted width, of as many lines: two share the weights that are read. */
INLINED void make_rows(const Job *job, Py_ssize_t y, int rows, Py_ssize_t pairs)
{
    const Axis *axis = &job->across;
    Py_ssize_t x = 0;
    for (; x + 4 <= axis->made; x += 4)
        for (int k = 0; k < rows; k++)
            put_four(&job->target, y + k, x, weigh_columns(axis, job->lines[k], x, pairs),
                     weigh_columns(axis, job->lines[k], x + 1, pairs), weigh_columns(axis, job->lines[k], x + 2, pairs),
                     weigh_columns(axis, job->lines[k], x + 3, pairs));
    for (; x < axis->made; x++)
        for (int k = 0; k < rows; k++)
            put(&job->target, y + k, x, weigh_columns(axis, job->lines[k], x, pairs));
}

/* A row that keeps its size: the bytes are taken apart before they become floats, of which a register holds fewer. */
INLINED void take_apart(const Job *job, Py_ssize_t y)
{
    enum { SOME = 256 };
    uint8_t apart[3][SOME];
    const Part *part = &job->part;
    const Target *target = &job->target;
    const uint8_t *row = part->image + (part->top + y) * part->row + 3 * part->left;
    for (Py_ssize_t begin = 0; begin < part->width; begin += SOME) {
        const Py_ssize_t count = part->width - begin < SOME ? part->width - begin : SOME;
        const uint8_t *bytes = row + 3 * begin;
        for (Py_ssize_t i = 0; i < count; i++) {
            apart[0][i] = bytes[3 * i];
            apart[1][i] = bytes[3 * i + 1];
            apart[2][i] = bytes[3 * i + 2];
        }
        for (int c = 0; c < 3; c++) {
            float *restrict values = target->planes + c * target->plane + y * target->row + begin;
            for (Py_ssize_t i = 0; i < count; i++)
                values[i] = apart[c][i] * target->scale[c] + target->shift[c];
        }
    }
}

/* Whether each of `length` pixels is made of itself alone. */
INLINED int keeps(const Axis *axis, Py_ssize_t length, Py_ssize_t lanes)
{
    int same = axis->made == length && axis->taps == 1;
    for (Py_ssize_t k = 0; same && k < length; k++)
        same = axis->first[k] == k && axis->weights[k * lanes] == 1 && (lanes == 1 || axis->weights[k * lanes + 3] == 0);
    return same;
}

/* Whether the part is taken as it is. */
INLINED int keeps_size(const Job *job)
{
    const Part *part = &job->part;
    return part->top >= 0 && part->top + part->height <= part->rows && part->begin == 0 && part->end == part->width &&
           keeps(&job->down, part->height, 1) && keeps(&job->across, part->width, LANES);
}

FOR_EACH_PROCESSOR static void run_resample(const Job *job)
{
    if (keeps_size(job)) {
        for (Py_ssize_t y = 0; y < job->down.made; y++)
            take_apart(job, y);
        return;
    }
    for (Py_ssize_t y = 0; y < job->down.made; y += 2) {
        const int rows = y + 1 < job->down.made ? 2 : 1;
        for (int k = 0; k < rows; k++)
            weigh_rows(job, y + k, job->lines[k]);
        switch (rows == 2 ? job->across.taps : 0) { /* loops of a known number of rounds are unrolled */
        case 0: make_rows(job, y, 1, job->across.taps); break;
        case 1: make_rows(job, y, 2, 1); break;
        case 2: make_rows(job, y, 2, 2); break;
        case 3: make_rows(job, y, 2, 3); break;
        default: make_rows(job, y, 2, job->across.taps);
        }
    }
}

/* From here on what is given is looked at: nothing beyond it is read or written, whatever it is. */

typedef struct {
    Py_buffer views[6];
    int held;
} Buffers;

static void release(Buffers *buffers)
{
    while (buffers->held)
        PyBuffer_Release(&buffers->views[--buffers->held]);
}

static const Py_buffer *hold(Buffers *buffers, PyObject *object, const char *name, int ndim, const char *format,
                             int flags)
{
    Py_buffer *view = &buffers->views[buffers->held];
    if (PyObject_GetBuffer(object, view, flags | PyBUF_FORMAT) < 0)
        return NULL;
    buffers->held++;
    if (view->ndim != ndim || !view->format || strcmp(view->format, format) != 0) {
        PyErr_Format(PyExc_TypeError, "%s is to have %d axes of type '%s'", name, ndim, format);
        return NULL;
    }
    return view;
}

static int take_image(Buffers *buffers, PyObject *object, Part *part)
{
    const Py_buffer *view = hold(buffers, object, "image", 3, "B", PyBUF_STRIDED_RO);
    if (!view)
        return 0;
    if (view->shape[2] != 3 || view->strides[2] != 1 || view->strides[1] != 3 || view->shape[0] > LONGEST ||
        view->shape[1] > LONGEST) {
        PyErr_SetString(PyExc_ValueError, "image is to be (rows, columns, 3) with the pixels of a row side by side");
        return 0;
    }
    part->image = view->buf;
    part->row = view->strides[0];
    part->rows = view->shape[0];
    part->columns = view->shape[1];
    if (part->height < 1 || part->width < 1 || part->height > LONGEST || part->width > LONGEST ||
        part->top < -LONGEST || part->top > LONGEST || part->left < -LONGEST || part->left > LONGEST) {
        PyErr_SetString(PyExc_ValueError, "the part of the image is empty or too large");
        return 0;
    }
    const Py_ssize_t rest = part->columns - part->left;
    part->begin = part->left < 0 ? -part->left : 0;
    part->end = rest < part->width ? rest : part->width;
    if (part->begin >= part->end)
        part->begin = part->end = 0;
    return 1;
}

/* `lanes` weights are of one neighbour, or of a pair of them. */
static int take_axis(Buffers *buffers, PyObject *given, Py_ssize_t taken, Py_ssize_t lanes, Axis *axis)
{
    PyObject *first, *weights;
    if (!PyArg_ParseTuple(given, "OO", &first, &weights))
        return 0;
    const Py_buffer *starts = hold(buffers, first, "first", 1, "i", PyBUF_C_CONTIGUOUS);
    const Py_buffer *table = starts ? hold(buffers, weights, "weights", 2, "f", PyBUF_C_CONTIGUOUS) : NULL;
    if (!table)
        return 0;
    *axis = (Axis){table->shape[0], table->shape[1] / lanes, starts->buf, table->buf};
    /* The second of the last pair may be one pixel beyond the others: there is a spare one. */
    const Py_ssize_t neighbours = lanes == 1 ? axis->taps : 2 * axis->taps - 1;
    int fits = starts->shape[0] == axis->made && axis->made >= 1 && axis->made <= LONGEST && axis->taps >= 1 &&
               axis->taps <= LONGEST && table->shape[1] % lanes == 0;
    for (Py_ssize_t k = 0; fits && k < axis->made; k++)
        fits = axis->first[k] >= 0 && axis->first[k] + neighbours <= taken;
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "the weights of an axis reach beyond it");
    return fits;
}

static int take_target(Buffers *buffers, PyObject *object, Py_ssize_t height, Py_ssize_t width, Target *target)
{
    const Py_buffer *view = hold(buffers, object, "out", 3, "f", PyBUF_STRIDED);
    if (!view)
        return 0;
    const Py_ssize_t value = sizeof(float);
    if (view->shape[0] != 3 || view->shape[1] != height || view->shape[2] != width || view->strides[2] != value ||
        view->strides[1] % value || view->strides[0] % value) {
        PyErr_Format(PyExc_ValueError, "out is to be (3, %zd, %zd) with the values of a row side by side", height, width);
        return 0;
    }
    target->planes = view->buf;
    target->plane = view->strides[0] / value;
    target->row = view->strides[1] / value;
    return 1;
}

/* Two lines, of zeros; `lines[0]` is to be freed. */
static int make_lines(Job *job)
{
    const Py_ssize_t length = 3 * job->part.width + SPARE;
    float *values = calloc(2 * length, sizeof *values);
    if (!values)
        return 0;
    job->lines[0] = values;
    job->lines[1] = values + length;
    return 1;
}

static PyObject *resample(PyObject *Py_UNUSED(module), PyObject *args)
{
    Job job = {0};
    Buffers buffers = {0};
    Part *part = &job.part;
    float *scale = job.target.scale, *shift = job.target.shift;
    PyObject *image, *down, *across, *out, *done = NULL;
    if (!PyArg_ParseTuple(args, "O(nnnn)O!O!O(fff)(fff)", &image, &part->top, &part->left, &part->height, &part->width,
                          &PyTuple_Type, &down, &PyTuple_Type, &across, &out, &scale[0], &scale[1], &scale[2],
                          &shift[0], &shift[1], &shift[2]))
        return NULL;
    if (take_image(&buffers, image, part) && take_axis(&buffers, down, part->height, 1, &job.down) &&
        take_axis(&buffers, across, part->width, LANES, &job.across) &&
        take_target(&buffers, out, job.down.made, job.across.made, &job.target)) {
        if (make_lines(&job)) {
            Py_BEGIN_ALLOW_THREADS
            run_resample(&job);
            Py_END_ALLOW_THREADS
            free(job.lines[0]);
            done = Py_NewRef(Py_None);
        } else
            PyErr_NoMemory();
    }
    release(&buffers);
    return done;
}

static PyMethodDef methods[] = {
    {"resample", resample, METH_VARARGS,
     "resample(image, (top, left, height, width), (first, weights), (first, weights), out, scale, shift)"},
    {NULL, NULL, 0, NULL},
};

static int start(PyObject *module)
{
    return PyModule_AddIntConstant(module, "VERSION", VERSION);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, start}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_pixels",
    .m_doc = "Images at another size, as planes of floats.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__pixels(void)
{
    return PyModuleDef_Init(&definition);
}
