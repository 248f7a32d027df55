import cors from './index.cjs'

export const { Counters, Policy, PolicyError, SharedPolicy, publicSuffixListDate } = cors
export { cors, cors as default }
