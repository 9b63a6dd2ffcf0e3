"""The manufacturer's side: territory policy, the issuer that signs answers, its memory of devices.

It knows no handset and no modem: it meets them as messages of ODAP/1. Reading order: `policy`
(what a policy file may say), `decision` (evidence + device + policy -> verdict, pure), `devices`
(the machine that is kept for each device), `issuer` (message in, messages out), `session` (the
same behind a framing), `store` and `database` (what is remembered), `keys` (who may sign).

Times are whole seconds since 1970 (UTC), handed in; entropy is handed in; only `keys`,
`policyfile` and `database` open files.
"""
