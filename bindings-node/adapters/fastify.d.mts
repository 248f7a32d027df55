import fastifyCors = require('./fastify.js')

export { fastifyCors }
export default fastifyCors
