'use strict'

/**
 * So many items, each with a property `used`. In a full ring an item that was used since it was
 * passed over is replaced only when all were (NRU).
 */
class Ring {
  #hand = 0

  constructor(most) {
    this.most = most
    this.items = []
  }

  add(item) {
    const { items, most } = this
    if (items.length < most) {
      items.push(item)
      return
    }
    if (items.every(({ used }) => used)) for (const other of items) other.used = false
    while (items[this.#hand].used) this.#hand = (this.#hand + 1) % most
    items[this.#hand] = item
    this.#hand = (this.#hand + 1) % most
  }
}

module.exports = { Ring }
