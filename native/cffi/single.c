/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single calls from Python, where the way in must not cost more than the work: a str's own
 * bytes are looked at in place. Everything else goes through cffi (core.cdef.txt).
 */
#include <Python.h>

#include "fsim_core.h"

/* The bytes of a str or bytes; -1 and an exception for another type. A str with a character
 * outside ASCII gives *ascii = 0 and its length in characters. */
static int bytes_of(PyObject *object, const uint8_t **text, Py_ssize_t *length, int *ascii)
{
    *ascii = 1;
    if (PyUnicode_Check(object)) {
        Py_ssize_t characters = PyUnicode_GetLength(object);
        const char *utf8 = PyUnicode_AsUTF8AndSize(object, length);
        if (utf8 == NULL) {
            PyErr_Clear(); /* a lone surrogate */
        }
        if (utf8 == NULL || *length != characters) {
            *ascii = 0;
            *length = characters;
        }
        *text = (const uint8_t *)utf8;
        return 0;
    }
    char *bytes = NULL;
    if (PyBytes_AsStringAndSize(object, &bytes, length) != 0) {
        return -1;
    }
    *text = (const uint8_t *)bytes;
    return 0;
}

static int verdict_of(PyObject *object)
{
    const uint8_t *text;
    Py_ssize_t length;
    int ascii;
    if (bytes_of(object, &text, &length, &ascii) != 0) {
        return -1;
    }
    if (!ascii) {
        return length == 15 ? FSIM_IMEI_NON_DIGIT : FSIM_IMEI_LENGTH;
    }
    return fsim_imei_check(text, (size_t)length);
}

static PyObject *imei_verdict(PyObject *module, PyObject *object)
{
    (void)module;
    int verdict = verdict_of(object);
    return verdict < 0 ? NULL : PyLong_FromLong(verdict);
}

static PyObject *imei_is_valid(PyObject *module, PyObject *object)
{
    (void)module;
    int verdict = verdict_of(object);
    return verdict < 0 ? NULL : PyBool_FromLong(verdict == FSIM_IMEI_OK);
}

static PyObject *imei_check_digit(PyObject *module, PyObject *object)
{
    (void)module;
    const uint8_t *text;
    Py_ssize_t length;
    int ascii;
    if (bytes_of(object, &text, &length, &ascii) != 0) {
        return NULL;
    }
    int digit = ascii && length == 14 ? fsim_imei_check_digit(text) : -1;
    if (digit < 0) {
        PyErr_SetString(PyExc_ValueError, "the check digit is that of 14 decimal digits");
        return NULL;
    }
    return PyLong_FromLong(digit);
}

/* What is known of every place in the table that ships: its networks, then its MCCs, then one
 * for an MCC that is not there. Each is built once, by Python, when first asked for. */
struct shared {
    PyObject *build;
    PyObject **facts;
};

static size_t place_count(void)
{
    return (size_t)fsim_plmn_default.network_count + fsim_plmn_default.mcc_count + 1;
}

static size_t place_of(const struct fsim_plmn_facts *found)
{
    if (found->row != FSIM_PLMN_NO_ROW) {
        return found->row;
    }
    size_t mcc = found->mcc_row;
    if (found->mcc_row == FSIM_PLMN_NO_ROW) {
        mcc = fsim_plmn_default.mcc_count;
    }
    return fsim_plmn_default.network_count + mcc;
}

static PyObject *plmn_lookup(PyObject *module, PyObject *object)
{
    struct shared *shared = PyModule_GetState(module);
    const uint8_t *text;
    Py_ssize_t length;
    int ascii;
    struct fsim_plmn_facts found;
    if (bytes_of(object, &text, &length, &ascii) != 0) {
        return NULL;
    }
    if (!ascii || fsim_plmn_lookup(&fsim_plmn_default, text, (size_t)length, &found) != 0) {
        PyErr_SetString(PyExc_ValueError, "a PLMN is 5 or 6 decimal digits, an MCC 3");
        return NULL;
    }
    size_t place = place_of(&found);
    PyObject *facts = shared->facts[place];
    if (facts == NULL) {
        if (shared->build == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "plmn_builder was not called");
            return NULL;
        }
        facts = PyObject_CallFunctionObjArgs(shared->build, object, NULL);
        if (facts == NULL) {
            return NULL;
        }
        /* Another thread may have been first while Python ran. */
        if (shared->facts[place] != NULL) {
            Py_DECREF(facts);
            facts = shared->facts[place];
        }
        shared->facts[place] = facts;
    }
    Py_INCREF(facts);
    return facts;
}

static PyObject *plmn_builder(PyObject *module, PyObject *build)
{
    struct shared *shared = PyModule_GetState(module);
    PyObject *before = shared->build;
    Py_INCREF(build);
    shared->build = build;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static int start(PyObject *module)
{
    struct shared *shared = PyModule_GetState(module);
    shared->build = NULL;
    shared->facts = PyMem_Calloc(place_count(), sizeof(PyObject *));
    if (shared->facts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    struct shared *shared = PyModule_GetState(module);
    Py_VISIT(shared->build);
    for (size_t i = 0; shared->facts != NULL && i < place_count(); i++) {
        Py_VISIT(shared->facts[i]);
    }
    return 0;
}

static int clear(PyObject *module)
{
    struct shared *shared = PyModule_GetState(module);
    Py_CLEAR(shared->build);
    for (size_t i = 0; shared->facts != NULL && i < place_count(); i++) {
        Py_CLEAR(shared->facts[i]);
    }
    return 0;
}

static void release(void *module)
{
    struct shared *shared = PyModule_GetState(module);
    clear(module);
    PyMem_Free(shared->facts);
    shared->facts = NULL;
}

static PyMethodDef methods[] = {
    {"imei_verdict", imei_verdict, METH_O, NULL},
    {"is_valid", imei_is_valid, METH_O,
     "is_valid(imei, /)\n--\n\n"
     "Whether `imei` (str or bytes) is 15 digits with the right check digit, and not the null "
     "IMEI."},
    {"check_digit", imei_check_digit, METH_O,
     "check_digit(first14, /)\n--\n\n"
     "The check digit, 0 to 9, of TAC and serial number (14 digits).\n\n"
     "Raises:\n    ValueError: not 14 ASCII digits.\n\nSource: 3GPP TS 23.003, annex B."},
    {"plmn_builder", plmn_builder, METH_O, NULL},
    {"plmn_lookup", plmn_lookup, METH_O,
     "lookup(digits, /)\n--\n\n"
     "What the table that ships says of a PLMN of 5 or 6 digits, or of an MCC of 3.\n\n"
     "Raises:\n    ValueError: another number of digits, or a character that is no ASCII digit."},
    {NULL, NULL, 0, NULL},
};

/* ISO C has no conversion from a function to void *; POSIX and Python's slots need one. */
union entry {
    int (*function)(PyObject *);
    void *pointer;
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, NULL}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_single", NULL, sizeof(struct shared), methods, slots, traverse, clear,
    release,
};

PyMODINIT_FUNC PyInit__single(void);
PyMODINIT_FUNC PyInit__single(void)
{
    union entry entry = {.function = start};
    slots[0].value = entry.pointer;
    return PyModuleDef_Init(&definition);
}
