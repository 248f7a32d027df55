import crossgate from './index.cjs'

export const Policy = crossgate.Policy
export const PolicyError = crossgate.PolicyError
