// What users write must compile, and what is wrong must not.
import { Policy, SharedPolicy } from 'crossgate'
import fastifyCors from 'crossgate/fastify'
import { withCors } from 'crossgate/fetch'
import { cors as honoCors } from 'crossgate/hono'
import koaCors from 'crossgate/koa'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const policy = new Policy({ allowOrigins: ['https://a.example'] })
const A = 'https://a.example'

const app = fastify()
void app.register(fastifyCors)
void app.register(fastifyCors, {
  origin: [A, /^https:\/\/b\.example$/],
  credentials: true,
  methods: 'GET,PUT',
  hook: 'preHandler',
  logLevel: 'silent'
})
void app.register(fastifyCors, { origin: async origin => origin === A })
void app.register(fastifyCors, { origin: (origin, callback) => callback(null, origin === A) })
void app.register(fastifyCors, {
  delegator: async request => ({ origin: request.hostname === 'a' ? A : false })
})
void app.register(fastifyCors, () => async () => ({ origin: A }))
void app.register(fastifyCors, { policy })
app.get('/', { config: { cors: { origin: A } } }, async request => request.corsPreflightEnabled)
app.get('/off', { config: { cors: false } }, async () => '')

new Koa()
  .use(
    koaCors({
      origin: ctx => ctx.get('Origin'),
      credentials: async () => true,
      maxAge: '60',
      keepHeadersOnError: false
    })
  )
  .use(koaCors({ policy }))

new Hono().use(
  '*',
  honoCors({
    origin: async (origin, c) => (c.req.path === '/' ? origin : null),
    allowMethods: origin => [origin]
  })
)

const handler: (request: Request, env: number) => Promise<Response> = withCors(
  (request, env: number) => new Response(request.url + env),
  { origin: [A] }
)
const shared: koaCors.Options['policy'] = SharedPolicy.prototype

// @ts-expect-error
void app.register(fastifyCors, { hook: 'onSend' })
// @ts-expect-error
app.get('/wrong', { config: { cors: { origin: 5 } } }, async () => '')
// @ts-expect-error
koaCors({ allowedHeaders: ['X-A'] })
// @ts-expect-error
honoCors({ maxAge: '60' })
// @ts-expect-error
withCors({}, {})

void [handler, shared]
