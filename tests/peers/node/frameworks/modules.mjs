// The frameworks from this folder, and the adapters from the package as it stands in the
// repository.
import { createRequire } from 'node:module'

export const require = createRequire(import.meta.url)

// A package finds itself by its own name.
const inside = createRequire(new URL('../../../../bindings-node/index.cjs', import.meta.url))

/** `ours('koa')` is `require('crossgate/koa')`, and `ours()` is `require('crossgate')`. */
export const ours = name => inside(name === undefined ? 'crossgate' : `crossgate/${name}`)
