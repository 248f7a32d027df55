import fastifyCors from './fastify.cjs'

export { fastifyCors }
export default fastifyCors
