// The same for CommonJS, where a package is one value.
import fastifyCors = require('../../../../../bindings-node/adapters/fastify.js')
import fetchModule = require('../../../../../bindings-node/adapters/fetch.js')
import hono = require('../../../../../bindings-node/adapters/hono.js')
import cors = require('../../../../../bindings-node/index.js')
import koaCors = require('../../../../../bindings-node/adapters/koa.js')
import { fastify } from 'fastify'
import Koa = require('koa')

const policy = new cors.Policy({ allowOrigins: ['https://a.example'] })

void fastify().register(fastifyCors, { policy, hook: 'preHandler' })
void fastify().register(fastifyCors.fastifyCors, { origin: false })
const options: koaCors.Options = { policy }
new Koa().use(koaCors(options)).use(koaCors.cors({ origin: '*' }))
const middleware = hono.cors({ origin: 'https://a.example' })
const handler = fetchModule.withCors(() => new Response())

// @ts-expect-error
koaCors({ origins: [] })

void [middleware, handler, cors({ policy })]
