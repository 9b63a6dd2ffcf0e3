-- Wireshark dissector of ODAP/1 (protocol/SPEC.md). Made by tools/spec; do not edit.
--
--   tshark -X lua_script:protocol/wireshark/odap.lua -r trace.pcapng
--
-- Reads messages over TCP (a u16 length before each; TLS payload likewise), serial frames
-- ("odap_serial"), and the captures of `firmware-sim ... --trace`, which hold the AT dialogue
-- ("fsim_at") and what happened besides ("fsim_event"). KEYSET messages earlier in the capture
-- give signatures their owners' names.

local TYPES = { [1] = "CHALLENGE_REQ", [2] = "CHALLENGE", [3] = "REQUEST", [4] = "RESPONSE", [5] = "CONFIRM", [6] = "CONFIRM_ACK", [7] = "UNLOCK_CHALLENGE", [8] = "UNLOCK_TICKET", [9] = "KEYSET", [10] = "ERROR" }
local SIGNERS = { [3] = "the device", [4] = "an ACT key", [5] = "the device", [8] = "an UNLOCK key", [9] = "a root" }
local ROLES = { bits = { { 1, "ROOT" }, { 2, "ACT" }, { 4, "UNLOCK" }, { 8, "TIME" }, { 16, "DEVICE" } } }
local EXTENSION_NAMES = { [1] = "CELL", [2] = "GNSS", [3] = "WIFI_COUNTRY", [4] = "LOCALE", [5] = "CAUSE", [257] = "DISPLAY_TEXT", [258] = "LOCK_NOTICE" }
local HEADER = { { name = "magic", kind = "octets[4]", size = 4, text = "ODAP" }, { name = "version", kind = "u8", size = 1, text = "1" }, { name = "type", kind = "u8", size = 1, text = "message type", values = { [1] = "CHALLENGE_REQ", [2] = "CHALLENGE", [3] = "REQUEST", [4] = "RESPONSE", [5] = "CONFIRM", [6] = "CONFIRM_ACK", [7] = "UNLOCK_CHALLENGE", [8] = "UNLOCK_TICKET", [9] = "KEYSET", [10] = "ERROR" } }, { name = "flags", kind = "u16", size = 2, text = "0" }, { name = "exchange_id", kind = "u32", size = 4, text = "drawn by the device, repeated by every message of the exchange" }, { name = "body_len", kind = "u16", size = 2, text = "octets of fixed part and extensions" }, { name = "reserved", kind = "u16", size = 2, text = "0" } }
local KEYSET_ENTRY = { { name = "algorithm", kind = "u8", size = 1, text = "algorithm of the key", values = { [1] = "ESP256", [2] = "ED25519" } }, { name = "roles", kind = "u16", size = 2, text = "what the key may sign", bits = { { 1, "ROOT" }, { 2, "ACT" }, { 4, "UNLOCK" }, { 8, "TIME" }, { 16, "DEVICE" } } }, { name = "not_before", kind = "u64", size = 8, text = "seconds since 1970" }, { name = "not_after", kind = "u64", size = 8, text = "seconds since 1970, inclusive" }, { name = "public_key", kind = "key", size = 33, text = "public key; Ed25519 is padded with one 00" } }
local SIGNATURE = { { name = "key_id", kind = "octets[32]", size = 32, text = "key id of the signer" }, { name = "signature", kind = "octets[64]", size = 64, text = "r||s, or R||S" } }
local BODIES = {
  [1] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "keyset_version", kind = "u32", size = 4, text = "version of the keyset in force" }, { name = "policy_epoch", kind = "u32", size = 4, text = "epoch of the policy" }, { name = "policy_version", kind = "u32", size = 4, text = "version of the policy" } }, -- CHALLENGE_REQ
  [2] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "server_nonce", kind = "octets[32]", size = 32, text = "drawn by the server for this exchange" }, { name = "keyset_version", kind = "u32", size = 4, text = "version of the keyset in force" } }, -- CHALLENGE
  [3] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "device_key_algorithm", kind = "u8", size = 1, text = "algorithm of device_key", values = { [1] = "ESP256", [2] = "ED25519" } }, { name = "device_key", kind = "key", size = 33, text = "public key of the device; Ed25519 is padded with one 00" }, { name = "imei", kind = "imei", size = 8, text = "IMEI, TBCD, 15 digits and filler F" }, { name = "imei2", kind = "imei", size = 8, text = "second IMEI", absent = true }, { name = "device_nonce", kind = "octets[32]", size = 32, text = "single use, drawn by the device" }, { name = "server_nonce", kind = "octets[32]", size = 32, text = "as in CHALLENGE" }, { name = "serving_plmn", kind = "plmn", size = 3, text = "registered PLMN, TS 24.008 BCD", absent = true }, { name = "sim_plmn", kind = "plmn", size = 3, text = "home PLMN of the SIM, TS 24.008 BCD", absent = true }, { name = "evidence", kind = "u16", size = 2, text = "which evidence is present", bits = { { 1, "SERVING" }, { 2, "SIM" }, { 4, "CELL" }, { 8, "GNSS" }, { 16, "WIFI_COUNTRY" } } }, { name = "policy_epoch", kind = "u32", size = 4, text = "floor of the device" }, { name = "policy_version", kind = "u32", size = 4, text = "floor of the device" }, { name = "keyset_version", kind = "u32", size = 4, text = "version of the keyset in force" }, { name = "lock_state", kind = "u8", size = 1, text = "lock state of the device", values = { [0] = "UNPROVISIONED", [1] = "SETUP_LOCKED", [2] = "PENDING", [3] = "ACTIVE", [4] = "LOCKED_TERRITORY", [5] = "LOCKED_BLOCKLIST", [6] = "LOCKED_FINANCE", [7] = "STORE_FAULT" } }, { name = "firmware_kind", kind = "u8", size = 1, text = "kind of the boot image", values = { [1] = "OFFICIAL", [2] = "UNOFFICIAL" } }, { name = "security_version", kind = "u32", size = 4, text = "anti-rollback version of the boot image" }, { name = "boot_count", kind = "u32", size = 4, text = "boots since manufacture" } }, -- REQUEST
  [4] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "imei", kind = "imei", size = 8, text = "IMEI, TBCD, 15 digits and filler F" }, { name = "device_nonce", kind = "octets[32]", size = 32, text = "single use, drawn by the device" }, { name = "request_hash", kind = "octets[32]", size = 32, text = "SHA-256 of the whole signed REQUEST" }, { name = "decision", kind = "u8", size = 1, text = "the decision", values = { [1] = "ACTIVATE", [2] = "LOCK_TERRITORY", [3] = "LOCK_BLOCKLIST", [4] = "LOCK_FINANCE", [5] = "PENDING", [6] = "DEACTIVATE" } }, { name = "reason", kind = "u16", size = 2, text = "why, for a person", values = { [0] = "NONE", [1] = "PLACE_ALLOWED", [2] = "PLACE_FORBIDDEN", [3] = "PLACE_UNKNOWN", [4] = "BLOCKLISTED", [5] = "FINANCE", [6] = "WITHDRAWN", [7] = "NO_RULE" } }, { name = "country", kind = "country", size = 2, text = "ISO 3166-1 alpha-2 as decided", absent = true }, { name = "subdivision", kind = "subdivision", size = 3, text = "ISO 3166-2 after the hyphen, 00 padded", absent = true }, { name = "policy_epoch", kind = "u32", size = 4, text = "epoch of the policy" }, { name = "policy_version", kind = "u32", size = 4, text = "version of the policy" }, { name = "keyset_version", kind = "u32", size = 4, text = "version of the keyset in force" }, { name = "issued_at", kind = "u64", size = 8, text = "seconds since 1970" }, { name = "not_after", kind = "u64", size = 8, text = "seconds since 1970, inclusive" }, { name = "max_age", kind = "u32", size = 4, text = "seconds from the device nonce" }, { name = "retry_after", kind = "u32", size = 4, text = "seconds, for PENDING", absent = true }, { name = "recheck_after", kind = "u32", size = 4, text = "seconds until the device checks in again", absent = true } }, -- RESPONSE
  [5] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "device_nonce", kind = "octets[32]", size = 32, text = "single use, drawn by the device" }, { name = "response_hash", kind = "octets[32]", size = 32, text = "SHA-256 of the whole signed answer" }, { name = "record_sequence", kind = "u32", size = 4, text = "sequence of the committed record" }, { name = "lock_state", kind = "u8", size = 1, text = "lock state of the device", values = { [0] = "UNPROVISIONED", [1] = "SETUP_LOCKED", [2] = "PENDING", [3] = "ACTIVE", [4] = "LOCKED_TERRITORY", [5] = "LOCKED_BLOCKLIST", [6] = "LOCKED_FINANCE", [7] = "STORE_FAULT" } } }, -- CONFIRM
  [6] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "response_hash", kind = "octets[32]", size = 32, text = "as in CONFIRM" } }, -- CONFIRM_ACK
  [7] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "imei", kind = "imei", size = 8, text = "IMEI, TBCD, 15 digits and filler F" }, { name = "challenge", kind = "octets[32]", size = 32, text = "single use, drawn by the device" }, { name = "lock_state", kind = "u8", size = 1, text = "lock state of the device", values = { [0] = "UNPROVISIONED", [1] = "SETUP_LOCKED", [2] = "PENDING", [3] = "ACTIVE", [4] = "LOCKED_TERRITORY", [5] = "LOCKED_BLOCKLIST", [6] = "LOCKED_FINANCE", [7] = "STORE_FAULT" } } }, -- UNLOCK_CHALLENGE
  [8] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "device_key_id", kind = "octets[32]", size = 32, text = "key id of the device key" }, { name = "imei", kind = "imei", size = 8, text = "IMEI, TBCD, 15 digits and filler F" }, { name = "challenge", kind = "octets[32]", size = 32, text = "as in UNLOCK_CHALLENGE" }, { name = "ticket_id", kind = "octets[16]", size = 16, text = "single use for ever" }, { name = "scope", kind = "u16", size = 2, text = "which locks it opens", bits = { { 1, "TERRITORY" }, { 2, "FINANCE" }, { 4, "PENDING" } } }, { name = "policy_epoch", kind = "u32", size = 4, text = "epoch of the policy" }, { name = "policy_version", kind = "u32", size = 4, text = "version of the policy" }, { name = "keyset_version", kind = "u32", size = 4, text = "version of the keyset in force" }, { name = "issued_at", kind = "u64", size = 8, text = "seconds since 1970" }, { name = "not_after", kind = "u64", size = 8, text = "seconds since 1970, inclusive" } }, -- UNLOCK_TICKET
  [9] = { { name = "realm", kind = "realm", size = 16, text = "the deployment" }, { name = "version", kind = "u32", size = 4, text = "one more than the keyset it follows" }, { name = "not_before", kind = "u64", size = 8, text = "seconds since 1970" }, { name = "not_after", kind = "u64", size = 8, text = "seconds since 1970, inclusive" }, { name = "policy_epoch", kind = "u32", size = 4, text = "epoch of the policy; only roots raise it" }, { name = "root_threshold", kind = "u8", size = 1, text = "distinct root signatures that the next keyset needs" }, { name = "entry_count", kind = "u8", size = 1, text = "entries that follow, 1 to 32" } }, -- KEYSET
  [10] = { { name = "stage", kind = "u8", size = 1, text = "stage of the refusal, 0 for none", values = { [1] = "FRAME", [2] = "HEADER", [3] = "SIGNATURE", [4] = "LAYOUT", [5] = "BINDING", [6] = "FRESHNESS", [7] = "TIME", [8] = "POLICY", [9] = "COMMIT", [10] = "SCREEN" } }, { name = "retry_after", kind = "u32", size = 4, text = "seconds", absent = true } }, -- ERROR
}
local EXTENSIONS = {
  [1] = { name = "cell", size = 13, rows = { { name = "access", kind = "u8", size = 1, text = "AcT of TS 27.007, 7.3" }, { name = "area", kind = "u32", size = 4, text = "LAC or TAC" }, { name = "cell", kind = "u64", size = 8, text = "cell identity" } } },
  [2] = { name = "gnss", size = 16, rows = { { name = "latitude_e7", kind = "i32", size = 4, text = "1e-7 degrees, north positive" }, { name = "longitude_e7", kind = "i32", size = 4, text = "1e-7 degrees, east positive" }, { name = "accuracy_m", kind = "u32", size = 4, text = "metres" }, { name = "age_s", kind = "u32", size = 4, text = "seconds since the fix" } } },
  [3] = { name = "wifi_country", size = 2, rows = { { name = "country", kind = "country", size = 2, text = "ISO 3166-1 alpha-2" } } },
  [4] = { name = "locale", size = 0, rows = {} },
  [5] = { name = "cause", size = 1, rows = { { name = "cause", kind = "u8", size = 1, text = "why the device checks in", values = { [1] = "FIRST", [2] = "RETRY", [3] = "RECHECK", [4] = "IDENTITY_CHANGED", [5] = "FACTORY_RESET", [6] = "USER", [7] = "PLACE_CHANGED" } } } },
  [257] = { name = "display_text", size = 0, rows = {} },
  [258] = { name = "lock_notice", size = 4, rows = { { name = "seconds", kind = "u32", size = 4, text = "until the announced lock" } } },
}

