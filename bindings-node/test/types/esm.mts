// What users write must compile, and what is wrong must not.
import { createServer } from 'node:http'
import { createServer as createServer2 } from 'node:http2'
import defaultCors, { Counters, Policy, PolicyError, SharedPolicy, cors } from 'crossgate'
import type {
  CorsOptions,
  Decision,
  Options,
  Problem,
  Reason,
  RequestHeaders,
  ShadowDifference,
  ShadowRequest
} from 'crossgate'

const options: Options = {
  allowOrigins: ['https://a.example'],
  allow_methods: '*',
  maxAge: null,
  allowHeaders: undefined
}
const policy = new Policy(options)
const again: Policy = new Policy(policy.document())
const same: boolean = policy.equals(again)
const files: Policy[] = [
  Policy.fromFile('cors.toml'),
  Policy.fromFile(new URL('file:///cors.json')),
  Policy.fromEnv('CORS'),
  Policy.fromEnv('CORS', process.env)
]

createServer((req, res) => {
  const decision: Decision = policy.evaluate(req.method ?? '', req.rawHeaders)
  policy.evaluate(req.method ?? '', req.headers)
  const status: number = decision.status ?? 200
  const pairs = decision.apply([
    ['content-type', 'text/plain'],
    ['content-length', 2]
  ])
  res.writeHead(status, pairs.flat())
})

createServer((req, res) => {
  if (!policy.handle(req, res, undefined, counters)) res.end()
}).on('upgrade', (req, socket) => {
  if (policy.checkUpgrade(req, { public: true }) === 'deny') socket.destroy()
})
createServer2((req, res) => {
  if (!policy.handle(req, res)) res.end()
})

const counters = new Counters()
const shared = new SharedPolicy(policy)
shared.replace({ allowOrigins: '*' })
shared.replaceToml('allow_origins = "*"')
shared.setShadow(policy, ({ live, shadow }: ShadowDifference, { method }: ShadowRequest) => {
  if (live.reason !== shadow.reason && method === 'GET') counters.record(live)
})
const counts: number =
  counters.toJSON().allowed + counters.get('no_origin') + counters.overwroteUpstream
const corsOptions: CorsOptions = {
  origin: async origin => origin.endsWith('.example'),
  allowedHeaders: ['X-A'],
  maxAge: 5,
  credentials: true
}
const middlewares = [
  cors(),
  defaultCors(corsOptions),
  cors({ policy: shared, preflightContinue: true, counters }),
  cors(async req => ({ origin: req.headers.origin === 'x' }))
]
middlewares.forEach(middleware => createServer((req, res) => middleware(req, res, () => res.end())))

const shapes: RequestHeaders[] = [
  [['Origin', 'https://a.example']],
  ['Origin', Buffer.from('https://a.example')],
  { origin: ['a', 'b'], host: undefined },
  new Headers({ origin: 'https://a.example' }),
  new Map([['origin', 'https://a.example']])
]
const reason: Reason = policy.evaluate('GET', shapes[0] ?? [], 'allow').reason
const origin: string | null = policy.needsVerdict('GET', [])
const socket: 'allow' | 'deny' | 'absent' = policy.checkWebSocket(['https://a.example'], {
  public: true,
  verdict: null
})

try {
  Policy.fromJson('{}')
} catch (error) {
  if (error instanceof PolicyError)
    error.problems.forEach((problem: Problem) => problem.hint?.length)
}

// @ts-expect-error
counters.get('x')
// @ts-expect-error
cors({ origin: 5 })
// @ts-expect-error
new Policy({ allowOrigin: ['https://a.example'] })
// @ts-expect-error
new Policy({ allowOrigins: 'https://a.example' })
// @ts-expect-error
policy.evaluate('GET', 5)
// @ts-expect-error
policy.evaluate('GET', [], 'maybe')
// @ts-expect-error
policy.evaluate('GET', []).status = 5
// @ts-expect-error
policy.warnings.push(1)
// @ts-expect-error
new PolicyError('', [])

void [counts, same, files, reason, origin, socket]
