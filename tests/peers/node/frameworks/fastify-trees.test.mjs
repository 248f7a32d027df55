// Random trees of Fastify's contexts, with policies in some of them: a preflight gets the policy of
// the route that it asks for, as the tree plainly says, and of nobody else's. Without wildcard
// routes, which docs/node.md names as a limit.
import assert from 'node:assert/strict'
import test from 'node:test'
import { ours, require } from './modules.mjs'

const cors = ours('fastify')
const releases = { 'fastify 5': require('fastify'), 'fastify 4.0.0': require('fastify-4') }
if (Number.parseInt(process.versions.node, 10) < 20) delete releases['fastify 5']

const TREES = 100
const METHODS = ['GET', 'PUT', 'DELETE']

/** Numbers below a limit that look random and are the same in every run. */
function numbers(seed) {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** A context: its prefix, whether it has a policy, its routes, the contexts inside. */
function tree(random, depth, names, segments) {
  const node = {
    prefix: depth === 0 ? '' : ['', '/a', '/b'][random(3)],
    policy: depth === 0 || random(2) === 0 ? `https://p${names.length}.example` : null,
    routes: [],
    inner: []
  }
  names.push(node)
  for (let i = random(8); i > 0; i -= 1)
    node.routes.push({ path: segments[random(segments.length)], method: METHODS[random(3)] })
  if (depth < 3)
    for (let i = random(3); i > 0; i -= 1) node.inner.push(tree(random, depth + 1, names, segments))
  return node
}

/** Builds it; a route that is declared twice is left out, as Fastify refuses it. */
async function build(fastify, root) {
  const app = fastify()
  const declared = new Set()
  async function fill(context, node, prefix, policy) {
    const own = node.policy ?? policy
    const plugin = () =>
      node.policy === null
        ? undefined
        : context.register(cors, { origin: [node.policy], methods: METHODS })
    const routes = () => {
      for (const { path, method } of node.routes) {
        const key = `${method} ${(prefix + path).replace(/:\w+/g, ':x')}`
        if (declared.has(key)) continue
        declared.add(key)
        context.route({ method, url: path, handler: async () => own })
      }
    }
    await plugin()
    routes()
    for (const inner of node.inner)
      context.register(
        async instance => fill(instance, inner, prefix + inner.prefix, own),
        inner.prefix === '' ? {} : { prefix: inner.prefix }
      )
  }
  await fill(app, root, '', null)
  await app.ready()
  return app
}

for (const [release, fastify] of Object.entries(releases)) {
  test(`${release}: a preflight gets the policy of the route that it asks for`, async () => {
    const random = numbers(20261201)
    let asked = 0
    for (let i = 0; i < TREES; i += 1) {
      const nodes = []
      const root = tree(random, 0, nodes, ['/x', '/y', '/:id', '/x/y'])
      const app = await build(fastify, root)
      const origins = [
        ...new Set(nodes.map(node => node.policy).filter(Boolean)),
        'https://e.example'
      ]
      for (const prefix of ['', '/a', '/b', '/a/b'])
        for (const path of ['/x', '/y', '/z', '/x/y', '/none/of/them'])
          for (const method of METHODS) {
            const url = prefix + path
            // Fastify's own router says whose route it is.
            const response = await app.inject({ method, url })
            if (response.statusCode === 404) continue
            const policy = response.body
            for (const origin of origins) {
              asked += 1
              const preflight = await app.inject({
                method: 'OPTIONS',
                url,
                headers: { origin, 'access-control-request-method': method }
              })
              const actual = await app.inject({ method, url, headers: { origin } })
              const expected = origin === policy ? origin : undefined
              for (const [what, { headers }] of Object.entries({ preflight, actual }))
                assert.equal(
                  headers['access-control-allow-origin'],
                  expected,
                  `${what} ${method} ${url} from ${origin}: ${JSON.stringify(root)}`
                )
            }
          }
      await app.close()
    }
    assert.ok(asked > 3000, `${asked} were asked`)
  })

  test(`${release}: siblings without a prefix, and routes without a policy`, async () => {
    const app = fastify()
    app.put('/none', async () => 'none')
    for (const name of ['one', 'two'])
      app.register(async inner => {
        await inner.register(cors, { origin: [`https://${name}.example`], methods: METHODS })
        inner.put(`/${name}`, async () => name)
      })
    await app.ready()
    const ask = async (url, origin) => {
      const headers = { origin, 'access-control-request-method': 'PUT' }
      const response = await app.inject({ method: 'OPTIONS', url, headers })
      return response.headers['access-control-allow-origin']
    }
    const [one, two] = ['https://one.example', 'https://two.example']
    assert.deepEqual(
      [
        await ask('/one', one),
        await ask('/one', two),
        await ask('/two', two),
        await ask('/two', one)
      ],
      [one, undefined, two, undefined]
    )
    for (const url of ['/none', '/missing'])
      assert.deepEqual([await ask(url, one), await ask(url, two)], [undefined, undefined], url)
    await app.close()
  })
}
