export * from './types.js'
export { cors as default } from './types.js'
