# SPDX-License-Identifier: MIT
# ruby ruby.rb PORT: what the library redis asks at its defaults.
require "redis"

def same(got, wanted)
  raise "#{got.inspect}, not #{wanted.inspect}" unless got == wanted
end

it = Redis.new(port: ARGV[0].to_i)
same it.ping, "PONG"
same it.get("small"), "content"
same it.get("none"), nil
same it.getrange("small", 1, -2), "onten"
same it.get("page").bytesize, 30_000
same it.scan_each.to_a.sort, %w[page small]
same it.info["redis_mode"], "standalone"
begin
  it.call("NONSENSE")
  raise "no error"
rescue Redis::CommandError => e
  same e.message.start_with?("ERR unknown command"), true
end
same it.pipelined { |all| 100.times { |n| all.echo(n) } }, (0...100).map(&:to_s)
same it.call("RUN", "id", "a b")[9], "a b\n"
number = it.call("START", "id", "started")
said = +""
loop do
  news = it.call("NEWS", number).each_slice(2).to_h
  said << news["stdout"]
  break if news["exit"]
end
same said, "started\n"
same it.echo("after"), "after"
it.quit
puts "ok"
