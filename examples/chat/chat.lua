-- GET /ws/chat?user=ada&room=tea
--
-- Nothing here knows of WebSockets but one header: it names the process that the connection belongs to from then on.

local http = require("http")
local json = require("json")

-- A name without spaces around it, or nil when it is none.
local function name(text, chars_max)
    -- No character has more than four bytes.
    if not text or #text > 4 * chars_max then
        return nil
    end
    text = string.match(text, "^%s*(.*%S)")
    local chars = text and utf8.len(text)
    if not chars or chars > chars_max or string.find(text, "%c") then
        return nil
    end
    return text
end

local function handler()
    local req = http.request()
    local res = http.response()

    local user, room = name(req:query("user"), 32), name(req:query("room"), 64)
    if not user or not room then
        res:status(400):json({ error = "user (1 to 32 characters) and room (1 to 64) are needed" })
        return
    end

    -- The room's process: the one that has this name, or a new one.
    local pid, err = process.with_options({}):with_name("room:" .. room):spawn("app:room", "app:processes", room)
    if not pid then
        error(err)
    end

    res:header("X-WS-Relay", json.encode({
        target_pid = pid,
        metadata = { user = user },
    }))
end

return { handler = handler }
