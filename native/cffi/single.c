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

/* Where the table that ships has a PLMN: its row among the networks, or 65536 and more for
 * the MCC's row, or 131071 for an MCC that is not there. */
static PyObject *plmn_place(PyObject *module, PyObject *object)
{
    (void)module;
    const uint8_t *text;
    Py_ssize_t length;
    int ascii;
    struct fsim_plmn_facts facts;
    if (bytes_of(object, &text, &length, &ascii) != 0) {
        return NULL;
    }
    if (!ascii || fsim_plmn_lookup(&fsim_plmn_default, text, (size_t)length, &facts) != 0) {
        PyErr_SetString(PyExc_ValueError, "a PLMN is 5 or 6 decimal digits, an MCC 3");
        return NULL;
    }
    return PyLong_FromLong(facts.row != FSIM_PLMN_NO_ROW ? facts.row : 65536L + facts.mcc_row);
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
    {"plmn_place", plmn_place, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_single", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__single(void);
PyMODINIT_FUNC PyInit__single(void)
{
    return PyModuleDef_Init(&definition);
}