local HEADER_SIZE, ENTRY_SIZE, SIGNATURE_SIZE = 16, 52, 96
local odap = Proto("odap", "On-Device Activation Protocol")
local serial = Proto("odap_serial", "ODAP/1 in a serial frame (RFC 1662)")
local at = Proto("fsim_at", "AT dialogue of a simulated handset")
local event = Proto("fsim_event", "What happened in a simulated handset")

odap.prefs.port = Pref.uint("TCP port", 7470, "Port of the activation server")

-- Fields ----------------------------------------------------------------------------------

local F, all = {}, {}
local function add(name, field)
  F[name] = field
  all[#all + 1] = field
end

local MAKERS = {
  u8 = ProtoField.uint8, u16 = ProtoField.uint16, u32 = ProtoField.uint32, u64 = ProtoField.uint64,
  i32 = ProtoField.int32,
}
local TEXT = { imei = true, plmn = true, country = true, subdivision = true }

local function declare(prefix, rows)
  for _, row in ipairs(rows) do
    local name = "odap." .. prefix .. row.name
    if not F[name] then
      if MAKERS[row.kind] then
        local base = row.bits and base.HEX or base.DEC
        add(name, MAKERS[row.kind](name, row.name, base, row.values))
      elseif TEXT[row.kind] then
        add(name, ProtoField.string(name, row.name))
      else
        add(name, ProtoField.bytes(name, row.name))
      end
    end
  end
end

declare("", HEADER)
for _, rows in pairs(BODIES) do declare("", rows) end
declare("entry.", KEYSET_ENTRY)
declare("signature.", SIGNATURE)
for _, extension in pairs(EXTENSIONS) do
  declare(extension.name .. ".", extension.rows)
end
add("odap.extension.type", ProtoField.uint16("odap.extension.type", "type", base.HEX, EXTENSION_NAMES))
add("odap.extension.length", ProtoField.uint16("odap.extension.length", "length"))
add("odap.extension.value", ProtoField.bytes("odap.extension.value", "value"))
add("odap.locale", ProtoField.string("odap.locale", "locale"))
add("odap.display_text", ProtoField.string("odap.display_text", "display_text"))
add("odap.signature.count", ProtoField.uint8("odap.signature.count", "signatures"))
add("odap.signature.owner", ProtoField.string("odap.signature.owner", "owner"))
add("odap.entry.key_id", ProtoField.string("odap.entry.key_id", "key id (computed)"))
add("odap.digest", ProtoField.string("odap.digest", "SHA-256 of the message"))
add("odap.length", ProtoField.uint16("odap.length", "length"))
add("odap.answers", ProtoField.framenum("odap.answers", "answers", base.NONE, frametype.RESPONSE))
odap.fields = all

local broken = ProtoExpert.new("odap.broken", "breaks a rule", expert.group.MALFORMED, expert.severity.ERROR)
odap.experts = { broken }

local fcs_field = ProtoField.uint32("odap_serial.fcs", "FCS-32", base.HEX)
local fcs_good = ProtoField.bool("odap_serial.good", "FCS is right")
serial.fields = { fcs_field, fcs_good }

-- SHA-256 (FIPS 180-4): for key ids and for hashes of messages ------------------------------

local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
local ror, shr, lshift = bit.ror, bit.rshift, bit.lshift
local K = {}
do
  local function fraction(root)
    return function(n)
      local x = n ^ root
      return math.floor((x - math.floor(x)) * 4294967296)
    end
  end
  local cube, count, n = fraction(1 / 3), 0, 2
  while count < 64 do
    local prime = true
    for d = 2, math.floor(n ^ 0.5) do
      if n % d == 0 then prime = false break end
    end
    if prime then count = count + 1 K[count] = cube(n) end
    n = n + 1
  end
end

local function sha256(text)
  local size = #text
  text = text .. "\128" .. string.rep("\0", (55 - size) % 64)
  local bits = size * 8
  local tail = {}
  for shift = 7, 0, -1 do
    tail[#tail + 1] = string.char(math.floor(bits / 2 ^ (8 * shift)) % 256)
  end
  text = text .. table.concat(tail)
  local h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
  for start = 1, #text, 64 do
    local w = {}
    for i = 0, 15 do
      local a, b, c, d = string.byte(text, start + 4 * i, start + 4 * i + 3)
      w[i] = bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
    end
    for i = 16, 63 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), shr(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), shr(y, 10))
      w[i] = bit.tobit(w[i - 16] + s0 + w[i - 7] + s1)
    end
    local a, b, c, d, e, f, g, hh = h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]
    for i = 0, 63 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local choice = bxor(band(e, f), band(bnot(e), g))
      local t1 = bit.tobit(hh + s1 + choice + K[i + 1] + w[i])
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local majority = bxor(band(a, b), band(a, c), band(b, c))
      local t2 = bit.tobit(s0 + majority)
      hh, g, f, e, d, c, b, a = g, f, e, bit.tobit(d + t1), c, b, a, bit.tobit(t1 + t2)
    end
    local v = { a, b, c, d, e, f, g, hh }
    for i = 1, 8 do h[i] = bit.tobit(h[i] + v[i]) end
  end
  local out = {}
  for i = 1, 8 do out[i] = bit.tohex(h[i], 8) end
  return table.concat(out)
