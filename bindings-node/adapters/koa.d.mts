import cors = require('./koa.js')

export type { Options, OriginAnswer } from './koa.js'
export { cors }
export default cors
