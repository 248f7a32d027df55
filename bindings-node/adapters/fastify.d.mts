import fastifyCors = require('./fastify.js')

export type {
  AsyncOriginFunction,
  FastifyCorsOptions,
  FastifyCorsOptionsDelegate,
  FastifyCorsOptionsDelegateCallback,
  FastifyCorsOptionsDelegatePromise,
  FastifyPluginOptionsDelegate,
  Hook,
  Options,
  Origin,
  OriginFunction,
  RouteOptions
} from './fastify.js'
export { fastifyCors }
export default fastifyCors
