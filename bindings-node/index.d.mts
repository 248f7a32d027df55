export * from './adapters/express.js'
export * from './lib/engine/types.js'
export { cors as default } from './adapters/express.js'
