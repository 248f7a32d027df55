import cors from './koa.cjs'

export { cors }
export default cors
