'use strict'

/**
 * The headers of a Request under the names that `req.headers` of Node has. A field is read when it
 * is asked for: reading one costs more than deciding.
 */
class Fields {
  #headers

  constructor(headers) {
    this.#headers = headers
  }

  get origin() {
    return this.#headers.get('origin') ?? undefined
  }

  get 'access-control-request-method'() {
    return this.#headers.get('access-control-request-method') ?? undefined
  }

  get 'access-control-request-headers'() {
    return this.#headers.get('access-control-request-headers') ?? undefined
  }

  get 'access-control-request-private-network'() {
    return this.#headers.get('access-control-request-private-network') ?? undefined
  }

  get 'sec-fetch-site'() {
    return this.#headers.get('sec-fetch-site') ?? undefined
  }

  /** The pairs of all headers. */
  [Symbol.iterator]() {
    return this.#headers[Symbol.iterator]()
  }
}

module.exports = { Fields }
