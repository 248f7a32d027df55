// What a handler says of CORS itself: the vectors of responses in Fastify, Koa and Hono.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { ours, require } from './modules.mjs'
import { ask, serve } from './serve.mjs'

const { Policy } = ours()
const { serve: serveHono } = require('@hono/node-server')

const file = new URL('../../../vectors/responses.jsonl', import.meta.url)
const VECTORS = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))
  // A preflight is answered before the handler; a second line of a name is written in another way
  // in each framework.
  .filter(({ request, response }) => {
    const names = response.map(([name]) => name)
    const isPreflight = request.headers.some(([name]) => /request-method$/i.test(name))
    return !isPreflight && new Set(names).size === names.length
  })

const isCors = name => name === 'vary' || name.startsWith('access-control-')

/** Start an application whose page says of CORS what the vector says. */
const FRAMEWORKS = {
  async fastify(t, policy, lines) {
    const app = require('fastify-4')()
    await app.register(ours('fastify'), { policy })
    const handler = (request, reply) => reply.headers(Object.fromEntries(lines)).send('')
    app.route({ method: ['GET', 'OPTIONS'], url: '/', handler })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return [request => ask(app.server.address().port, request), () => app.close()]
  },
  async koa(t, policy, lines) {
    const app = new (require('koa'))()
    app.use(ours('koa')({ policy }))
    app.use(ctx => {
      for (const [name, value] of lines) ctx.set(name, value)
      ctx.body = ''
    })
    const server = await serve(app.callback())
    return [server.send, () => server.close()]
  },
  async hono(t, policy, lines) {
    const app = new (require('hono').Hono)()
    app.use('*', ours('hono').cors({ policy }))
    app.all('/', c => c.body('', 200, Object.fromEntries(lines)))
    const { fetch } = app
    const server = serveHono({ fetch, port: 0, hostname: '127.0.0.1' })
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
    const close = () => new Promise(resolve => server.close(resolve))
    return [request => ask(server.address().port, request), close]
  }
}

for (const [framework, start] of Object.entries(FRAMEWORKS)) {
  test(`${framework}: a handler that speaks for itself`, { timeout: 300_000 }, async t => {
    for (const vector of VECTORS) {
      const [send, close] = await start(t, new Policy(vector.policy), vector.response)
      const { method, headers } = vector.request
      const lines = ['Host', '127.0.0.1', ...headers.flat()]
      const answer = await send({ method, path: '/', headers: lines })
      await close()
      const found = Object.entries(answer.headers).filter(([name]) => isCors(name))
      const expected = vector.expect.filter(([name]) => isCors(name))
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected), vector.id)
    }
  })
}
