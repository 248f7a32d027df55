import crossgate = require('crossgate')

const policy: crossgate.Policy = new crossgate.Policy({ allow_origins: '*' })
const allowed: boolean | null = policy.evaluate('GET', []).allowed
const isError = (error: unknown): error is crossgate.PolicyError => error instanceof crossgate.PolicyError

// @ts-expect-error
policy.evaluate()

void [allowed, isError]
