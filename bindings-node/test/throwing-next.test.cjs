'use strict'
// What the application throws after `next()` has to surface, as with `cors`. Taken for an answer
// that came too late, it would leave the request hanging in a server without a framework.

const test = require('node:test')
const assert = require('node:assert/strict')
const { createServer } = require('node:http')
const { once } = require('node:events')
const cors = require('..')

const A = 'https://a.example'
const WAYS = {
  'origin by callback': cors({ origin: (origin, callback) => callback(null, true) }),
  'origin by callback, later': cors({
    origin: (origin, callback) => setImmediate(callback, null, true)
  }),
  'origin by callback of an async function': cors({
    origin: async (origin, callback) => callback(null, true)
  }),
  'origin at once': cors({ origin: origin => origin === A }),
  'origin by promise': cors({ origin: async origin => origin === A }),
  'origin by callback, an error': cors({
    origin: (origin, callback) => callback(new Error('refused'))
  }),
  'options by callback': cors((req, callback) => callback(null, { origin: [A] })),
  'options by promise': cors(async () => ({ origin: [A] })),
  'an origin function in options by callback': cors((req, callback) =>
    callback(null, { origin: (origin, done) => done(null, true) })
  )
}

for (const [name, middleware] of Object.entries(WAYS)) {
  test(`what next() throws surfaces: ${name}`, { timeout: 300_000 }, async t => {
    let calls = 0
    const failure = new Error('the handler failed')
    const server = createServer((req, res) =>
      middleware(req, res, () => {
        calls += 1
        setTimeout(() => res.destroy(), 200)
        throw failure
      })
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const surfaced = new Promise(resolve => process.setUncaughtExceptionCaptureCallback(resolve))
    t.after(() => process.setUncaughtExceptionCaptureCallback(null))
    const asked = fetch(`http://127.0.0.1:${server.address().port}/`, {
      headers: { origin: A }
    }).catch(() => 'no answer')
    // What surfaces does so before the handler gives the request up.
    const swallowed = asked.then(() => 'swallowed')
    assert.equal(await Promise.race([surfaced, swallowed]), failure)
    assert.equal(await asked, 'no answer')
    assert.equal(calls, 1)
  })
}
