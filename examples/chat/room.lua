-- A room of the chat. It ends when it has been empty for a minute, or when somebody cancels it.

local json = require("json")
local time = require("time")

local TEXT_CHARS_MAX = 2000
local TEXT_BYTES_MAX = 4 * TEXT_CHARS_MAX -- no character has more than four
local TOO_LONG = "a message has at most " .. TEXT_CHARS_MAX .. " characters"
local EMPTY_WAIT = "60s"

local members = {} -- user by PID
local order = {} -- PIDs, as they came
local messages = 0

local function tell(pid, event)
    process.send(pid, "ws.send", { type = "text", data = json.encode(event) })
end

local function tell_all(event)
    local data = json.encode(event)
    for _, pid in ipairs(order) do
        process.send(pid, "ws.send", { type = "text", data = data })
    end
end

-- The name as wanted, or with the first number that makes it one of a kind.
local function free_name(wanted)
    local taken = {}
    for _, user in pairs(members) do
        taken[user] = true
    end
    local name, number = wanted, 1
    while taken[name] do
        number = number + 1
        name = wanted .. "-" .. number
    end
    return name
end

local function join(pid, metadata)
    local user = free_name(metadata.user or "somebody")
    tell_all({ event = "join", user = user })
    members[pid] = user
    table.insert(order, pid)
    local names = {}
    for _, member in ipairs(order) do
        table.insert(names, members[member])
    end
    return user, names
end

local function leave(pid)
    local user = members[pid]
    members[pid] = nil
    local at = table.find(order, pid)
    if at then
        table.remove(order, at)
        tell_all({ event = "leave", user = user })
    end
end

-- What a member says, or nil and why it is not passed on.
local function read_text(data)
    local message = json.decode(data)
    local text = type(message) == "table" and message.text
    if type(text) ~= "string" then
        return nil, "a message is a JSON object with a text"
    end
    -- Its length comes first: a pattern takes its time with what is long.
    if #text > TEXT_BYTES_MAX then
        return nil, TOO_LONG
    end
    text = string.match(text, "^%s*(.*%S)")
    if not text then
        return nil, "a message is not empty"
    elseif utf8.len(text) > TEXT_CHARS_MAX then
        return nil, TOO_LONG
    end
    return text
end

local function say(pid, data)
    local text, why = read_text(data)
    if not text then
        tell(pid, { event = "error", text = why })
        return
    end
    messages = messages + 1
    tell_all({ event = "message", user = members[pid], text = text, id = messages })
end

local function main(name)
    local inbox, events = process.inbox(), process.events()
    local lonely = time.after(EMPTY_WAIT)

    while true do
        local cases = { inbox:case_receive(), events:case_receive() }
        if #order == 0 then
            table.insert(cases, lonely:case_receive())
        end
        local result = channel.select(cases)

        if result.channel == lonely then
            return
        elseif result.channel == events then
            if result.value.kind == process.event.CANCEL then
                return
            end
        else
            local msg = result.value
            local topic, data = msg:topic(), msg:payload():data()
            if topic == "ws.join" then
                local user, names = join(data.client_pid, data.metadata)
                tell(data.client_pid, { event = "welcome", room = name, you = user, members = names })
            elseif topic == "ws.message" and members[data.client_pid] then
                say(data.client_pid, data.data)
            elseif topic == "ws.leave" then
                leave(data.client_pid)
                if #order == 0 then
                    lonely = time.after(EMPTY_WAIT)
                end
            end
        end
    end
end

return { main = main }
