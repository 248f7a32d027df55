// An Express application behind one middleware, and a client that keeps its connection.
import http from 'node:http'
import { once } from 'node:events'

export const HANDLER = 'handler'

/** `ask(request)` and `close()` for an application with `middleware` in front. */
export async function serve(express, middleware) {
  const app = express()
  // Failing handlers are asked for: no stack on the console.
  app.set('env', 'test')
  app.use(middleware)
  app.get('/vary', (req, res) => res.setHeader('Vary', 'Accept-Encoding').end(HANDLER))
  app.get('/head', (req, res) => res.writeHead(200, { Vary: 'Accept-Encoding' }).end(HANDLER))
  app.get('/own', (req, res) => {
    res.setHeader('Access-Control-Allow-Origin', '*')
    res.end(HANDLER)
  })
  app.get('/throws', () => {
    throw new Error('handler failed')
  })
  app.all('/', (req, res) => res.end(HANDLER))
  const server = http.createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async ask({ method, path = '/', headers }) {
      const req = http.request({
        host: '127.0.0.1',
        port: server.address().port,
        agent,
        method,
        path,
        headers,
        timeout: 120_000
      })
      req.on('timeout', () => req.destroy(new Error('no answer')))
      req.end()
      const [res] = await once(req, 'response')
      let body = ''
      for await (const chunk of res.setEncoding('utf8')) body += chunk
      return { status: res.statusCode, headers: res.headers, body }
    },
    close() {
      agent.destroy()
      server.close()
      server.closeAllConnections()
    }
  }
}
