// The option `counters` of the adapters for Fastify, Koa and Hono.
import assert from 'node:assert/strict'
import test from 'node:test'
import { A, EVIL } from './compare.mjs'
import { ours, require } from './modules.mjs'
import { ask, serve } from './serve.mjs'

const { Counters } = ours()
const { serve: serveHono } = require('@hono/node-server')

/** Start an application with a page and one that sets a header of CORS itself. */
const FRAMEWORKS = {
  async fastify(t, options) {
    const app = require('fastify-4')()
    await app.register(ours('fastify'), options)
    app.get('/', (request, reply) => reply.send('home'))
    app.get('/own', (request, reply) =>
      reply.header('Access-Control-Allow-Origin', '*').send('own')
    )
    t.after(() => app.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    return request => ask(app.server.address().port, request)
  },
  async koa(t, options) {
    const app = new (require('koa'))()
    app.use(ours('koa')(options))
    app.use(ctx => {
      if (ctx.path === '/own') ctx.set('Access-Control-Allow-Origin', '*')
      ctx.body = 'home'
    })
    const server = await serve(app.callback())
    t.after(() => server.close())
    return server.send
  },
  async hono(t, options) {
    const app = new (require('hono').Hono)()
    app.use('*', ours('hono').cors(options))
    app.get('/', c => c.text('home'))
    app.get('/own', c => c.text('own', 200, { 'Access-Control-Allow-Origin': '*' }))
    const { fetch } = app
    const server = serveHono({ fetch, port: 0, hostname: '127.0.0.1' })
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
    t.after(() => new Promise(resolve => server.close(resolve)))
    return request => ask(server.address().port, request)
  }
}

for (const [framework, start] of Object.entries(FRAMEWORKS)) {
  for (const credentials of [false, true]) {
    const name = `${framework}: requests are counted${credentials ? ', with credentials' : ''}`
    test(name, { timeout: 300_000 }, async t => {
      const counters = new Counters()
      const send = await start(t, { origin: [A], credentials, counters })
      const get = (path, headers) => send({ method: 'GET', path, headers })
      await get('/', { origin: A })
      await get('/own', { origin: A })
      await get('/own', { origin: EVIL })
      await get('/', {})
      const headers = { origin: A, 'access-control-request-method': 'GET' }
      await send({ method: 'OPTIONS', path: '/', headers })
      const counts = ['allowed', 'origin_not_listed', 'no_origin'].map(reason =>
        counters.get(reason)
      )
      assert.deepEqual([...counts, counters.overwroteUpstream], [3, 1, 1, 2])
    })
  }
}
