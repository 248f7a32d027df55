// hono/cors and crossgate/hono side by side.
import { A, B } from './compare.mjs'
import { ours, require } from './modules.mjs'

const { Hono } = require('hono')

export const optionSets = Object.entries({
  none: () => ({}),
  'one origin': () => ({ origin: A }),
  'two origins': () => ({ origin: [A, B] }),
  'everything configured': () => ({
    origin: [A],
    credentials: true,
    exposeHeaders: ['X-A', 'X-B'],
    allowHeaders: ['content-type', 'x-token'],
    allowMethods: ['GET', 'PUT'],
    maxAge: 600
  }),
  'any with credentials': () => ({ credentials: true }),
  'credentials, mirrored headers': () => ({ origin: A, credentials: true }),
  'two origins in one text': () => ({ origin: `${A},${B}` }),
  'any in a list': () => ({ origin: ['*'] }),
  function: () => ({ origin: origin => (origin === A ? A : null) }),
  'asynchronous function': () => ({
    origin: async origin => (origin === A ? A : undefined),
    credentials: true
  }),
  'function with a fallback': () => ({ origin: origin => (origin === A ? A : B) }),
  'function that fails': () => ({
    origin: () => {
      throw new Error('no database')
    }
  }),
  'methods by function': () => ({
    origin: [A],
    allowMethods: async origin => (origin === A ? ['GET', 'PUT'] : [])
  }),
  'no headers': () => ({ origin: [A], allowHeaders: [] }),
  'max age 0': () => ({ origin: [A], maxAge: 0 })
}).map(([name, options]) => ({ name, options }))

/** `Framework`: the version of Hono. */
export function start(cors, options, Framework = Hono) {
  const app = new Framework()
  app.onError((error, c) => c.text('failed', 500))
  app.use('*', cors(options))
  app.get('/', c => c.text('home'))
  app.post('/', c => c.text('posted'))
  app.get('/vary', c => c.text('varies', 200, { Vary: 'Accept-Encoding' }))
  app.get('/own', c => c.text('own', 200, { 'Access-Control-Allow-Origin': 'https://own.example' }))
  app.get('/redirect', () => Response.redirect('http://127.0.0.1/elsewhere', 302))
  app.get('/error', () => {
    throw new Error('broken')
  })
  return {
    async send({ method, path, headers }) {
      const response = await app.request(path, { method, headers })
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.text()
      }
    },
    async close() {}
  }
}

export const peer = options => start(require('hono/cors').cors, options)
export const mine = options => start(ours('hono').cors, options)
