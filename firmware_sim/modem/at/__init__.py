"""The AT language of modems: command lines, answers, parameters, results, the registry.

Both machines speak through this room: the dialogue (we ask a modem) and the virtual modem
(a program asks us). It knows words and bytes, and neither states nor times.
Source: ITU-T V.250 (07/2003); 3GPP TS 27.007.
"""

from firmware_sim.modem.at.answer import Answer, AnswerKind, AnswerLexer
from firmware_sim.modem.at.command import Command, CommandLexer, Form, Repeat, parse_line
from firmware_sim.modem.at.fields import Field, groups, split
from firmware_sim.modem.at.registry import REGISTRY, Entry, changes_for_good
from firmware_sim.modem.at.results import CmeError, Result, cme_text

__all__ = [
    "REGISTRY",
    "Answer",
    "AnswerKind",
    "AnswerLexer",
    "CmeError",
    "Command",
    "CommandLexer",
    "Entry",
    "Field",
    "Form",
    "Repeat",
    "Result",
    "changes_for_good",
    "cme_text",
    "groups",
    "parse_line",
    "split",
]
