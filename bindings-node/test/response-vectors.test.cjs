'use strict'
// What a handler says of CORS itself: the vectors of responses, through the middleware on real
// responses and through the adapter of the Fetch API.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Policy, cors } = require('..')
const { withCors } = require('../adapters/fetch.cjs')

const VECTORS = readFileSync(join(__dirname, '../../tests/vectors/responses.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))
  // A preflight is answered before the handler.
  .filter(({ request }) => request.headers.every(([name]) => !/request-method$/i.test(name)))

const isCors = name => name === 'vary' || name.startsWith('access-control-')

/** Names in order; the lines of one name stay in their order. */
const byName = lines => lines.sort(([one], [other]) => (one < other ? -1 : Number(one > other)))
const expected = ({ expect }) => expect.filter(([name]) => isCors(name))

/** Each name with all of its lines. */
function grouped(lines) {
  const names = new Map()
  for (const [name, value] of lines) names.set(name, [...(names.get(name) ?? []), value])
  return [...names]
}

const WAYS = {
  setHeader: (res, lines) => {
    for (const [name, values] of grouped(lines))
      res.setHeader(name, values.length === 1 ? values[0] : values)
    res.end()
  },
  writeHead: (res, lines) => {
    res.writeHead(200, lines.flat())
    res.end()
  }
}

for (const [way, write] of Object.entries(WAYS)) {
  test(`a handler that calls ${way}`, { timeout: 300_000 }, async t => {
    let vector
    let middleware
    const server = http.createServer((req, res) =>
      middleware(req, res, () => write(res, vector.response))
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address()
    for (vector of VECTORS) {
      middleware = cors({ policy: new Policy(vector.policy) })
      const headers = ['Host', `127.0.0.1:${port}`, ...vector.request.headers.flat()]
      const method = vector.request.method
      const asked = http.request({ host: '127.0.0.1', port, method, headers, agent: false }).end()
      const [res] = await once(asked, 'response')
      res.resume()
      assert.equal(res.statusCode, 200, vector.id)
      const lines = []
      for (let i = 0; i < res.rawHeaders.length; i += 2)
        lines.push([res.rawHeaders[i].toLowerCase(), res.rawHeaders[i + 1]])
      const found = byName(lines.filter(([name]) => isCors(name)))
      assert.deepEqual(found, expected(vector), vector.id)
    }
  })
}

test('a handler of the Fetch API', async () => {
  let count = 0
  for (const vector of VECTORS) {
    // Headers join the lines of one name.
    if (grouped(vector.response).some(([, values]) => values.length > 1)) continue
    const handler = withCors(() => new Response(null, { headers: vector.response }), {
      policy: new Policy(vector.policy)
    })
    const { method, headers } = vector.request
    const given = new Headers()
    for (const [name, value] of headers) given.append(name, value)
    const request = { method, headers: given, url: 'http://localhost/' }
    const response = await handler(request)
    const found = byName([...response.headers].filter(([name]) => isCors(name)))
    assert.deepEqual(found, expected(vector), vector.id)
    count += 1
  }
  assert.ok(count > 30, `${count}`)
})
