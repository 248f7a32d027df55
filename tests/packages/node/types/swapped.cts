// As the .mts beside it, in CommonJS.
import cors = require('crossgate')
import fastifyCors = require('crossgate/fastify')
import koaCors = require('crossgate/koa')
import express = require('express')
import fastify = require('fastify')
import Koa = require('koa')

const options: cors.CorsOptions = { origin: ['https://a.example'] }
const delegate: cors.CorsOptionsDelegate<express.Request> = (req, callback) =>
  callback(null, { origin: req.hostname })
express().use(cors(options), cors(delegate))

const whole: fastifyCors.FastifyCorsOptions = { origin: false }
const perRequest: fastifyCors.FastifyCorsOptionsDelegate = async () => whole
void fastify.fastify().register(fastifyCors, { delegator: perRequest })
void fastify.fastify().register(fastifyCors.fastifyCors, whole)

const koaOptions: koaCors.Options = { credentials: ctx => ctx.secure }
new Koa().use(koaCors(koaOptions))
