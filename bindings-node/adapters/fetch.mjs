import fetch from './fetch.cjs'

export const withCors = fetch.withCors
