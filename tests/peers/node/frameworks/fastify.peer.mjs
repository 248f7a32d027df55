// @fastify/cors and crossgate/fastify side by side.
import { A, B } from './compare.mjs'
import { ours, require } from './modules.mjs'

const fastify = require('fastify')

const allowed = origin => origin === A

/** `options()` are fresh each time: a RegExp remembers. */
export const optionSets = Object.entries({
  none: () => ({}),
  'one origin': () => ({ origin: A }),
  'two origins': () => ({ origin: [A, B] }),
  'everything configured': () => ({
    origin: [A],
    credentials: true,
    exposedHeaders: ['X-A', 'X-B'],
    allowedHeaders: ['content-type', 'x-token'],
    methods: ['GET', 'PUT'],
    maxAge: 600
  }),
  'lists as text': () => ({
    origin: [A],
    exposedHeaders: 'X-A,X-B',
    allowedHeaders: 'content-type,x-token',
    methods: 'GET,PUT'
  }),
  'anchored regex': () => ({ origin: /^https:\/\/[ab]\.example\.com$/ }),
  'open regex': () => ({ origin: /https:\/\/a\.example\.com/ }),
  'regex without a scheme': () => ({ origin: /a\.example\.com$/ }),
  'regex that remembers': () => ({ origin: [/^https:\/\/a\.example\.com$/g] }),
  'regex with look-around': () => ({ origin: /^https:\/\/(?!b)\w\.example\.com$/ }),
  'look-around with credentials': () => ({
    origin: /^https:\/\/(?!b)\w\.example\.com$/,
    credentials: true
  }),
  true: () => ({ origin: true }),
  'true with credentials': () => ({ origin: true, credentials: true }),
  'any with credentials': () => ({ origin: '*', credentials: true }),
  'credentials, mirrored headers': () => ({ origin: [A], credentials: true }),
  false: () => ({ origin: false }),
  'any in a list': () => ({ origin: [A, '*'] }),
  'two origins in one text': () => ({ origin: `${A},${B}` }),
  'empty list': () => ({ origin: [] }),
  'asynchronous function': () => ({ origin: async origin => allowed(origin) }),
  'callback function': () => ({ origin: (origin, callback) => callback(null, allowed(origin)) }),
  'function that fails': () => ({ origin: async () => Promise.reject(new Error('no database')) }),
  'no headers': () => ({ origin: [A], allowedHeaders: [] }),
  'max age 0': () => ({ origin: [A], maxAge: 0 }),
  'status 200': () => ({ origin: [A], optionsSuccessStatus: 200 }),
  'cache control': () => ({ origin: [A], cacheControl: 60 }),
  'lenient preflight': () => ({ origin: [A], strictPreflight: false }),
  'no preflight': () => ({ origin: [A], preflight: false }),
  delegator: () => ({
    delegator: async request => ({ origin: request.headers['x-tenant'] === undefined ? [A] : [B] })
  })
}).map(([name, options]) => ({ name, options }))

async function start(plugin, options) {
  const app = fastify()
  app.setErrorHandler((error, request, reply) => reply.code(500).send({ failed: true }))
  await app.register(plugin, options)
  app.get('/', (request, reply) => reply.send('home'))
  app.post('/', (request, reply) => reply.send('posted'))
  app.get('/vary', (request, reply) => reply.header('Vary', 'Accept-Encoding').send('varies'))
  app.get('/own', (request, reply) =>
    reply.header('Access-Control-Allow-Origin', 'https://own.example').send('own')
  )
  app.get('/error', async () => {
    throw new Error('broken')
  })
  await app.ready()
  return {
    async send({ method, path, headers }) {
      const {
        statusCode,
        headers: received,
        body
      } = await app.inject({ method, url: path, headers })
      return { status: statusCode, headers: received, body }
    },
    close: () => app.close()
  }
}

export const peer = options => start(require('@fastify/cors'), options)
export const mine = options => start(ours('fastify'), options)
