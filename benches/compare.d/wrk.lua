-- For wrk in benches/compare. With an argument each request asks for an object of its own: the argument tells the objects
-- of one run from those of another. At the end one line says what was counted.

function init(arguments)
    if arguments[1] then
        local beginning, number = wrk.path .. "/" .. arguments[1] .. "-", 0
        -- A global with this name is what wrk calls for each request.
        function request()
            number = number + 1
            return wrk.format(nil, beginning .. number)
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    local line = "counted %d requests in %d us, %d failed, p50 %d us, p99 %d us"
    print(line:format(summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
