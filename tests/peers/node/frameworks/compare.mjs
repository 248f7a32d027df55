// Runs a peer and the adapter side by side and explains every difference by the peer's list of
// them.
import { readFileSync } from 'node:fs'

export const A = 'https://a.example.com'
export const B = 'https://b.example.com'
export const EVIL = 'https://evil.example'

const preflight = (origin, method, headers, more) => ({
  method: 'OPTIONS',
  path: '/',
  headers: {
    ...(origin === undefined ? {} : { origin }),
    ...(method === undefined ? {} : { 'access-control-request-method': method }),
    ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
    ...more
  }
})
const actual = (origin, path = '/', method = 'GET') => ({
  method,
  path,
  headers: origin === undefined ? {} : { origin }
})

/** What is asked of every set of options. */
export const requests = [
  actual(undefined),
  actual(A),
  actual(B),
  actual(EVIL),
  actual('null'),
  actual(''),
  actual(`${A}.evil.example`),
  actual('https://xa.example.com'),
  actual('HTTPS://A.EXAMPLE.COM'),
  actual(`${A}, ${EVIL}`),
  actual(A, '/', 'HEAD'),
  actual(A, '/', 'POST'),
  actual(A, '/vary'),
  actual(EVIL, '/vary'),
  actual(A, '/own'),
  actual(EVIL, '/own'),
  actual(A, '/error'),
  actual(EVIL, '/error'),
  actual(A, '/missing'),
  preflight(A, 'PUT'),
  preflight(B, 'DELETE'),
  preflight(EVIL, 'PUT', 'content-type,x-token'),
  preflight('null', 'PUT'),
  preflight(A, 'PUT', 'content-type,x-token'),
  preflight(A, 'PUT', 'authorization'),
  preflight(A, 'PUT', 'X-Token,,'),
  preflight(A, 'PUT', 'a b, "q"'),
  preflight(A, 'patch'),
  preflight(A, ''),
  preflight('', 'PUT'),
  preflight(A),
  preflight(undefined, 'PUT'),
  preflight(undefined),
  preflight(`${A}.evil.example`, 'PUT'),
  preflight(A, 'PUT', undefined, { 'access-control-request-private-network': 'true' }),
  { ...preflight(A, 'PUT'), path: '/missing' }
]

// Of the moment and of the connection, or of a body that is compared itself.
const IGNORED = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])

/** The fields of two responses that differ: status, body, and each header. */
function fieldsThatDiffer(peer, mine) {
  const fields = []
  const add = (field, theirs, own) => theirs !== own && fields.push({ field, theirs, own })
  add('status', peer.status, mine.status)
  add('body', peer.body, mine.body)
  for (const name of new Set([...Object.keys(peer.headers), ...Object.keys(mine.headers)])) {
    if (!IGNORED.has(name)) add(name, peer.headers[name], mine.headers[name])
  }
  return fields
}

/**
 * Compares on every pair of options and request. `peer(options)` and `mine(options)` start an
 * application with the middleware: `{ send(request), close() }`. `rules` are `[id,
 * fits(difference)]`; the first that fits explains. Returns the number of pairs, the differences
 * that no entry of the list explains, and the entries that explain none.
 */
export async function compare({ list, optionSets, peer, mine, rules }) {
  const { differences } = JSON.parse(
    readFileSync(new URL(`../../differences/${list}.json`, import.meta.url), 'utf8')
  )
  const ids = new Set(differences.map(difference => difference.id))
  const used = new Set()
  const failures = []
  let pairs = 0

  const explain = difference => {
    const id = rules.find(([, fits]) => fits(difference))?.[0]
    used.add(id)
    if (id === undefined || !ids.has(id)) failures.push({ id, ...difference })
  }

  for (const { name, options } of optionSets) {
    const theirs = await peer(options())
    let own
    try {
      own = await mine(options())
    } catch (error) {
      explain({ name, options: options(), field: 'construction', own: error })
      pairs += requests.length
      await theirs.close()
      continue
    }
    for (const request of requests) {
      pairs += 1
      const [from, to] = [await theirs.send(request), await own.send(request)]
      for (const field of fieldsThatDiffer(from, to))
        explain({ name, options: options(), request, peer: from, mine: to, ...field })
    }
    await Promise.all([theirs.close(), own.close()])
  }
  return { pairs, failures, unused: [...ids].filter(id => !used.has(id)) }
}

/** A failure on one line. */
export function show({ id, name, request, field, theirs, own }) {
  const asked = `${request?.method} ${request?.path} ${JSON.stringify(request?.headers)}`
  const found = own instanceof Error ? own.message : JSON.stringify(own)
  return `${name} | ${asked} | ${field}: ${JSON.stringify(theirs)} -> ${found} (${id})`
}
