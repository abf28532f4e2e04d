-- SPDX-License-Identifier: MIT
-- lua lua.lua PORT: what the module redis asks at its defaults.
local redis = require "redis"

local function same(got, wanted)
	if got ~= wanted then error(tostring(got) .. ", not " .. tostring(wanted), 2) end
end

local it = redis.connect("127.0.0.1", tonumber(arg[1]))
same(it:ping(), true)
same(it:get("small"), "content")
same(it:get("none"), nil)
same(#it:get("page"), 30000)
local info = it:info()
same((info.replication or info).role, "master")
same(it:echo("after"), "after")
it:quit()
print "ok"
