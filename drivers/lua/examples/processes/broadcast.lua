-- Sends each message to everybody who is connected, its sender included.

local clients = {}

local function main()
    local inbox = process.inbox()
    while true do
        local msg, ok = inbox:receive()
        if not ok then
            break
        end
        local topic = msg:topic()
        local data = msg:payload():data()
        if topic == "ws.join" then
            clients[data.client_pid] = true
        elseif topic == "ws.leave" then
            clients[data.client_pid] = nil
        elseif topic == "ws.message" then
            for pid in pairs(clients) do
                process.send(pid, "ws.send", { type = data.type, data = data.data })
            end
        end
    end
end

return { main = main }
