-- The shared frontier's every change, each call at once. KEYS[1] is the crawl's prefix, in braces so that all its keys
-- lie in one slot of a cluster; ARGV[1] names the operation, ARGV[2] holds its arguments as JSON. Commands of Redis 5.
--
--   meta       hash   paused, unfinished, seq
--   urls       hash   canonical URL -> record, JSON
--   queue:S H  zset   a site's waiting URLs on a host: by priority, then in the order found
--   later:S H  zset   those that may not be asked for before a time (ms)
--   hosts:S    set    a site's hosts with URLs in either
--   sites      set    all sites
--   turns:H    hash   requests that are at a host: token -> the run that makes it
--   next       hash   host -> when it may be asked next (ms)
--   owners     zset   owner (a corpus) -> until when its leases hold (ms)
--   runs       zset   run -> until when its turns hold (ms)
--   running    hash   owner -> its run
--   held:O     set    what an owner has leased
--   counts, reasons, shown   hashes of figures
--   pages, paged, robots     what processes tell one another

local P = KEYS[1]
local time = redis.call('TIME')
local NOW = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local POLL, EMPTY, PAUSED, REAPED = 50, 500, 1000, 200
local PRIORITY = 2 ^ 36

local function call(name, key, ...)
    return redis.call(name, P .. key, ...)
end

local function load(key)
    local text = call('HGET', 'urls', key)
    return text and cjson.decode(text)
end

local function save(record)
    call('HSET', 'urls', record.key, cjson.encode(record))
end

local function place(record)
    return record.site .. ' ' .. record.host
end

local function count(record, by)
    call('HINCRBY', 'counts', record.state .. ' ' .. record.site, by)
    if record.state == 'excluded' or record.state == 'failed' then
        call('HINCRBY', 'reasons', record.why or '', by)
    end
end

-- Takes a record out of wherever its state keeps it; `enter` puts it where its new state does.
local function leave(record)
    if record.state == 'queued' then
        call('ZREM', 'queue:' .. place(record), record.key)
        call('ZREM', 'later:' .. place(record), record.key)
    elseif record.state == 'leased' then
        call('SREM', 'held:' .. record.owner, record.key)
        record.owner = nil
    end
    count(record, -1)
end

local function enter(record, state)
    record.state = state
    if state == 'queued' then
        if (record.due or 0) > NOW then
            call('ZADD', 'later:' .. place(record), record.due, record.key)
        else
            call('ZADD', 'queue:' .. place(record), record.seq - record.priority * PRIORITY, record.key)
        end
        call('SADD', 'hosts:' .. record.site, record.host)
        call('SADD', 'sites', record.site)
    elseif state == 'leased' then
        call('SADD', 'held:' .. record.owner, record.key)
    end
    count(record, 1)
    save(record)
end

local function alive(kind, name)
    local expiry = call('ZSCORE', kind, name)
    return expiry and tonumber(expiry) > NOW
end

local function later(host, ms)
    if ms > 0 then
        -- One more, as NOW is a part of a millisecond ago.
        local due = math.max(NOW + ms + 1, tonumber(call('HGET', 'next', host) or 0))
        call('HSET', 'next', host, string.format('%.0f', due))
    end
end

-- A host's turn ---------------------------------------------------------------------------------------------------

-- Returns 0 where one more request may go to a host now, or the milliseconds to wait.
local function wait(host, delay, concurrency)
    if call('HGET', 'meta', 'paused') then
        return PAUSED
    end
    local due = tonumber(call('HGET', 'next', host) or 0)
    if due > NOW then
        return due - NOW
    end
    local at = call('HGETALL', 'turns:' .. host)
    local taken = 0
    for i = 1, #at, 2 do
        if alive('runs', at[i + 1]) then
            taken = taken + 1
        else
            -- It may have asked the host at the last moment.
            call('HDEL', 'turns:' .. host, at[i])
            later(host, delay)
            return math.max(delay, 1)
        end
    end
    -- With a delay, one at a time: it counts from the end of the last request, which nobody can know before.
    if taken >= (delay > 0 and 1 or concurrency) then
        return POLL
    end
    return 0
end

local function hold(a)
    local left = wait(a.host, a.delay, a.concurrency)
    if left == 0 then
        call('HSET', 'turns:' .. a.host, a.token, a.run)
    end
    return left
end

local function let_go(a)
    if call('HDEL', 'turns:' .. a.host, a.token) == 1 and a.asked then
        later(a.host, a.delay)
    end
    return 0
end

-- URLs ------------------------------------------------------------------------------------------------------------

local function ripen(where)
    local due = call('ZRANGEBYSCORE', 'later:' .. where, '-inf', NOW, 'LIMIT', 0, REAPED)
    for _, key in ipairs(due) do
        local record = load(key)
        call('ZREM', 'later:' .. where, key)
        call('ZADD', 'queue:' .. where, record.seq - record.priority * PRIORITY, key)
    end
end

-- Returns the host's best URL, leased together with the host's turn, or the milliseconds after which to ask again.
local function take(a)
    local left = wait(a.host, a.delay, a.concurrency)
    if left > 0 then
        return {false, left}
    end
    local best, least, soonest
    for _, site in ipairs(a.sites) do
        local where = site .. ' ' .. a.host
        ripen(where)
        local first = call('ZRANGE', 'queue:' .. where, 0, 0, 'WITHSCORES')
        if first[1] then
            if not least or tonumber(first[2]) < least then
                best, least = first[1], tonumber(first[2])
            end
        else
            local due = call('ZRANGE', 'later:' .. where, 0, 0, 'WITHSCORES')
            if due[1] then
                soonest = math.min(soonest or math.huge, tonumber(due[2]))
            else
                call('SREM', 'hosts:' .. site, a.host)
            end
        end
    end
    if not best then
        return {false, soonest and math.max(soonest - NOW, POLL) or EMPTY}
    end
    local record = load(best)
    leave(record)
    record.owner = a.owner
    enter(record, 'leased')
    call('HSET', 'turns:' .. a.host, best, a.run)
    return {cjson.encode(record), 0}
