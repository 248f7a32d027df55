import crossgate = require('crossgate')

const policy: crossgate.Policy = new crossgate.Policy({ allow_origins: '*' })
const allowed: boolean | null = policy.evaluate('GET', []).allowed
const isError = (error: unknown): error is crossgate.PolicyError =>
  error instanceof crossgate.PolicyError

const middleware: crossgate.CorsMiddleware = crossgate({
  origin: ['https://a.example', /x/],
  methods: 'GET,PUT'
})
const options: crossgate.CorsOptions = {
  origin: (origin, callback) => callback(null, origin === 'https://a.example')
}
crossgate.cors((req, callback) => callback(null, { origin: req.headers.host === 'a' }))

// @ts-expect-error
crossgate({ origins: '*' })
// @ts-expect-error
policy.evaluate()

void [allowed, isError, middleware, options]
