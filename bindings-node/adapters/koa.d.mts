import cors = require('./koa.js')

export { cors }
export default cors
