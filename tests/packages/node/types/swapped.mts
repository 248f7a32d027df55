// What people wrote for the peers, with another name after `from`, and their values in our types.
import type * as peerCors from 'cors'
import cors, { type CorsOptions, type CorsOptionsDelegate, type CorsRequest } from 'crossgate'
import fastifyCors, {
  type AsyncOriginFunction,
  type FastifyCorsOptions,
  type FastifyCorsOptionsDelegate,
  type FastifyPluginOptionsDelegate,
  type OriginFunction
} from 'crossgate/fastify'
import { withCors } from 'crossgate/fetch'
import { cors as honoCors } from 'crossgate/hono'
import koaCors, { type Options as KoaOptions } from 'crossgate/koa'
import type * as peerFastify from '@fastify/cors'
import type * as peerKoa from '@koa/cors'
import type { cors as peerHono } from 'hono/cors'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const A = 'https://a.example'

// Express
const options: CorsOptions = { origin: [A], credentials: true }
const delegate: CorsOptionsDelegate<express.Request> = (req, callback) =>
  callback(null, { origin: req.hostname === 'a' ? A : false })
const byHeaders: CorsOptionsDelegate = (req: CorsRequest, callback) =>
  callback(null, { origin: req.headers.origin === A })
express().use(cors(options)).options('/', cors(delegate)).get('/', cors(byHeaders))
declare const peerOptions: peerCors.CorsOptions
cors(peerOptions)
// Doubles of tests, and frameworks with responses of their own.
const response = { setHeader: (_name: string, _value: string) => {}, end: () => {} }
cors()({ method: 'GET', headers: {} }, response, () => {})

// Fastify
const byPromise: AsyncOriginFunction = async origin => origin === A
const byCallback: OriginFunction = (origin, callback) => callback(null, origin === A)
const perRequest: FastifyCorsOptionsDelegate = (request, callback) =>
  callback(null, { origin: request.hostname === 'a' ? A : false })
const perInstance: FastifyPluginOptionsDelegate = () => async request => ({
  origin: request.hostname
})
const whole: FastifyCorsOptions = { origin: byPromise, delegator: perRequest, hook: 'onRequest' }
const app = fastify()
await app.register(fastifyCors, whole)
await app.register(fastifyCors, { origin: byCallback })
await app.register(fastifyCors, perInstance)
declare const peersWhole: peerFastify.FastifyCorsOptions
await app.register(fastifyCors, peersWhole)

// Koa
const koaOptions: KoaOptions = { origin: ctx => ctx.get('origin'), maxAge: '60' }
declare const peersKoa: peerKoa.Options
new Koa().use(koaCors(koaOptions)).use(koaCors(peersKoa))

// Hono
declare const peersHono: NonNullable<Parameters<typeof peerHono>[0]>
new Hono().use(honoCors(peersHono))

// Requests of a framework's own class (Next), whose handlers take parameters besides.
class OwnRequest extends Request {
  readonly nextUrl = new URL(this.url)
}
const GET: (request: OwnRequest, context: { params: string }) => Promise<Response> = withCors(
  async (request: OwnRequest, context: { params: string }) =>
    new Response(request.nextUrl.pathname + context.params),
  { origin: (origin, request) => (request.nextUrl.pathname === '/' ? origin : null) }
)
const plain: (request: Request) => Promise<Response> = withCors(() => new Response())
const read: (request: Request) => Promise<Response> = withCors(
  request => new Response(request.url),
  { origin: [A] }
)

// @ts-expect-error
withCors((request: string) => new Response(request))
// @ts-expect-error
const wrong: FastifyCorsOptions = { orign: A }
// @ts-expect-error
cors()({ method: 'GET', headers: {} }, { end: () => {} }, () => {})

void [GET, plain, read, wrong]
