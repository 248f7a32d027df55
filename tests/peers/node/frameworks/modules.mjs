// The frameworks from this folder, and the adapters from the package as it stands in the
// repository.
import { createRequire } from 'node:module'

export const require = createRequire(import.meta.url)

const crossgate = new URL('../../../../bindings-node/', import.meta.url)

/** `ours('koa')` is `require('crossgate/koa')`. */
export const ours = name => require(new URL(`${name}.cjs`, crossgate).pathname)
