// A plain node:http server under a policy: `node server.mjs --policy FILE --port N` (0: any free
// port).
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { Policy } from '../../../bindings-node/index.mjs'

const { values: args } = parseArgs({
  options: { policy: { type: 'string' }, port: { type: 'string', default: '0' } }
})
if (!args.policy) {
  console.error('usage: node server.mjs --policy FILE [--port N]')
  process.exit(2)
}

let policy
try {
  policy = Policy.fromFile(args.policy)
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
for (const { code, path, message } of policy.warnings)
  console.error(`warning ${code} at ${path}: ${message}`)

const text = [['content-type', 'text/plain']]
const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS']

/** The application. It knows nothing of CORS, but for `/upstream`, which thinks it does. */
function handle(method, path) {
  if (path === '/data' && METHODS.includes(method))
    return { status: 200, headers: [['content-type', 'application/json']], body: '{"ok":true}\n' }
  if (path === '/upstream') {
    const headers = [
      ['Access-Control-Allow-Origin', '*'],
      ['Access-Control-Expose-Headers', 'X-Own'],
      ['Vary', 'Accept-Encoding']
    ]
    return { status: 200, headers: [...text, ...headers], body: 'upstream\n' }
  }
  if (path === '/error') return { status: 500, headers: text, body: 'error\n' }
  return { status: 404, headers: text, body: 'not found\n' }
}

const server = createServer((req, res) => {
  const decision = policy.evaluate(req.method, req.rawHeaders)
  const forward = decision.action === 'forward'
  const { status, headers, body } = forward
    ? handle(req.method, req.url.split('?')[0])
    : { status: decision.status, headers: [], body: '' }
  const length = status === 204 ? [] : [['content-length', Buffer.byteLength(body)]]
  // Last of all, so that whatever the handler said of CORS is set right.
  res.writeHead(status, decision.apply([...headers, ...length]).flat())
  res.end(body)
})

server.listen(Number(args.port), '127.0.0.1', () =>
  console.log(`listening on 127.0.0.1:${server.address().port}`)
)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}