end

local function add(a)
    if call('HEXISTS', 'urls', a.key) == 1 then
        return 0
    end
    a.seq = call('HINCRBY', 'meta', 'seq', 1)
    enter(a, a.why and 'excluded' or 'queued')
    return 1
end

local function reopen(a)
    local record = load(a.key)
    if record and record.state ~= 'leased' then
        leave(record)
        record.why, record.attempts, record.due, record.hops, record.lost = nil, 0, 0, a.hops, nil
        record.url = a.url or record.url
        enter(record, 'queued')
    end
    return 0
end

-- What is done stays done: an owner whose lease has run out may bring its answer after another's.
local function settle(a)
    local record = load(a.key)
    if not record or (record.state == 'done' and a.state ~= 'done') then
        return 0
    end
    if record.state == 'leased' and record.owner ~= a.owner and a.state ~= 'done' then
        return 0
    end
    local before = record.shown
    leave(record)
    record.why, record.status, record.crawl_id, record.lost = a.why, a.status, a.crawl_id, nil
    record.relevance = a.relevance or record.relevance
    record.shown = a.shown or before
    if record.shown and not before then
        call('HINCRBY', 'shown', record.site, 1)
    end
    enter(record, a.state)
    return 1
end

local function postpone(a)
    local record = load(a.key)
    if not record or record.state ~= 'leased' or record.owner ~= a.owner then
        return 0
    end
    leave(record)
    record.due, record.why, record.attempts = NOW + a.wait, a.why, record.attempts + a.attempt
    enter(record, 'queued')
    return 1
end

local function close(a)
    for _, site in ipairs(call('SMEMBERS', 'sites')) do
        local where = site .. ' ' .. a.host
        for _, kind in ipairs({'queue:', 'later:'}) do
            for _, key in ipairs(call('ZRANGE', kind .. where, 0, -1)) do
                local record = load(key)
                leave(record)
                record.why = a.why
                enter(record, 'excluded')
            end
        end
    end
    return 0
end

-- Owners ----------------------------------------------------------------------------------------------------------

-- Puts back a URL that an owner had. One that was under way at too many deaths is a dead letter.
local function give_back(key, owner, died, most)
    local record = load(key)
    if not record or record.state ~= 'leased' or record.owner ~= owner then
        call('SREM', 'held:' .. owner, key)
        return
    end
    leave(record)
    if died then
        record.lost = (record.lost or 0) + 1
    end
    if record.lost and record.lost >= most then
        record.why = 'crawler-died'
        enter(record, 'failed')
    else
        enter(record, 'queued')
    end
end

-- Renews an owner's leases and puts back what owners that are no more had; returns whether the leases had held.
local function renew(a)
    local held = alive('owners', a.owner)
    local before = call('HGET', 'running', a.owner)
    if before and before ~= a.run then
        call('ZREM', 'runs', before)
    end
    call('HSET', 'running', a.owner, a.run)
    call('ZADD', 'owners', NOW + a.lease, a.owner)
    call('ZADD', 'runs', NOW + a.lease, a.run)
    call('ZREMRANGEBYSCORE', 'runs', '-inf', NOW)
    local budget = REAPED
    for _, owner in ipairs(call('ZRANGEBYSCORE', 'owners', '-inf', NOW, 'LIMIT', 0, 10)) do
        local keys = call('SRANDMEMBER', 'held:' .. owner, budget)
        for _, key in ipairs(keys) do
            give_back(key, owner, true, a.most)
        end
        budget = budget - #keys
        if call('SCARD', 'held:' .. owner) == 0 then
            call('ZREM', 'owners', owner)
            call('HDEL', 'running', owner)
        end
        if budget <= 0 then
            break
        end
    end
    return held and 1 or 0
end

local function release(a)
    for _, key in ipairs(a.keys) do
        give_back(key, a.owner, a.died, a.most)
    end
    return #a.keys
end

local function owners()
    return call('ZRANGEBYSCORE', 'owners', NOW, '+inf')
end

local function leave_crawl(a)
    call('ZREM', 'owners', a.owner)
    call('ZREM', 'runs', a.run)
    call('HDEL', 'running', a.owner)
    return 0
end

-- Figures ---------------------------------------------------------------------------------------------------------

local function page(a)
    if call('HSETNX', 'paged', a.key, a.digest) == 1 then
        call('RPUSH', 'pages', cjson.encode({a.key, a.digest}))
    end
    return 0
end

local operations = {
    take = take, hold = hold, let_go = let_go, renew = renew, release = release, leave = leave_crawl,
    owners = owners, add = add, reopen = reopen, settle = settle, postpone = postpone, close = close, page = page,
    rest = function(a) later(a.host, a.ms) return 0 end,
    wait = function(a) return wait(a.host, a.delay, a.concurrency) end,
}

local arguments = cjson.decode(ARGV[2])
if ARGV[1] ~= 'together' then
    return operations[ARGV[1]](arguments)
end
local done = 0
for _, one in ipairs(arguments) do
    done = done + operations[one[1]](one[2])
end
return done
