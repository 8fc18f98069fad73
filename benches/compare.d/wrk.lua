-- For wrk in benches/compare. Without an argument all requests are for one object. "each RUN" asks for an object of its own
-- each time, and RUN tells the objects of one run from those of another; "from NUMBER" asks for the objects with this number
-- and those after it; "among COUNT" asks for any of so many of these; "numbered" asks for one object, and each request has a
-- number of its own in X-Number. At the end one line says what was counted.

function init(arguments)
    local how, argument = arguments[1], arguments[2]
    if not how then
        return
    end
    local beginning, number = wrk.path .. "/" .. (how == "each" and argument or "object") .. "-", 0
    local next = function()
        number = number + 1
        return number
    end
    if how == "numbered" then
        function request()
            wrk.headers["X-Number"] = next()
            return wrk.format()
        end
        return
    end
    if how == "from" then
        number = argument - 1
    elseif how == "among" then
        math.randomseed(os.time())
        next = function()
            return math.random(argument)
        end
    end
    -- A global with this name is what wrk calls for each request.
    function request()
        return wrk.format(nil, beginning .. next())
    end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    local line = "counted %d requests in %d us, %d failed, p50 %d us, p99 %d us"
    print(line:format(summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
