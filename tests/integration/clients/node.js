// SPDX-License-Identifier: MIT
// node node.js PACKAGE PORT, where PACKAGE is a version of redis, ioredis or valkey-glide: what a
// client at its defaults asks, and that each reply is the one to its request.
"use strict";
const assert = require("assert");
const [, , name, port] = process.argv;
const library = require(name);

// Each gives ask(words...), pipeline(requests) and end().
const kinds = {
  async redis3() {
    const client = library.createClient(port);
    const ask = (...words) => new Promise((resolve, reject) =>
      client.send_command(words[0], words.slice(1), (e, reply) => (e ? reject(e) : resolve(reply))));
    return { ask, pipeline: (all) => Promise.all(all.map((words) => ask(...words))),
      end: () => new Promise((resolve) => client.quit(resolve)) };
  },
  async redis() {
    const client = library.createClient({ url: `redis://127.0.0.1:${port}` });
    client.on("error", (e) => { throw e; });
    await client.connect();
    const ask = (...words) => client.sendCommand(words);
    assert.equal(await client.get("small"), "content");
    assert.equal(await client.get("none"), null);
    return { ask, pipeline: (all) => Promise.all(all.map((words) => ask(...words))),
      end: () => client.quit() };
  },
  async ioredis() {
    const client = new (library.default || library)(port);
    client.on("error", (e) => { throw e; });
    assert.equal(await client.get("small"), "content");
    assert.equal(await client.get("none"), null);
    return { ask: (...words) => client.call(...words),
      pipeline: async (all) => {
        const pipeline = client.pipeline();
        all.forEach((words) => pipeline.call(...words));
        return (await pipeline.exec()).map(([e, reply]) => { assert.equal(e, null); return reply; });
      },
      end: () => client.quit() };
  },
  async glide() {
    const client = await library.GlideClient.createClient(
      { addresses: [{ host: "127.0.0.1", port: Number(port) }] });
    const ask = (...words) => client.customCommand(words);
    assert.equal(await client.get("small"), "content");
    return { ask, pipeline: (all) => Promise.all(all.map((words) => ask(...words))),
      end: async () => client.close() };
  },
};

// Pairs, however the library gives them.
function pairs(reply) {
  if (reply instanceof Map) return Object.fromEntries(reply);
  if (Array.isArray(reply) && typeof reply[0] === "object")
    return Object.fromEntries(reply.map(({ key, value }) => [key, value]));
  if (!Array.isArray(reply)) return reply;
  const object = {};
  for (let i = 0; i < reply.length; i += 2) object[reply[i]] = reply[i + 1];
  return object;
}

async function main() {
  const kind = name.includes("glide") ? "glide" : kinds[name] ? name : name.replace(/[0-9]/, "");
  const { ask, pipeline, end } = await kinds[kind]();
  assert.equal(await ask("PING"), "PONG");
  assert.equal(await ask("UPPER", "text"), "TEXT");
  assert.equal(await ask("GET", "none"), null);
  assert.equal((await ask("GET", "page")).length, 30000);
  assert.equal(pairs(await ask("STAT", "small")).size, 7);
  await assert.rejects(ask("NONSENSE"), /unknown command/);
  const all = Array.from({ length: 100 }, (_, n) => ["ECHO", String(n)]);
  assert.deepEqual(await pipeline(all), all.map((words) => words[1]));
  assert.equal(pairs(await ask("RUN", "id", "a b")).stdout, "a b\n");
  const number = String(await ask("START", "id", "started"));
  let said = "", news;
  do {
    news = pairs(await ask("NEWS", number));
    said += news.stdout;
  } while (news.exit === null);
  assert.deepEqual([said, news.exit], ["started\n", 0]);
  assert.equal(await ask("ECHO", "after"), "after");
  await end();
}

main().then(() => process.stdout.write("ok\n"),
  (e) => { console.error(e); process.exit(1); });
