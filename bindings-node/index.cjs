'use strict'
// Callable like the package `cors`; everything else stands beside it.

const { cors } = require('./adapters/express.cjs')
const { Counters } = require('./lib/engine/counters.cjs')
const { PolicyError } = require('./lib/engine/errors.cjs')
const { tables } = require('./lib/engine/native.cjs')
const { Policy } = require('./lib/engine/policy.cjs')
const { SharedPolicy } = require('./lib/engine/shared-policy.cjs')
require('./lib/http/handle.cjs')

module.exports = cors
module.exports.cors = cors
module.exports.Counters = Counters
module.exports.Policy = Policy
module.exports.PolicyError = PolicyError
module.exports.SharedPolicy = SharedPolicy
module.exports.publicSuffixListDate = tables().publicSuffixListDate
