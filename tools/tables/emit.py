"""Writes a table as C: arrays in flash, no pointer that needs relocation beyond one struct."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from firmware_sim_native.plmn_file import Table, layout


def c_source(table: Table) -> str:
    """The text of fsim_plmn_table.c."""
    arrays = layout(table)
    mccs = [f"{{{key}, {first}, {place}}}" for key, first, place in arrays.mccs]
    exceptions = [f"{{{row}, {place}, {part}}}" for row, place, part in arrays.exceptions]
    sources = textwrap.fill(
        f"Data of {table.date}. Sources: {table.sources}.",
        width=92,
        initial_indent=" * ",
        subsequent_indent=" * ",
    )
    counts = ", ".join(
        str(len(array))
        for array in (
            arrays.mccs,
            arrays.networks,
            arrays.exceptions,
            arrays.countries,
            arrays.subdivisions,
        )
    )
    return f"""/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made by tools/plmn_tables from plmn.tsv; do not edit.
{sources}
 */
#include "fsim_core.h"

{_array("struct fsim_plmn_mcc mccs[]", mccs)}
{_array("uint16_t networks[]", [str(network) for network in arrays.networks])}
{_array("struct fsim_plmn_exception exceptions[]", exceptions)}
{_array("char countries[][2]", [_letters(code) for code in arrays.countries])}
{_array("char subdivisions[][5]", [_letters(code) for code in arrays.subdivisions])}
const struct fsim_plmn_table fsim_plmn_default = {{
    mccs, networks, exceptions, countries, subdivisions,
    {counts},
}};
"""


def _array(declaration: str, items: Sequence[str]) -> str:
    body = textwrap.fill(", ".join(items) + ",", width=96, break_on_hyphens=False)
    return f"static const {declaration} = {{\n{textwrap.indent(body, '    ')}\n}};\n"


def _letters(code: str) -> str:
    return "{" + ",".join(f"'{letter}'" for letter in code) + "}"
