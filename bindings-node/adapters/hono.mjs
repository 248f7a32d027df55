import hono from './hono.cjs'

export const cors = hono.cors
