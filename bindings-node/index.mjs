import cors from './index.cjs'

export const { Counters, Policy, PolicyError, SharedPolicy } = cors
export { cors, cors as default }
