// A server under the runtime that runs this, asked by that runtime's own fetch.
const assert = require('node:assert/strict')
const { createServer } = require('node:http')
const cors = require('../../../../bindings-node')

const A = 'https://a.example'
const policy = new cors.Policy({ allowOrigins: [A], allowMethods: ['PUT'] })
const middleware = cors({ policy })
const server = createServer((req, res) =>
  middleware(req, res, () => {
    res.setHeader('Vary', 'Accept')
    res.writeHead(200, { 'Content-Type': 'text/plain' })
    res.end('hello')
  })
)
server.listen(0, '127.0.0.1', async () => {
  const ask = async options => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/`, options)
    return [
      response.status,
      response.headers.get('access-control-allow-origin'),
      response.headers.get('vary'),
      await response.text()
    ]
  }
  assert.deepEqual(await ask({ headers: { origin: A } }), [200, A, 'Accept, Origin', 'hello'])
  assert.deepEqual(await ask({ headers: { origin: 'https://evil.example' } }), [
    200,
    null,
    'Accept, Origin',
    'hello'
  ])
  assert.deepEqual(
    await ask({
      method: 'OPTIONS',
      headers: { origin: A, 'access-control-request-method': 'PUT' }
    }),
    [204, A, 'Origin, Access-Control-Request-Method', '']
  )
  console.log('a server answers')
  process.exit(0)
})
setTimeout(() => {
  throw new Error('no answer')
}, 20_000)
