"""What a program has set on its port: echo, error mode, formats, reports. Gone at a reset."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Session:
    """Port settings; the defaults are those of V.250 and TS 27.007.

    `echo` E, `verbose` V, `quiet` Q, `errors` +CMEE, `reports` <n> of +CREG and sisters,
    `operator_format` of +COPS, `charset` +CSCS, `zone_reports` +CTZR,
    `indicator_reports` +CMER, `registers` S3.., `selected` file of +CSIM.
    """

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    errors: int = 0
    reports: dict[str, int] = field(
        default_factory=lambda: {"+CREG": 0, "+CGREG": 0, "+CEREG": 0, "+C5GREG": 0}
    )
    operator_format: int = 0
    charset: str = "IRA"
    zone_reports: int = 0
    indicator_reports: bool = False
    message_text: int = 0
    plain: dict[str, str] = field(default_factory=dict)
    """Settings that are only kept and read back (+IPR, +CLIP, S-registers ...)."""
    selected: str = "3F00"
