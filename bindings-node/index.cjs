'use strict'
// Callable like the package `cors`; everything else stands beside it.

const { cors } = require('./lib/cors.cjs')
const { Counters } = require('./lib/counters.cjs')
const { Policy } = require('./lib/policy.cjs')
const { PolicyError } = require('./lib/policy-error.cjs')
const { SharedPolicy } = require('./lib/shared-policy.cjs')

module.exports = cors
module.exports.cors = cors
module.exports.Counters = Counters
module.exports.Policy = Policy
module.exports.PolicyError = PolicyError
module.exports.SharedPolicy = SharedPolicy
