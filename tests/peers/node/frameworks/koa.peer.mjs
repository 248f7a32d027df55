// @koa/cors and crossgate/koa side by side.
import { A, B } from './compare.mjs'
import { ours, require } from './modules.mjs'
import { serve } from './serve.mjs'

const Koa = require('koa')

const echoed = ctx => (ctx.get('Origin') === A ? A : '')

export const optionSets = Object.entries({
  none: () => ({}),
  'one origin': () => ({ origin: A }),
  'everything configured': () => ({
    origin: A,
    credentials: true,
    exposeHeaders: ['X-A', 'X-B'],
    allowHeaders: ['content-type', 'x-token'],
    allowMethods: ['GET', 'PUT'],
    maxAge: 600
  }),
  'lists as text': () => ({
    origin: A,
    exposeHeaders: 'X-A,X-B',
    allowHeaders: 'content-type,x-token',
    allowMethods: 'GET,PUT'
  }),
  'any with credentials': () => ({ credentials: true }),
  'credentials, mirrored headers': () => ({ origin: A, credentials: true }),
  'two origins in one text': () => ({ origin: `${A},${B}` }),
  'list of origins': () => ({ origin: [A, B] }),
  function: () => ({ origin: echoed }),
  'asynchronous function': () => ({ origin: async ctx => echoed(ctx), credentials: true }),
  'function of another origin': () => ({ origin: () => B }),
  'function that fails': () => ({ origin: () => Promise.reject(new Error('no database')) }),
  'credentials by function': () => ({
    origin: A,
    credentials: async ctx => ctx.get('Origin') === A
  }),
  'no headers': () => ({ origin: A, allowHeaders: [] }),
  'max age 0': () => ({ origin: A, maxAge: 0 }),
  'headers dropped on errors': () => ({ origin: A, keepHeadersOnError: false }),
  'secure context': () => ({ origin: A, secureContext: true }),
  'private network': () => ({ origin: A, privateNetworkAccess: true })
}).map(([name, options]) => ({ name, options }))

const pages = {
  '/': ctx => {
    ctx.body = 'home'
  },
  '/vary': ctx => {
    ctx.set('Vary', 'Accept-Encoding')
    ctx.body = 'varies'
  },
  '/own': ctx => {
    ctx.set('Access-Control-Allow-Origin', 'https://own.example')
    ctx.body = 'own'
  },
  '/error': () => {
    throw new Error('broken')
  },
  '/text': () => {
    throw 'broken' // eslint-disable-line no-throw-literal
  }
}

/** `Framework`: the version of Koa. */
export async function start(cors, options, Framework = Koa) {
  const middleware = cors(options)
  const app = new Framework()
  app.silent = true
  app.on('error', () => {})
  app.use(middleware)
  app.use(ctx => (ctx.method === 'OPTIONS' ? undefined : pages[ctx.path]?.(ctx)))
  return serve(app.callback())
}

export const peer = options => start(require('@koa/cors'), options)
export const mine = options => start(ours('koa'), options)
