// A server on a free port and a client that sends any header and reads every byte.
import { Agent, createServer, request as httpRequest } from 'node:http'
import { connect } from 'node:http2'

/** Sends a request and reads the answer: `{ status, headers, body }`. */
export function ask(port, { method, path, headers }, agent) {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent, timeout: 120_000 },
      received => {
        const chunks = []
        received.on('data', chunk => chunks.push(chunk))
        received.on('end', () =>
          resolve({
            status: received.statusCode,
            headers: received.headers,
            body: Buffer.concat(chunks).toString()
          })
        )
        received.on('error', reject)
      }
    )
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    sent.on('error', reject)
    sent.end()
  })
}

/** Serves a listener; `send(request)` asks it over one connection that is kept. */
export async function serve(listener) {
  const server = createServer(listener)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    port: server.address().port,
    send: request => ask(server.address().port, request, agent),
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/**
 * Sends requests (HTTP/2 headers) over one session of HTTP/2, which it ends: the headers of the
 * answers.
 */
export async function askHttp2(port, requests) {
  const client = connect(`http://127.0.0.1:${port}`)
  const one = headers =>
    new Promise((resolve, reject) => {
      const stream = client.request(headers)
      stream.setTimeout(120_000, () => reject(new Error(`no answer to ${headers[':path']}`)))
      stream.on('response', received => stream.resume().on('end', () => resolve(received)))
      stream.on('error', reject)
      stream.end()
    })
  const answers = []
  for (const headers of requests) answers.push(await one(headers))
  // Servers wait for their sessions to end.
  await new Promise(resolve => client.close(resolve))
  return answers
}