end

-- Values ------------------------------------------------------------------------------------

local function all_ones(range)
  for i = 0, range:len() - 1 do
    if range(i, 1):uint() ~= 0xff then return false end
  end
  return true
end

local function digits_of(range)
  local out = {}
  for i = 0, range:len() - 1 do
    local octet = range(i, 1):uint()
    out[#out + 1] = string.format("%x%x", octet % 16, math.floor(octet / 16))
  end
  return table.concat(out)
end

local function imei_of(range)
  return (digits_of(range):gsub("f$", ""))
end

local function plmn_of(range)
  local d = digits_of(range)
  local mnc = d:sub(5, 6) .. d:sub(4, 4)
  return d:sub(1, 3) .. "-" .. (mnc:gsub("f$", ""))
end

local function text_of(row, range)
  if row.kind == "imei" then return imei_of(range) end
  if row.kind == "plmn" then return plmn_of(range) end
  return (range:string():gsub("%z", ""))
end

local function bits_of(row, value)
  local names = {}
  for _, pair in ipairs(row.bits) do
    if band(value, pair[1]) ~= 0 then names[#names + 1] = pair[2] end
  end
  return table.concat(names, " ")
end

-- One row of a byte table; returns its value for the summary.
local function show(tree, prefix, row, range)
  local field = F["odap." .. prefix .. row.name]
  if row.absent and all_ones(range) then
    if TEXT[row.kind] then
      tree:add(field, range, "absent")
    else
      tree:add(field, range):append_text(" (absent)")
    end
    return nil
  end
  if TEXT[row.kind] then
    local text = text_of(row, range)
    tree:add(field, range, text)
    return text
  end
  local item = tree:add(field, range)
  if row.bits then item:append_text(" (" .. bits_of(row, range:uint()) .. ")") end
  if row.kind == "u64" and row.text:find("since 1970") then
    local seconds = tonumber(tostring(range:uint64()))
    if seconds and seconds < 253402300800 then
      item:append_text(os.date("! (%Y-%m-%d %H:%M:%S UTC)", seconds))
    end
  end
  if row.kind == "u8" or row.kind == "u16" then
    local value = range:uint()
    return row.values and row.values[value] or value
  end
  return nil
end

-- What the capture has told so far: key id -> owner, hash of a message -> frame -------------

local owners, frames, device_ids = {}, {}, {}

function odap.init()
  owners, frames, device_ids = {}, {}, {}
end

local function learn(version, number, entry)
  local algorithm = entry(0, 1):uint()
  local size = algorithm == 2 and 32 or 33
  local key = entry(ENTRY_SIZE - 33, size):raw()
  local id = sha256("ODAP/1 key\0" .. string.char(algorithm) .. key)
  local roles = bits_of(ROLES, entry(1, 2):uint())
  owners[id] = string.format("%s, entry %d of keyset %d", roles, number, version)
  return id
end

local function owner_of(kind, id)
  if owners[id] then return owners[id] end
  if device_ids[id] then return "device " .. id:sub(1, 8) end
  return (SIGNERS[kind] or "unknown") .. ", not in a keyset of this capture"
end

-- A message ---------------------------------------------------------------------------------

local function dissect_extensions(tvb, tree, offset, stop)
  while offset < stop do
    if stop - offset < 4 or stop - offset - 4 < tvb(offset + 2, 2):uint() then
      tree:add_proto_expert_info(broken, "ext-whole: an extension is cut short")
      return
    end
    local number, length = tvb(offset, 2):uint(), tvb(offset + 2, 2):uint()
    local extension = EXTENSIONS[number]
    local name = extension and extension.name or string.format("unknown 0x%04x", number)
    local sub = tree:add(odap, tvb(offset, 4 + length), "extension " .. name)
    sub:add(F["odap.extension.type"], tvb(offset, 2))
    sub:add(F["odap.extension.length"], tvb(offset + 2, 2))
    local value = length > 0 and tvb(offset + 4, length) or nil
    if extension and extension.rows[1] and length == extension.size then
      local place = 0
      for _, row in ipairs(extension.rows) do
        show(sub, extension.name .. ".", row, value(place, row.size))
        place = place + row.size
      end
    elseif extension and not extension.rows[1] and value then
      sub:add(F["odap." .. extension.name], value, value:string(ENC_UTF_8))
    elseif value then
      sub:add(F["odap.extension.value"], value)
    end
    if not extension and number >= 0x8000 then
      sub:add_proto_expert_info(broken, "ext-critical: unknown and critical")
    end
    offset = offset + 4 + length
  end
end

local function dissect_signatures(tvb, tree, offset, kind)
  if offset >= tvb:len() then
    tree:add_proto_expert_info(broken, "sig-present: no signature block")
    return offset
  end
  local count = tvb(offset, 1):uint()
  tree:add(F["odap.signature.count"], tvb(offset, 1))
  offset = offset + 1
  for number = 1, count do
    if offset + SIGNATURE_SIZE > tvb:len() then
      tree:add_proto_expert_info(broken, "header-sizes: the signature block is cut short")
      return tvb:len()
    end
    local sub = tree:add(odap, tvb(offset, SIGNATURE_SIZE), "signature " .. number)
    local place = offset
    for _, row in ipairs(SIGNATURE) do
      show(sub, "signature.", row, tvb(place, row.size))
      place = place + row.size
    end
    local owner = owner_of(kind, tvb(offset, 32):bytes():tohex(true))
    sub:add(F["odap.signature.owner"], tvb(offset, 32), owner):set_generated()
    sub:append_text(" by " .. owner)
    offset = offset + SIGNATURE_SIZE
  end
  return offset
end

local function dissect_message(tvb, pinfo, root)
  pinfo.cols.protocol = "ODAP"
  local length = tvb:len()
  local tree = root:add(odap, tvb(), "On-Device Activation Protocol")
  if length < HEADER_SIZE then
    tree:add_proto_expert_info(broken, "frame-length: less than a header")
    return length
  end
  local place = 0
  for _, row in ipairs(HEADER) do
    show(tree, "", row, tvb(place, row.size))
    place = place + row.size
  end
  local kind, body_len = tvb(5, 1):uint(), tvb(12, 2):uint()
  local name = TYPES[kind] or string.format("type %d", kind)
  local stop = HEADER_SIZE + body_len
  pinfo.cols.info = name
  tree:append_text(", " .. name)
  if tvb(0, 4):string() ~= "ODAP" then
    tree:add_proto_expert_info(broken, "header-magic")
    return length
  end
  local rows = BODIES[kind]
  if not rows or stop > length then
    tree:add_proto_expert_info(broken, rows and "header-sizes: the body is cut short" or "header-type")
    return length
  end
  local said, values = {}, {}
  for _, row in ipairs(rows) do
    if place + row.size > stop then
      tree:add_proto_expert_info(broken, "layout-size: the fixed part is cut short")
      return length
    end
    values[row.name] = show(tree, "", row, tvb(place, row.size))
    if row.name == "device_key_id" then device_ids[tvb(place, 32):bytes():tohex(true)] = true end
    place = place + row.size
  end
  if name == "KEYSET" then
    local version, count = tvb(HEADER_SIZE + 16, 4):uint(), tvb(place - 1, 1):uint()
    values.version = version
    for number = 1, count do
      if place + ENTRY_SIZE > stop then
        tree:add_proto_expert_info(broken, "layout-size: the entries are cut short")
        return length
      end
      local sub = tree:add(odap, tvb(place, ENTRY_SIZE), "entry " .. number)
      local id = learn(version, number, tvb(place, ENTRY_SIZE))
      local at_row = place
      for _, row in ipairs(KEYSET_ENTRY) do
        show(sub, "entry.", row, tvb(at_row, row.size))
        at_row = at_row + row.size
      end
      sub:add(F["odap.entry.key_id"], tvb(place, ENTRY_SIZE), id):set_generated()
      place = place + ENTRY_SIZE
    end
  end
  dissect_extensions(tvb, tree, place, stop)
  local ends = stop
  if SIGNERS[kind] then ends = dissect_signatures(tvb, tree, stop, kind) end
  if ends ~= length then
    tree:add_proto_expert_info(broken, "header-sizes: octets are left over")
  end
  local digest = sha256(tvb():raw())
  tree:add(F["odap.digest"], tvb(), digest):set_generated()
  if not frames[digest] then frames[digest] = pinfo.number end
  for _, row in ipairs(rows) do
    if row.name == "request_hash" or row.name == "response_hash" then
      local start = HEADER_SIZE
      for _, other in ipairs(rows) do
        if other == row then break end
        start = start + other.size
      end
      local known = frames[tvb(start, 32):bytes():tohex(true)]
      if known then tree:add(F["odap.answers"], known):set_generated() end
    end
  end
  for _, word in ipairs({ "decision", "country", "subdivision", "stage", "lock_state", "serving_plmn", "version" }) do
    if values[word] then said[#said + 1] = word .. " " .. tostring(values[word]) end
  end
  if #said > 0 then pinfo.cols.info = name .. ": " .. table.concat(said, ", ") end
  return length
end

function odap.dissector(tvb, pinfo, root)
  return dissect_message(tvb, pinfo, root)
end

-- Over TCP: u16 length, message; Wireshark joins and splits segments ----------------------------

local stream = Proto("odap_tcp", "ODAP/1 over TCP")
local function dissect_pdu(tvb, pinfo, root)
  root:add(F["odap.length"], tvb(0, 2))
  return 2 + dissect_message(tvb(2):tvb(), pinfo, root)
end

function stream.dissector(tvb, pinfo, root)
  dissect_tcp_pdus(tvb, root, 2, function(t, _, offset) return 2 + t(offset, 2):uint() end, dissect_pdu)
  return tvb:len()
end

local tcp_ports, port = DissectorTable.get("tcp.port"), nil
function odap.prefs_changed()
  if port then tcp_ports:remove(port, stream) end
  port = odap.prefs.port
  tcp_ports:add(port, stream)
end
port = odap.prefs.port
tcp_ports:add(port, stream)
pcall(function() DissectorTable.get("tls.port"):add(port, stream) end)

-- Serial frames -------------------------------------------------------------------------------

local function crc32(text)
  local register = 0xffffffff
  for i = 1, #text do
    register = bxor(register, string.byte(text, i))
    for _ = 1, 8 do
      local low = band(register, 1)
      register = shr(register, 1)
      if low == 1 then register = bxor(register, 0xedb88320) end
    end
  end
  return bit.tohex(bnot(register), 8)
end

function serial.dissector(tvb, pinfo, root)
  local plain, escaped = {}, false
  for i = 0, tvb:len() - 1 do
    local octet = tvb(i, 1):uint()
    if octet == 0x7d then
      escaped = true
    elseif octet ~= 0x7e and octet ~= 0x11 and octet ~= 0x13 then
      plain[#plain + 1] = string.char(escaped and bxor(octet, 0x20) or octet)
      escaped = false
    end
  end
  local octets = table.concat(plain)
  local tree = root:add(serial, tvb(), "Serial frame")
  if #octets < HEADER_SIZE + 4 then return tvb:len() end
  local frame = ByteArray.new(octets, true):tvb("unstuffed")
  local size = frame:len() - 4
  local wanted = bit.tohex(frame(size, 4):le_uint(), 8)
  tree:add_le(fcs_field, frame(size, 4))
  tree:add(fcs_good, frame(size, 4), crc32(octets:sub(1, size)) == wanted)
  dissect_message(frame(0, size):tvb(), pinfo, root)
  return tvb:len()
end

-- What the simulator traces besides -------------------------------------------------------------

local at_text = ProtoField.string("fsim_at.text", "text")
at.fields = { at_text }
function at.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "AT"
  local text = tvb():string(ENC_UTF_8)
  local shown = text:gsub("[\r\n]+", " | "):gsub("^ | ", ""):gsub(" | $", "")
  root:add(at, tvb(), "AT dialogue"):add(at_text, tvb(), shown)
  pinfo.cols.info = shown
  return tvb:len()
end

local EVENT_FIELDS = {}
for _, name in ipairs({ "part", "kind", "text", "stage", "code", "rule", "page", "lock_state", "detail" }) do
  EVENT_FIELDS[name] = ProtoField.string("fsim_event." .. name, name)
end
do
  local listed = {}
  for _, field in pairs(EVENT_FIELDS) do listed[#listed + 1] = field end
  event.fields = listed
end

-- Lines "name: value"; a value has no line feed.
function event.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "EVENT"
  local tree = root:add(event, tvb(), "Event")
  local found, offset = {}, 0
  for line in tvb():string(ENC_UTF_8):gmatch("[^\n]*\n") do
    local name, value = line:match("^([%w_]+): (.*)\n$")
    if name then
      local range = tvb(offset, #line)
      found[name] = value
      if EVENT_FIELDS[name] then
        tree:add(EVENT_FIELDS[name], range, value)
      else
        tree:add(EVENT_FIELDS.detail, range, name .. "=" .. value)
      end
    end
    offset = offset + #line
  end
  pinfo.cols.info = (found.part or "") .. " " .. (found.kind or "") .. ": " .. (found.text or "")
  return tvb:len()
end
