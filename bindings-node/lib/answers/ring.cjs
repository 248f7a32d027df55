'use strict'

/**
 * So many items, each with a property `used`. In a full ring an item that was used since it was
 * passed over is replaced only when all were (NRU).
 */
class Ring {
  constructor(most) {
    this.most = most
    this.items = []
    this.hand = 0
  }

  add(item) {
    const { items, most } = this
    if (items.length < most) {
      items.push(item)
      return
    }
    let passed = 0
    while (items[this.hand].used && passed < most) {
      this.hand = (this.hand + 1) % most
      passed += 1
    }
    if (passed === most) for (const other of items) other.used = false
    items[this.hand] = item
    this.hand = (this.hand + 1) % most
  }
}

module.exports = { Ring }
